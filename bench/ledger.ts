/**
 * What the ledger costs: bytes a record, sealing and what it does to whoever answers meanwhile, verification, finding.
 *
 *   node bench/ledger.ts [--records 1000000] [--engines 2]
 *
 * Predictions as the example's bank makes them, over ten days and two versions, in turns of 64 as under load.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { features, sample } from '../examples/churn/bank.ts'
import { canonical } from '../src/ledger/canonical.ts'
import { type OpenedLedger, openLedger } from '../src/ledger/open-ledger.ts'
import { verifyLedger } from '../src/ledger/verify.ts'
import { manualClock } from '../src/platform/clock.ts'
import { openKeyring, openSigner } from '../src/platform/crypto.ts'
import { uuid7 } from '../src/platform/ids.ts'
import { machine, temporaryFolder } from './processes.ts'

const DAYS = 10
const DAY_MS = 86_400_000
const START_AT = 20_779 * DAY_MS
const TURN = 64
const CUSTOMERS = 5000

const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, engines: { type: 'string', default: '2' } },
})
const count = Number(values.records)
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

const clock = manualClock(START_AT)
const ids = uuid7(clock)
const customers = sample('ledger', CUSTOMERS).map(features)
const known: string[] = []

function prediction(index: number): string {
  const id = ids.next()
  if (index % Math.ceil(count / 100) === 0) known.push(id)
  return canonical({
    kind: 'prediction',
    id,
    at: clock.now(),
    actor: 'key:7f3a09c2d4e1',
    source: '127.0.0.1',
    door: 'http',
    model: 'churn',
    version: index % 10 === 0 ? '1.1.0' : '1.0.0',
    requestId: ids.next(),
    features: { ...customers[index % CUSTOMERS]!, balance: Math.round(index * 7919) / 100 },
    outputs: { churn_probability: Math.fround(((index * 2654435761) % 2 ** 32) / 2 ** 32) },
    latencyMs: ((index * 31) % 1000) / 1000,
  })
}

async function append(ledger: OpenedLedger): Promise<void> {
  for (let index = 0; index < count; index += TURN) {
    clock.set(START_AT + Math.floor((index / count) * DAYS * DAY_MS))
    const turn = Array.from({ length: Math.min(TURN, count - index) }, (_, at) => prediction(index + at))
    await ledger.append(turn)
  }
}

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const startedAt = performance.now()
  const result = await work()
  return [performance.now() - startedAt, result]
}

async function median(runs: readonly (() => Promise<unknown>)[]): Promise<string> {
  const times: number[] = []
  for (const run of runs) times.push((await timed(run))[0])
  times.sort((a, b) => a - b)
  return `${times[Math.floor(times.length / 2)]!.toFixed(1)} ms (longest ${times.at(-1)!.toFixed(1)})`
}

const data = temporaryFolder()
const folder = join(data, 'ledger')
const signer = await openSigner(data, 'ledger', await openKeyring(data))
const complain = (fields: object, message: string): void => say(`${message} ${JSON.stringify(fields)}`)
const open = (): Promise<OpenedLedger> =>
  openLedger({
    folder,
    signer,
    clock,
    log: { info: () => undefined, warn: complain, error: complain },
    options: {
      segmentBytesMax: 2 ** 26,
      segmentAgeMsMax: 3_600_000,
      flushMs: 50,
      engineMemory: '512MB',
      engineThreads: 1,
    },
  })

try {
  const ledger = await open()
  const [appendMs] = await timed(() => append(ledger))
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const [sealMs] = await timed(() => ledger.seal())
  delay.disable()
  const delays = [50, 99, 99.9].map(share => `${(delay.percentile(share) / 1e6).toFixed(1)} ms at ${share} %`)
  say(`Append and seal: ${count} records in ${seconds(appendMs)}, sealed ${seconds(sealMs)} after the last`)
  say(
    `Delay of the event loop while sealing, a timer of 1 ms included: ${delays.join(', ')}, longest ${(delay.max / 1e6).toFixed(1)} ms`,
  )
  say(`Memory of the process that answers: ${mebibytes(process.memoryUsage().rss)}`)

  say(`Find by id: ${await median(known.map(id => () => ledger.find(id)))}`)
  const day = { since: START_AT + 4 * DAY_MS, until: START_AT + 5 * DAY_MS }
  const query = { kind: 'prediction', model: 'churn', version: '1.1.0', ...day, limit: 100 } as const
  say(`A page of one day and one version: ${await median(Array.from({ length: 20 }, () => () => ledger.query(query)))}`)
  const { plan } = await ledger.search(query, true)
  say(`  ${plan!.filesInLedger} files, ${plan!.filesConsidered} considered, ${plan!.filesRead.length} read`)
  say(`Prove: ${await median(known.slice(0, 20).map(id => () => ledger.prove(id)))}`)
  const [readMs] = await timed(async () => {
    let lines = 0
    for await (const batch of ledger.lines()) lines += batch.length
    if (lines !== count) throw new Error(`Cannot measure: ${lines} of ${count} records were read`)
  })
  say(`Read all: ${seconds(readMs)}`)
  await ledger.close()

  const options = { publicKeys: [signer.publicKey], engines: Number(values.engines) }
  const report = await verifyLedger(folder, options)
  if (!report.ok || report.proven !== count) throw new Error(`Cannot measure: ${JSON.stringify(report.faults)}`)
  const perRecord = (bytes: number): string => (bytes / count).toFixed(1)
  say(
    `Verify: ${seconds(report.elapsedMs)} with ${values.engines} engines, ${report.segments} segments, ${report.heads} heads`,
  )
  say(`Bytes a record: ${perRecord(report.bytes.sealed)} sealed, ${perRecord(report.bytes.tree)} tree`)
  const [openMs, again] = await timed(open)
  say(`Open: ${openMs.toFixed(0)} ms`)
  await again.close()
  say(machine())
} finally {
  rmSync(data, { recursive: true, force: true })
}

/**
 * The price of each duty of an answered prediction, each by itself: `npm run bench:hot-path -- [--rounds 40]`.
 *
 * The fastest of many short rounds, because other work on the machine only ever adds. A duty by itself runs with warm caches: inside a server, between the code of HTTP, the same costs up to twice as much. What one
 * request costs as a whole, beside a bare echo, is told by `npm run bench:serving`.
 */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { features, sample } from '../examples/churn/bank.ts'
import { lineBytesMax, writeLine } from '../src/ledger/journal-line.ts'
import { predictionMetrics } from '../src/monitoring/prediction-metrics.ts'
import { serviceWatch } from '../src/monitoring/recent-calls.ts'
import { systemClock } from '../src/platform/clock.ts'
import { uuid7 } from '../src/platform/ids.ts'
import { loadArtifact } from '../src/predictor/load-artifact.ts'
import { predictorOf } from '../src/predictor/model.ts'
import type { Feature } from '../src/registry/signature.ts'
import type { ModelVersion } from '../src/registry/version.ts'
import { accessLog } from '../src/serving/access-log.ts'
import type { Journey } from '../src/serving/journey.ts'
import { laneMaker } from '../src/serving/lane.ts'
import { readyModel } from '../src/serving/loaded-model.ts'
import { recordFrame, recordText } from '../src/serving/prediction-text.ts'
import { machine } from './processes.ts'

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '200' } } })
const rounds = Number(options.rounds)
const BODIES = 997
const CALLS = 1_000

const row = features(sample('hot path', 1)[0]!)
const bodies = sample('hot path', BODIES).map(customer => Buffer.from(JSON.stringify(features(customer))))
const artifact = loadArtifact(readFileSync(new URL('../examples/churn/model.json', import.meta.url)))
const inputs = Object.entries(row).map(([name, value]): Feature => {
  const type = typeof value === 'boolean' ? 'boolean' : 'number'
  return { name, type, nullable: false, sensitive: false, protected: false }
})
const signature = { inputs, outputs: [{ name: 'churn_probability', type: 'number' as const }] }
const version = { model: 'churn', version: '1.0.0', explain: 'always', signature } as unknown as ModelVersion
const model = await readyModel(
  { version, predictor: predictorOf(artifact), artifact },
  laneMaker(() => 0),
)
const { explaining, outputs, predictor } = model
const explained = new Float64Array(inputs.length)
const rows = model.signature.readQuickly(bodies[0]!)!
const lane = model.lane('all', 'champion')
const ids = uuid7(systemClock)
const buffer = Buffer.allocUnsafe(lineBytesMax('x'.repeat(4_096)))
const metrics = predictionMetrics()
const service = serviceWatch({ clock: systemClock })

const journey = {
  door: 'rest',
  requestId: ids.next(),
  source: '127.0.0.1',
  at: systemClock.now(),
  actor: { id: 'local', name: 'local', roles: [] },
  context: { explain: false },
  lane,
  rows,
  body: bodies[0]!,
  ids: [ids.next()],
  outputTexts: ['{"churn_probability":0.12345678}'],
  latencyMs: 0.321,
  tookMs: 0.35,
} as unknown as Journey

/** What has been made so far, so that no work is seen to be of no use. */
let made = 0
const log = accessLog(line => {
  made += buffer.write(line, 0)
})

function explanation(): string {
  return explaining!.writer.write(explained, 0)
}

const record = (): string => {
  const frame = recordFrame(lane, journey)
  return recordText(frame, ids.next(), featuresText(), outputText(), 0, undefined, undefined)
}
const featuresText = (): string => model.signature.writeFeatures(rows.values, 0)
const outputText = (): string => outputs.write(rows.outputs, 0)
const finished = record()

/** In the order of the journey. */
const DUTIES: Readonly<Record<string, (call: number) => void>> = {
  'an echo: JSON parsed, written again': call => {
    made += JSON.stringify(JSON.parse(bodies[call % BODIES]!.toString('utf8'))).length
  },
  'an id for the request': () => {
    made += ids.next().length
  },
  'the body read and checked against the signature': call => {
    const read = model.signature.readQuickly(bodies[call % BODIES]!)!
    model.signature.release(read)
  },
  predicted: () => {
    ;(predictor as { predict(values: Float64Array, count: number, outputs: Float64Array): void }).predict(
      rows.values,
      1,
      rows.outputs,
    )
  },
  'explained exactly': () => explaining!.explain(rows.values, 1, explained),
  'the explanation written': () => {
    made += explanation().length
  },
  'the record written, its id included': () => {
    made += record().length
  },
  "its line put into the journal's buffer, with its checksum": call => {
    // Put together anew, because a text that is not flat yet is made flat when it is written.
    made += writeLine(`${finished}${call}`, buffer, 0)
  },
  'SHA-256 of the body': call => {
    made += hash('sha256', bodies[call % BODIES]!, 'hex').length
  },
  'the log line, that SHA-256 included': () => log(journey),
  'metrics and service levels': () => {
    metrics.observe(journey)
    service.observe(journey)
  },
  'the answer written': () => {
    made += Buffer.byteLength(`{"id":"${journey.ids[0]}"${lane.texts.answer}${journey.outputTexts[0]}}`)
  },
}

/** Microseconds of a call, in the fastest of the rounds. */
function price(duty: (call: number) => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now()
    for (let call = 0; call < CALLS; call++) duty(call)
    least = Math.min(least, ((performance.now() - startedAt) * 1000) / CALLS)
  }
  return least
}

for (const duty of Object.values(DUTIES)) price(duty) // the compilers see all of it before anything is told
for (const [name, duty] of Object.entries(DUTIES)) {
  process.stdout.write(`| ${name} | ${price(duty).toFixed(2)} µs |\n`)
}
process.stdout.write(`${machine()}; ${rounds} rounds of ${CALLS} calls, ${made > 0 ? 'the fastest' : ''}\n`)

/**
 * A file of outcomes, one in a hundred broken: the good ones in, the bad ones set aside with reasons; and what is left of it when
 * the server dies in the middle. A million rows where the long tests run, some ten thousand otherwise.
 */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { tinyModel } from '../journeys/model.ts'
import { bellwether, type RunningServer, startServer, temporaryFolder } from '../server.ts'

const IS_LONG = process.env['CRASH_ROUNDS'] !== undefined
const ROWS = IS_LONG ? 1_000_000 : 60_000
const BATCH_ROWS = 10_000
const MET_MS_MAX = 60_000

interface Told {
  readonly rows: number
  readonly recorded: number
  readonly repeated: number
  readonly rejected: number
  readonly seconds: number
}

/** Every hundredth row is broken, in one of these ways. */
const BREAKS: readonly (readonly [reason: RegExp, broken: (id: string) => string])[] = [
  [/^prediction_id is no prediction of this ledger$/, () => '019aaaac-7601-70f2-8d7e-919e8cdb1208,1,x'],
  [/^value is a text, wanted true, false, 1 or 0$/, id => `${id},yes,x`],
  [/^value is empty$/, id => `${id},,x`],
  [/^has 2 cells, wanted 3 as in the header$/, id => `${id},1`],
  [/^has a quote that is not closed, or text beside one$/, id => `${id},"1,x`],
  [/^value is 7, wanted true, false, 1 or 0$/, id => `${id},7,x`],
]

async function register({ url }: RunningServer): Promise<void> {
  const body = new FormData()
  for (const [name, value] of Object.entries({ name: 'churn', version: '1.0.0' })) body.append(name, value)
  body.append('artifact', new File([tinyModel()], 'model.json'))
  const { status } = await fetch(`${url}/models/register`, { method: 'POST', body })
  assert.equal(status, 201)
}

async function predict({ url }: RunningServer, rows: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < rows) {
    const batch = Array.from({ length: BATCH_ROWS }, (_, row) => ({ age: 20 + (row % 60), tenure: row % 11 }))
    const answer = await fetch(`${url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(batch),
    })
    const { predictions } = (await answer.json()) as { predictions: { id: string }[] }
    ids.push(...predictions.map(({ id }) => id))
  }
  return ids
}

/** Waits until some outcomes are taken. */
async function someAreIn({ url }: RunningServer): Promise<void> {
  const deadline = Date.now() + MET_MS_MAX
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text()
    if (Number(/^outcomes_total\{status="recorded"\} (\d+)$/m.exec(text)?.[1] ?? 0) > 0) return
    if (Date.now() > deadline) throw new Error('Cannot go on: no outcome was taken in time')
    await sleep(5)
  }
}

/** Line by line: all of them are longer than a text may be. */
async function outcomesOf({ url }: RunningServer): Promise<Map<string, number>> {
  const { body } = await fetch(`${url}/audit/records`)
  const counts = new Map<string, number>()
  for await (const line of createInterface({ input: Readable.fromWeb(body as ReadableStream) })) {
    if (!line.includes('"kind":"outcome"')) continue
    const { predictionId } = JSON.parse(line) as { predictionId: string }
    counts.set(predictionId, (counts.get(predictionId) ?? 0) + 1)
  }
  return counts
}

function tableOf(ids: readonly string[]): string {
  const lines = ids.map((id, row) =>
    row % 100 === 50 ? BREAKS[(row / 100 - 0.5) % BREAKS.length]![1](id) : `${id},${row % 2},x`,
  )
  return `prediction_id,value,note\n${lines.join('\n')}\n`
}

function checkRejected(path: string, bad: number): void {
  const [header, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n')
  assert.equal(header, 'line,reason,prediction_id,value,note')
  assert.equal(lines.length, bad)
  for (const [index, line] of lines.entries()) {
    const [, number, reason] = /^(\d+),"((?:[^"]|"")*)",/.exec(line)!
    assert.equal(Number(number), index * 100 + 52, 'the header is line 1')
    assert.match(reason!.replaceAll('""', '"'), BREAKS[index % BREAKS.length]![0])
  }
}

test('an import that dies in the middle is repeated, and every good row is in once', async t => {
  const data = temporaryFolder()
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const input = join(data, 'left.csv')
  const bad = ROWS / 100
  let server = await startServer({ data })
  try {
    await register(server)
    const ids = await predict(server, ROWS)
    writeFileSync(input, tableOf(ids))
    const importing = bellwether(['outcomes', '--input', input, '--server', server.url, '--json'])
    await someAreIn(server)
    await server.kill('SIGKILL')
    assert.equal((await importing).status, 69)

    server = await startServer({ data })
    const before = (await outcomesOf(server)).size
    assert.ok(before > 0 && before < ROWS - bad, `${before} outcomes survived`)
    const repeated = await bellwether(['outcomes', '-i', input, '--server', server.url, '--json'])
    assert.equal(repeated.status, 65, repeated.stderr)
    const { seconds, ...told } = JSON.parse(repeated.stdout) as Told
    t.diagnostic(`${ROWS} rows in ${seconds.toFixed(1)} s`)
    const counts = { rows: ROWS, recorded: ROWS - bad - before, corrected: 0, repeated: before, rejected: bad }
    assert.deepEqual(told, { ...counts, ignored: ['note'], rejectedFile: `${input}.rejected.csv` })
    checkRejected(`${input}.rejected.csv`, bad)
    const known = await outcomesOf(server)
    assert.equal(known.size, ROWS - bad)
    assert.ok([...known.values()].every(count => count === 1))
    assert.ok(ids.every((id, row) => known.has(id) === (row % 100 !== 50)))
  } finally {
    await server.kill('SIGTERM')
  }
})

/** Both ends of the stream of records, with a real journal behind it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { Problem } from '../errors.ts'
import { type Journal, openJournal } from '../ledger/journal.ts'
import { readJournalFile } from '../ledger/journal-files.ts'
import { manualClock } from '../platform/clock.ts'
import { type Link, linkOver } from '../platform/link.ts'
import type { Journey } from '../serving/journey.ts'
import { readCalls } from './calls.ts'
import { type RemoteJournal, remoteJournal } from './remote-journal.ts'
import { takeBatches } from './take-batches.ts'

const COLUMNS = 2

interface Ends {
  readonly journal: Journal
  readonly remote: RemoteJournal
  readonly owner: Link
  /** Calls that were counted: time, rows, counters. */
  readonly counted: [number, number, number[]][]
}

function ends(t: TestContext, turnBytesMax: number = 1 << 24, slowly?: () => Promise<void>): Ends {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-remote-'))
  const clock = manualClock(1_800_000_000_000)
  const journal = openJournal(folder, {
    flushMs: 5,
    bytesMax: 1 << 24,
    ageMsMax: 3_600_000,
    clock,
    firstIndex: 0,
    turnBytesMax,
  })
  t.after(async () => {
    await journal.close()
    rmSync(folder, { recursive: true })
  })
  const [one, other] = duplexPair()
  const owner = linkOver(one)
  const counted: Ends['counted'] = []
  const ledger: Pick<Journal, 'appendLines'> = {
    async appendLines(lines, count, durability) {
      const whole = Buffer.from(lines)
      await slowly?.()
      await journal.appendLines(whole, count, durability)
    },
  }
  takeBatches(owner, slowly === undefined ? journal : ledger, numbers => {
    for (const { at, rows, slots } of readCalls(numbers, () => COLUMNS)) counted.push([at, rows, [...slots]])
  })
  // Two columns of numbers, in bins that begin at 0 and 10.
  const bins = { lowers: [0, 10], maximum: 20 }
  const slots = [8, 13].map(base => ({ base, slots: 5, bins: undefined, categories: undefined, column: bins as never }))
  const layout = { columns: [], slots, length: 18 }
  const placement = { features: Int32Array.of(0), outputs: Int32Array.of(0) }
  const remote = remoteJournal(linkOver(other), () => ({ layout, placement }))
  return { journal, remote, owner, counted }
}

function journey(at: number, values: readonly number[]): Journey {
  const rows = { values: Float64Array.from(values), outputs: new Float64Array(values.length), count: values.length }
  return { at, latencyMs: 1.5, lane: { number: 3 }, rows } as unknown as Journey
}

function record(number: number): string {
  return `{"id":"record-${number}","text":"Zürich €"}`
}

test('records arrive in their order, are waited for, and their calls are counted with them', async t => {
  const { journal, remote, counted } = ends(t)
  await Promise.all([
    remote.append([record(0), record(1)], 'process', journey(1, [0, 2])),
    remote.append([record(2)], 'process', journey(2, [1])),
  ])
  assert.equal(journal.progress.written(), 3)
  await remote.append([record(3)], 'power', journey(3, [Number.NaN]))
  assert.equal(journal.progress.flushed(), 4)
  const texts = journal.files().flatMap(file => [...readJournalFile(file)].flat().map(String))
  assert.deepEqual(texts, [0, 1, 2, 3].map(record))
  assert.deepEqual(counted, [
    [1, 2, [8, 13, 10, 13]],
    [2, 1, [9, 13]],
    [3, 1, [12, 13]],
  ])
})

test('a batch that is larger than any buffer arrives whole', async t => {
  const { journal, remote, counted } = ends(t)
  const all = Array.from({ length: 20_000 }, (_, index) => record(index))
  const values = all.map((_, index) => index % 3)
  await remote.append(all, 'process', journey(1, values))
  assert.equal(journal.size, all.length)
  assert.equal(counted[0]![2].length, all.length * COLUMNS)
})

test('what the journal refuses is refused here, and not counted', async t => {
  const { remote, counted, journal } = ends(t, 1_000)
  const many = Array.from({ length: 100 }, (_, index) => record(index))
  await assert.rejects(remote.append(many, 'process', journey(1, [1])), { code: 'too_large' })
  await assert.rejects(remote.append(['{"id":"a\n"}'], 'process', journey(1, [1])), TypeError)
  await remote.append([record(0)], 'process', journey(2, [1]))
  assert.equal(journal.size, 1)
  assert.deepEqual(
    counted.map(([at]) => at),
    [2],
  )
})

test('when the other process goes, whoever waits is told', async t => {
  const { remote, owner } = ends(t)
  const waiting = remote.append([record(0)], 'process', journey(1, [1]))
  owner.close()
  await assert.rejects(waiting, error => error instanceof Problem && error.code === 'unavailable')
  await remote.settled()
})

test('while the disk is slow, what comes goes together, in its order', async t => {
  const waiting: (() => void)[] = []
  const { journal, remote } = ends(t, 1 << 24, () => new Promise(resolve => waiting.push(resolve)))
  const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  const kept: Promise<void>[] = []
  for (let index = 0; index < 20; index++) {
    kept.push(remote.append([record(index)], 'process', journey(index, [1])))
    for (let i = 0; i < 5; i++) await turn()
  }
  assert.equal(waiting.length, 2, 'batches under way')
  let batches = 0
  const all = Promise.all(kept).then(() => true)
  for (let isDone = false; !isDone; isDone = await Promise.race([all, turn().then(() => false)])) {
    for (const go of waiting.splice(0)) {
      batches++
      go()
    }
  }
  assert.equal(batches, 3)
  const texts = journal.files().flatMap(file => [...readJournalFile(file)].flat().map(String))
  assert.deepEqual(
    texts,
    Array.from({ length: 20 }, (_, index) => record(index)),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../errors.ts'
import { manualClock } from '../platform/clock.ts'
import { uuid7 } from '../platform/ids.ts'
import { manualTimers } from '../platform/timers.ts'
import type { RefusalRecord } from './record.ts'
import { type Refusal, refusals } from './refusals.ts'

const AT = 1_700_000_000_000
const refusal = (more: Partial<Refusal> = {}): Refusal => ({
  at: AT,
  actor: 'key:a',
  source: '127.0.0.1',
  door: 'http',
  code: 'invalid',
  status: 422,
  requestId: 'r',
  ...more,
})
const settled = () => new Promise(resolve => setImmediate(resolve))

function bench() {
  const written: RefusalRecord[] = []
  const disk = { isFull: false }
  const timers = manualTimers()
  const append = async (records: readonly string[]): Promise<void> => {
    if (disk.isFull) throw new Problem('storage_full', 'full')
    written.push(...records.map(record => JSON.parse(record) as RefusalRecord))
  }
  const counts = () => written.map(({ count }) => count)
  return { written, disk, timers, counts, refusals: refusals({ append, ids: uuid7(manualClock(AT)), timers }) }
}

test('refusals: a lone one is written at once', async () => {
  const { refusals, written, timers } = bench()
  await refusals.record(refusal({ fields: ['age'] }))
  assert.equal(written.length, 1)
  assert.deepEqual({ ...written[0], id: '' }, { ...refusal({ fields: ['age'] }), kind: 'refusal', id: '', count: 1 })
  timers.advance(5_000)
  await settled()
  assert.equal(written.length, 1)
})

test('refusals: a flood is two records a second, and their counts add up', async () => {
  const { refusals, timers, counts } = bench()
  for (let n = 0; n < 500; n++) await refusals.record(refusal())
  assert.deepEqual(counts(), [1])
  timers.advance(1_000)
  await settled()
  assert.deepEqual(counts(), [1, 499])
  for (let n = 0; n < 7; n++) await refusals.record(refusal())
  timers.advance(1_000)
  await settled()
  assert.deepEqual(counts(), [1, 499, 1, 6])
})

test('refusals: callers, sources, doors, reasons, models and versions are counted apart', async () => {
  const { refusals, counts } = bench()
  const others = [
    { actor: 'b' },
    { source: 'x' },
    { door: 'oip' },
    { code: 'forbidden' },
    { model: 'm' },
    { version: '1' },
  ]
  for (const other of [{}, ...others]) await refusals.record(refusal(other))
  assert.deepEqual(counts(), [1, 1, 1, 1, 1, 1, 1])
})

test('refusals: a full disk is told, counted through, and written when there is room again', async () => {
  const { refusals, disk, timers, counts } = bench()
  disk.isFull = true
  await assert.rejects(refusals.record(refusal()), { code: 'storage_full' })
  await refusals.record(refusal())
  timers.advance(3_000)
  await settled()
  await refusals.flush()
  assert.deepEqual(counts(), [])
  disk.isFull = false
  await refusals.flush()
  assert.deepEqual(counts(), [2])
  timers.advance(3_000)
  await settled()
  assert.deepEqual(counts(), [2])
})

test('refusals: whatever happens in whatever order, each is in exactly one record', async () => {
  const step = fc.oneof(
    fc.constantFrom('a', 'b').map(actor => ({ actor })),
    fc.integer({ min: 1, max: 2_500 }).map(ms => ({ ms })),
    fc.constant({ flush: true }),
    fc.boolean().map(isFull => ({ isFull })),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
      const { refusals, disk, timers, written } = bench()
      const asked = { a: 0, b: 0 }
      for (const step of steps) {
        if ('actor' in step) {
          asked[step.actor as 'a' | 'b']++
          await refusals.record(refusal({ actor: step.actor })).catch(() => undefined)
        } else if ('ms' in step) timers.advance(step.ms)
        else if ('flush' in step) await refusals.flush()
        else disk.isFull = step.isFull
        await settled()
      }
      disk.isFull = false
      await refusals.flush()
      for (const actor of ['a', 'b'] as const) {
        const counted = written.filter(record => record.actor === actor).reduce((sum, { count }) => sum + count, 0)
        assert.equal(counted, asked[actor])
      }
    }),
    { numRuns: 50 },
  )
})

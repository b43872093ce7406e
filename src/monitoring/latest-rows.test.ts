import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type LatestRow, type LatestRows, latestRows } from './latest-rows.ts'
import { INVOCATIONS, LATENCY, layoutOf, ROWS } from './watched.ts'

const ROWS_MAX = 70
const CATEGORIES = ['a', 'b', 'c']
const COLUMN = {
  name: 'x',
  kind: 'categorical',
  categories: CATEGORIES,
  counts: [1, 1, 1],
  other: 0,
  missing: 0,
} as const
const LAYOUT = layoutOf([
  { name: 'x', kind: 'feature', profile: COLUMN },
  { name: 'y', kind: 'feature', profile: { ...COLUMN, name: 'y' } },
])

const row = fc
  .tuple(fc.nat(1000), fc.nat(5), fc.boolean(), fc.nat(4), fc.nat(4))
  .map(([at, bucket, isFirst, x, y]): LatestRow => {
    const counters = [LAYOUT.slots[0]!.base + x, LAYOUT.slots[1]!.base + y]
    return { at, latency: LATENCY + bucket, isFirst, counters }
  })
const rows = fc.array(row, { maxLength: 3 * ROWS_MAX, size: 'max' })

function put(latest: LatestRows, all: readonly LatestRow[]): void {
  for (const { at, latency, isFirst, counters } of all) {
    latest.add(at, latency, isFirst, counters)
  }
}

function countedAnew(all: readonly LatestRow[]): ReturnType<LatestRows['read']> {
  const last = all.slice(-ROWS_MAX)
  if (last.length === 0) return undefined
  const counters = new Float64Array(LAYOUT.length)
  for (const { latency, isFirst, counters: columns } of last) {
    counters[ROWS]! += 1
    if (isFirst) counters[INVOCATIONS]! += 1
    for (const counter of [latency, ...Array.from(columns)]) counters[counter]! += 1
  }
  return { from: last[0]!.at, to: last.at(-1)!.at, counters }
}

describe('latestRows()', () => {
  it('counts the last rows and no other, whatever came before and is put before', () => {
    fc.assert(
      fc.property(rows, rows, rows, (before, first, second) => {
        const latest = latestRows(LAYOUT, ROWS_MAX)
        put(latest, first)
        assert.deepEqual(latest.read(), countedAnew(first))
        latest.precede(before)
        assert.deepEqual(latest.read(), countedAnew([...before, ...first]))
        put(latest, second)
        assert.deepEqual(latest.read(), countedAnew([...before, ...first, ...second]))
      }),
    )
  })
})

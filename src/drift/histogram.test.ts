import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { binning, type ColumnProfile, profileCategories, profileNumbers } from '../registry/profile.ts'
import { comparedColumn } from './compared-column.ts'
import { spread } from './drift-world.suite.ts'
import { histogramBins, joinedHistogram } from './histogram.ts'

function counted(profile: ColumnProfile, values: Iterable<number>): number[] {
  const { slots, slotOf } = binning(profile)
  const counts = new Array<number>(slots).fill(0)
  for (const value of values) counts[slotOf(value)]!++
  return counts
}

test('few distinct numbers are told one by one, many as ranges that follow each other', () => {
  const few = comparedColumn(profileNumbers('products', Float64Array.of(1, 1, 2, 4)), 'feature', false)
  assert.deepEqual(histogramBins(few, counted(few.profile, [1, 3, 9, Number.NaN])), [
    { kind: 'value', from: 1, to: 1, reference: 2, current: 1 },
    { kind: 'value', from: 2, to: 2, reference: 1, current: 1 },
    { kind: 'value', from: 4, to: 4, reference: 1, current: 0 },
    { kind: 'above', from: 4, reference: 0, current: 1 },
    { kind: 'missing', reference: 0, current: 1 },
  ])
  const many = comparedColumn(profileNumbers('age', spread(3_000)), 'feature', false)
  const bins = histogramBins(many, counted(many.profile, [-1]))
  assert.deepEqual(bins[0], {
    kind: 'below',
    to: many.profile.kind === 'numeric' && many.profile.lowers[0],
    reference: 0,
    current: 1,
  })
  for (const [at, { kind, from }] of bins.entries()) {
    if (at > 1) assert.deepEqual([kind, from], ['range', bins[at - 1]!.to])
  }
})

test('of many categories the frequent ones of either side are listed, and the rest is one', () => {
  const names = Array.from({ length: 1_000 }, (_, at) => `shop ${at}`)
  const profile = profileCategories(
    'shop',
    names,
    spread(4_000, u => Math.floor(500 * u)),
    3,
  )
  const column = comparedColumn(profile, 'feature', false)
  const bins = histogramBins(column, counted(profile, [999, 999, 999, 1e9]))
  assert.equal(bins.filter(({ kind }) => kind === 'category').length, 100)
  assert.deepEqual(
    bins.find(({ category }) => category === 'shop 999'),
    {
      kind: 'category',
      category: 'shop 999',
      reference: 0,
      current: 3,
    },
  )
  assert.deepEqual(bins.at(-2), { kind: 'rest', categories: 900, reference: 4_000 - 99 * 8, current: 0 })
  assert.deepEqual(bins.at(-1), { kind: 'other', reference: 3, current: 1 })
  const joined = joinedHistogram(column, counted(profile, [999]))
  assert.equal(joined.length, 12)
  assert.match(joined[0]!.label, /^\d+ categories from shop 0 to shop \d+$/)
})

test('all histograms of a column hold the same rows', () => {
  const values = fc.array(fc.oneof(fc.integer({ min: -2, max: 6 }), fc.constant(Number.NaN)), { maxLength: 200 })
  fc.assert(
    fc.property(values, values, fc.boolean(), (reference, current, isText) => {
      const codes = Float64Array.from(reference, value => (value >= 0 && value < 5 ? value : Number.NaN))
      const profile = isText
        ? profileCategories('x', ['a', 'b', 'c', 'd', 'e'], codes, 0)
        : profileNumbers('x', Float64Array.from(reference))
      const column = comparedColumn(profile, 'feature', false)
      const counts = counted(profile, current)
      for (const bins of [histogramBins(column, counts), joinedHistogram(column, counts)]) {
        assert.equal(
          bins.reduce((sum, bin) => sum + bin.reference, 0),
          reference.length,
        )
        assert.equal(
          bins.reduce((sum, bin) => sum + bin.current, 0),
          current.length,
        )
      }
    }),
  )
})

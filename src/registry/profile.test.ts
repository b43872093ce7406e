import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  BINS_MAX,
  binning,
  type ColumnProfile,
  parseProfile,
  profileCategories,
  profileNumbers,
  slotCounts,
} from './profile.ts'

function countAgain(profile: ColumnProfile, values: Float64Array): number[] {
  const { slots, slotOf } = binning(profile)
  const counts = new Array<number>(slots).fill(0)
  for (const value of values) counts[slotOf(value)]!++
  return counts
}

describe('profileNumbers', () => {
  test('gives each of few values a bin', () => {
    const profile = profileNumbers('tenure', Float64Array.of(3, 1, 1, Number.NaN, 2, -0, 0))
    assert.deepEqual(profile, {
      name: 'tenure',
      kind: 'numeric',
      lowers: [0, 1, 2, 3],
      maximum: 3,
      counts: [2, 2, 1, 1],
      missing: 1,
    })
  })

  test('gives a spike among many values a bin of its own', () => {
    const values = Float64Array.from({ length: 10_000 }, (_, index) => (index % 3 === 0 ? 0 : index * 7.25 - 20_000))
    const profile = profileNumbers('balance', values)
    const { slotOf } = binning(profile)
    assert.ok(profile.lowers.length <= BINS_MAX && profile.lowers.length > 80)
    assert.equal(profile.counts[slotOf(0)], values.filter(value => value === 0).length)
  })

  test('fills bins about equally', () => {
    const values = Float64Array.from({ length: 100_000 }, (_, index) => Math.exp(index / 10_000))
    const { counts } = profileNumbers('x', values)
    assert.equal(counts.length, BINS_MAX)
    assert.ok(
      Math.max(...counts) <= 783 && Math.min(...counts) >= 700,
      `${Math.min(...counts)} … ${Math.max(...counts)}`,
    )
  })

  test('of nothing but gaps has no bins', () => {
    const profile = profileNumbers('x', Float64Array.of(Number.NaN))
    assert.deepEqual(slotCounts(profile), [0, 0, 1])
    assert.equal(binning(profile).slotOf(7), 1)
    assert.equal(binning(profile).slotOf(Number.NaN), 2)
  })

  test('counting the reference by its own bins gives its counts', () => {
    const value = fc.oneof(
      fc.integer({ min: -5, max: 5 }),
      fc.double({ noDefaultInfinity: true }),
      fc.constant(Number.NaN),
    )
    fc.assert(
      fc.property(fc.array(value, { maxLength: 600 }), fc.integer({ min: 1, max: 3 }), (numbers, times) => {
        const values = Float64Array.from(new Array<number[]>(times).fill(numbers).flat())
        const profile = profileNumbers('x', values)
        assert.ok(profile.lowers.length <= BINS_MAX)
        assert.deepEqual(countAgain(profile, values), slotCounts(profile))
        assert.deepEqual(JSON.parse(JSON.stringify(profile)), profile)
      }),
      { numRuns: 300 },
    )
  })

  test('tells values outside the range of the reference', () => {
    const { slotOf, slots } = binning(profileNumbers('x', Float64Array.of(1, 2, 3)))
    assert.equal(slots, 6)
    assert.deepEqual([0.5, 1, 1.5, 3, 3.1, Number.NaN, Infinity, -Infinity].map(slotOf), [3, 0, 0, 2, 4, 5, 4, 3])
  })
})

test('profileCategories counts categories, others and gaps', () => {
  const profile = profileCategories(
    'geography',
    ['France', 'Spain'],
    Float64Array.of(0, 1, 1, Number.NaN, Number.NaN, Number.NaN),
    2,
  )
  assert.deepEqual(profile, {
    name: 'geography',
    kind: 'categorical',
    categories: ['France', 'Spain'],
    counts: [1, 2],
    other: 2,
    missing: 1,
  })
  assert.deepEqual(slotCounts(profile), [1, 2, 2, 1])
  assert.deepEqual([0, 1, 2, -1, 0.5, Number.NaN].map(binning(profile).slotOf), [0, 1, 2, 2, 2, 3])
})

test('parseProfile refuses a form it does not know', () => {
  assert.throws(() => parseProfile('{"format":2}'), { code: 'corrupt', message: /its format is 2, wanted 1/ })
  assert.deepEqual(parseProfile('{"format":1,"rows":0,"features":[],"outputs":[]}').rows, 0)
})

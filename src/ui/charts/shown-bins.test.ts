import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type CountedBin, shownBins } from './shown-bins.ts'

const counts = { reference: fc.nat(1000), current: fc.nat(1000) }

/** Bins as a column of numbers has them: neighbours, some of one value only, and those for what lies outside. */
const numericBins: fc.Arbitrary<CountedBin[]> = fc
  .tuple(
    fc.array(
      fc.record({ width: fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1e6, noNaN: true })), ...counts }),
      {
        minLength: 1,
        maxLength: 128,
      },
    ),
    fc.record(counts),
    fc.record(counts),
  )
  .map(([inside, above, missing]) => {
    let from = -50
    const bins: CountedBin[] = inside.map(({ width, reference, current }) => {
      const bin = { kind: 'range' as const, from, to: from + width, reference, current }
      from += width
      return bin
    })
    return [...bins, { kind: 'above', ...above }, { kind: 'missing', ...missing }]
  })

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

describe('shownBins', () => {
  test('shares add up to one: no row is lost or shown twice', () => {
    fc.assert(
      fc.property(numericBins, bins => {
        const shown = shownBins(bins)
        for (const side of ['reference', 'current'] as const) {
          const wanted = sum(bins.map(bin => bin[side])) === 0 ? 0 : 1
          assert.ok(Math.abs(sum(shown.map(bar => bar[side])) - wanted) < 1e-9)
        }
      }),
    )
  })

  test('few values have a bar each, with its name', () => {
    const bins = [1, 2, 4].map(from => ({ kind: 'value' as const, from, to: from, reference: 1, current: 2 }))
    assert.deepEqual(
      shownBins(bins).map(({ label }) => label),
      ['1', '2', '4'],
    )
  })

  test('whole numbers have a bar each, so that there are no waves', () => {
    const bins = Array.from({ length: 60 }, (_, index) => ({
      kind: 'value' as const,
      from: 18 + index,
      to: 18 + index,
      reference: 10,
      current: 10,
    }))
    const shown = shownBins(bins)
    assert.equal(shown.length, 60)
    for (const { reference } of shown) assert.ok(Math.abs(reference - 1 / 60) < 1e-12)
  })

  test('100,000 categories are twelve bars, none of them lost', () => {
    const bins: CountedBin[] = Array.from({ length: 100 }, (_, index) => ({
      kind: 'category',
      category: `c${index}`,
      reference: index,
      current: 1,
    }))
    const shown = shownBins([...bins, { kind: 'rest', categories: 99_900, reference: 50, current: 3 }])
    assert.equal(shown.length, 12)
    assert.equal(shown.at(-1)?.label, '99989 others')
    assert.ok(Math.abs(sum(shown.map(({ reference }) => reference)) - 1) < 1e-9)
  })

  test('a constant column is one bar; one that is all missing has only that', () => {
    assert.equal(shownBins([{ kind: 'value', from: 3, to: 3, reference: 20, current: 5 }]).length, 1)
    assert.deepEqual(shownBins([{ kind: 'missing', reference: 20, current: 5 }]), [
      { label: 'missing', isAside: true, reference: 1, current: 1 },
    ])
    assert.deepEqual(shownBins([]), [])
  })
})

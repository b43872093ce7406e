import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Random, seededRandom } from '../../math/random.ts'
import { CATEGORICAL, type Forest } from '../forest.ts'
import { goesLeft } from '../shap/forest-trees.ts'
import { randomForest } from '../shap/random-forests.suite.ts'
import { columnsOf, leftTest } from './shap-columns.ts'

/** Values on and next to every threshold, far out, and missing. */
function edgeRows(random: Random, { feature, flags, value, features }: Forest, count: number): Float64Array {
  const cuts = Array.from(value).filter((_, node) => feature[node]! >= 0 && (flags[node]! & CATEGORICAL) === 0)
  const odd = [Number.NaN, 0, -0, 1e-36, -1e-36, 1e-35, 1e-34, 1 / 0, -1 / 0, 1e300, 2 ** 24, 63, 64, 2.5, -0.5, 5e-324]
  return Float64Array.from({ length: count * features.length }, () => {
    const pick = random()
    if (pick < 0.3) return odd[Math.floor(random() * odd.length)]!
    const cut = cuts[Math.floor(random() * cuts.length)]!
    return pick < 0.7 ? cut : cut + (pick < 0.85 ? 1e-9 : -1e-9)
  })
}

/** Compares every decision of every node, for every row, with the scalar one. */
function sameDecisions(forest: Forest, rows: Float64Array): void {
  const columns = columnsOf(forest, 1 << 16)!
  const width = forest.features.length
  const count = rows.length / width
  const bytes = new Uint8Array(count * columns.count + 3)
  columns.quantise(rows, 0, count, { bytes, at: 3, rowStride: 1, columnStride: count })
  const one = new Uint8Array(columns.count)
  for (let row = 0; row < count; row++) {
    columns.quantise(rows, row, 1, { bytes: one, at: 0, rowStride: columns.count, columnStride: 1 })
    for (const [node, feature] of forest.feature.entries()) {
      if (feature < 0) continue
      const x = rows[row * width + feature]!
      const byte = bytes[3 + columns.column[node]! * count + row]!
      assert.equal(one[columns.column[node]!], byte)
      const wanted = goesLeft(forest, node, forest.precision === 'float32' ? Math.fround(x) : x)
      const { mask, low, width: passing } = leftTest(columns, node)
      assert.equal((((byte & mask) - low) & 255) < passing, wanted, `node ${node}, ${x} against ${forest.value[node]}`)
    }
  }
}

describe('columnsOf', () => {
  test('every decision is that of the scalar path', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = seededRandom(seed)
      const precision = seed % 2 === 0 ? 'float64' : 'float32'
      const forest = randomForest(random, { features: 5, trees: 6, depth: 6, zeroModes: seed > 9, more: { precision } })
      sameDecisions(forest, edgeRows(random, forest, 60))
    }
  })

  test('with few categories, whose columns hold bits', () => {
    for (const zeroModes of [false, true]) {
      const random = seededRandom(9)
      const made = randomForest(random, { features: 4, trees: 8, depth: 6, zeroModes })
      const forest = { ...made, sets: { ...made.sets, words: made.sets.words.map(word => word & 3) } }
      assert.ok(columnsOf(forest, 64)!.isBits.includes(1))
      sameDecisions(forest, edgeRows(random, forest, 60))
    }
  })

  test('with more thresholds than a byte holds', () => {
    const random = seededRandom(5)
    const made = randomForest(random, { features: 3, trees: 40, depth: 6 })
    const value = made.value.map((old, node) =>
      made.feature[node]! < 0 || (made.flags[node]! & CATEGORICAL) !== 0 ? old : random() * 10 - 2,
    )
    const forest = { ...made, value }
    assert.ok(columnsOf(forest, 1 << 16)!.count > 6)
    sameDecisions(forest, edgeRows(random, forest, 60))
  })

  test('with thresholds at infinity and zero', () => {
    const random = seededRandom(6)
    const made = randomForest(random, { features: 3, trees: 10, depth: 5 })
    const odd = [1 / 0, -1 / 0, 0, -0, 5e-324, 1e-36]
    const value = made.value.map((old, node) => ((made.flags[node]! & CATEGORICAL) !== 0 ? old : odd[node % 6]!))
    const forest = { ...made, value }
    sameDecisions(forest, edgeRows(random, forest, 60))
  })

  test('is absent where one category is so large that tables would be', () => {
    const made = randomForest(seededRandom(1), { features: 3, trees: 9, depth: 6 })
    const sets = { ...made.sets, firsts: made.sets.firsts.map(() => (1 << 19) - 1) }
    assert.equal(columnsOf({ ...made, sets }, 1 << 16), undefined)
  })

  test('is absent where a forest needs more columns than allowed', () => {
    const forest = randomForest(seededRandom(1), { features: 9, trees: 9, depth: 6 })
    assert.equal(columnsOf(forest, 3), undefined)
  })
})

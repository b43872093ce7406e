import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '../../src/math/random.ts'
import type { Explainer } from '../../src/predictor/explainer.ts'
import type { Forest } from '../../src/predictor/forest.ts'
import { fastTreeShap } from '../../src/predictor/kernels/fast-tree-shap.ts'
import { randomForest, randomRows, type Shape } from '../../src/predictor/shap/random-forests.suite.ts'
import { treeShap } from '../../src/predictor/shap/tree-shap.ts'

const SHAPES: Readonly<Record<string, Shape>> = {
  'a stump': { features: 1, trees: 1, depth: 1 },
  'few features, met again and again': { features: 2, trees: 3, depth: 8 },
  'as many features as slots': { features: 8, trees: 9, depth: 6 },
  'more features than slots': { features: 30, trees: 20, depth: 6 },
  'more features on a path than a chunk has tests': { features: 200, trees: 4, depth: 12 },
  'deep, three features': { features: 3, trees: 6, depth: 12 },
  'several outputs, weighted trees': { features: 5, trees: 9, depth: 5, outputs: 3, weighted: true },
  'several outputs, many features': { features: 12, trees: 9, depth: 5, outputs: 4 },
  'vector leaves': { features: 5, trees: 4, depth: 4, outputs: 3, vectors: true, weighted: true },
  'zeros that are missing': { features: 6, trees: 9, depth: 6, zeroModes: true },
  float32: { features: 7, trees: 9, depth: 6, more: { precision: 'float32' } },
}

/** Largest difference of two explainers, as a share of the largest contribution. */
function difference(one: Explainer, other: Explainer, rows: Float64Array): number {
  const count = rows.length / one.featureCount
  const [a, b] = [one, other].map(explainer => {
    const out = new Float64Array(count * explainer.outputCount * explainer.featureCount).fill(7)
    explainer.explain(rows, count, out)
    return out
  })
  const largest = a!.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const apart = a!.reduce((most, value, index) => Math.max(most, Math.abs(value - b![index]!)), 0)
  return apart / (largest || 1)
}

/** Budgets from just enough for quadrature up to all tables. */
function budgetsOf(forest: Forest): number[] {
  const enough = 400 * forest.feature.length * forest.base.length
  return [enough, enough * 2, enough * 4, 64 << 20]
}

describe('fastTreeShap', () => {
  for (const [name, shape] of Object.entries(SHAPES)) {
    test(`is treeShap: ${name}`, () => {
      for (let seed = 0; seed < 6; seed++) {
        const random = seededRandom(seed)
        const forest = randomForest(random, shape)
        const wanted = treeShap(forest)
        const rows = randomRows(random, shape.features, [1, 3, 16, 17, 40, 600][seed]! >> (shape.depth > 7 ? 1 : 0))
        for (const budget of budgetsOf(forest)) {
          const fast = fastTreeShap(forest, { bytes: budget })
          assert.ok(fast !== undefined, `budget ${budget}`)
          assert.deepEqual(fast.bias, wanted.bias)
          const apart = difference(wanted, fast, rows)
          assert.ok(apart < 1e-6, `seed ${seed}, budget ${budget}: ${apart}`)
        }
      }
    })
  }

  test('a block of rows is the same as its rows one by one', () => {
    for (const features of [7, 20]) {
      const random = seededRandom(features)
      const forest = randomForest(random, { features, trees: 12, depth: 6 })
      const fast = fastTreeShap(forest)!
      const rows = randomRows(random, features, 1030)
      const together = new Float64Array(rows.length)
      const alone = new Float64Array(features)
      fast.explain(rows, 1030, together)
      for (let row = 0; row < 1030; row++) {
        fast.explain(rows.subarray(row * features, (row + 1) * features), 1, alone)
        for (const [feature, value] of alone.entries()) {
          assert.ok(Math.abs(value - together[row * features + feature]!) < 1e-5, `row ${row}, feature ${feature}`)
        }
      }
    }
  })

  test('with more columns than registers hold', () => {
    const random = seededRandom(3)
    for (const features of [7, 40]) {
      const made = randomForest(random, { features, trees: 60, depth: 6 })
      const forest = { ...made, value: made.value.map((old, node) => (made.flags[node]! < 2 ? random() * 9 - 2 : old)) }
      for (const count of [1, 40]) {
        assert.ok(difference(treeShap(forest), fastTreeShap(forest)!, randomRows(random, features, count)) < 1e-6)
      }
    }
  })

  test('with few categories', () => {
    const random = seededRandom(7)
    for (const features of [6, 14]) {
      const made = randomForest(random, { features, trees: 9, depth: 7 })
      const forest = { ...made, sets: { ...made.sets, words: made.sets.words.map(word => word & 3) } }
      const wanted = treeShap(forest)
      for (const kind of ['tables', 'quadrature'] as const) {
        for (const count of [1, 50]) {
          const rows = randomRows(random, features, count)
          assert.ok(difference(wanted, fastTreeShap(forest, { kind })!, rows) < 1e-6, `${kind}, ${count} rows`)
        }
      }
    }
  })

  test('columns that are made of one feature share', () => {
    const random = seededRandom(2)
    for (const features of [7, 24]) {
      const forest = randomForest(random, { features, trees: 9, depth: 7, outputs: 2 })
      const players = { count: 9, of: Int32Array.from({ length: features }, (_, column) => 8 - (column % 5)) }
      const rows = randomRows(random, features, 40)
      const wanted = new Float64Array(40 * 2 * 9)
      treeShap(forest, players).explain(rows, 40, wanted)
      for (const kind of ['tables', 'quadrature'] as const) {
        const got = new Float64Array(wanted.length)
        fastTreeShap(forest, { kind }, players)!.explain(rows, 40, got)
        for (const [index, value] of wanted.entries())
          assert.ok(Math.abs(got[index]! - value) < 1e-5, `${kind} ${index}`)
      }
    }
  })

  test('of many features only those that are used take room', () => {
    const random = seededRandom(4)
    const made = randomForest(random, { features: 5, trees: 12, depth: 6 })
    const wide = 50_000
    const feature = made.feature.map(of => (of < 0 ? of : of * 12_000 + 17))
    const features = Array.from({ length: wide }, (_, of) => `f${of}`)
    const forest = { ...made, feature, features }
    const rows = randomRows(random, wide, 3)
    for (const kind of ['tables', 'quadrature'] as const) {
      const fast = fastTreeShap(forest, { kind })!
      assert.ok(fast.bytes < 2 << 20)
      assert.ok(difference(treeShap(forest), fast, rows) < 1e-6)
    }
  })

  test('takes what a clock says is faster', () => {
    const random = seededRandom(8)
    const forest = randomForest(random, { features: 9, trees: 9, depth: 6 })
    const walked = fastTreeShap(forest, { kind: 'quadrature' })!
    const tables = fastTreeShap(forest, { kind: 'tables' })!
    assert.ok(walked.bytes < tables.bytes)
    // Quadrature is tried first: what is timed later takes longer by the second clock.
    let ticks = 0
    assert.equal(fastTreeShap(forest, { now: () => ticks++ })!.bytes, tables.bytes)
    let slowing = 1
    const slower = (): number => {
      slowing *= 1.1
      return slowing
    }
    assert.equal(fastTreeShap(forest, { now: slower })!.bytes, walked.bytes)
    const rows = randomRows(random, 9, 30)
    assert.ok(difference(treeShap(forest), walked, rows) < 1e-6)
    assert.ok(difference(walked, fastTreeShap(forest, { now: () => performance.now() })!, rows) < 1e-6)
  })

  test('a forest of leaves contributes nothing', () => {
    const forest = randomForest(seededRandom(1), { features: 3, trees: 1, depth: 2 })
    const leaf = { ...forest, roots: Int32Array.of(forest.feature.indexOf(-1)) }
    const out = new Float64Array(3).fill(1)
    fastTreeShap(leaf)!.explain(new Float64Array(3), 1, out)
    assert.deepEqual(out, new Float64Array(3))
  })

  test('leaves to treeShap what kernels cannot do', () => {
    const forest = randomForest(seededRandom(1), { features: 9, trees: 9, depth: 6 })
    assert.equal(fastTreeShap(forest, { bytes: 1000 }), undefined)
    const cover = forest.cover!.map((rows, node) => rows * (1 + (node % 2)))
    assert.equal(fastTreeShap({ ...forest, cover }), undefined)
    for (const size of [1e31, 1e-27]) {
      const value = forest.value.map((old, node) => (forest.feature[node]! < 0 ? old * size : old))
      assert.equal(fastTreeShap({ ...forest, value }), undefined)
    }
  })

  test('refuses too few values and too little room', () => {
    const fast = fastTreeShap(randomForest(seededRandom(1), { features: 3, trees: 1, depth: 2 }))!
    assert.throws(() => fast.explain(new Float64Array(5), 2, new Float64Array(6)), /5 values given, wanted 6/)
    assert.throws(() => fast.explain(new Float64Array(6), 2, new Float64Array(5)), /room for 5 contributions/)
  })
})

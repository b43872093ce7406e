/** Against scikit-learn and PyALE (`test/golden/effects_reference.py`). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { golden, near } from '../../math/golden.suite.ts'
import { seededRandom } from '../../math/random.ts'
import { randomForest, randomRows } from '../shap/random-forests.suite.ts'
import { treeShap } from '../shap/tree-shap.ts'
import { accumulatedLocalInteractions } from './accumulated-interactions.ts'
import { accumulatedLocalEffects, accumulatedLocalEffectsOf, type LocalEffects } from './accumulated-local-effects.ts'
import type { Answering } from './answering.ts'
import { categoryOrder } from './category-order.ts'
import { meanAbsoluteContributions, permutationImportance } from './importance.ts'
import { gridOf, partialDependence } from './partial-dependence.ts'

interface Dependence {
  readonly grids: number[][]
  readonly average: number[]
  readonly individual: number[][] | null
}

interface Effects {
  readonly values: number[]
  readonly effects: number[]
  readonly sizes: number[]
}

interface Reference {
  readonly worth: number[]
  readonly rows: number[][]
  readonly y: number[]
  readonly r2: number
  readonly partial_dependence: Readonly<Record<'a' | 'e' | 'a_b', Dependence>>
  readonly ale: Readonly<Record<'a' | 'c' | 'd' | 'e', Effects>> & {
    readonly a_b: { readonly values: [number[], number[]]; readonly effects: number[] }
  }
  readonly permutation: { readonly mean: number[]; readonly std: number[] }
}

const reference = golden<Reference>('effects')
const data = { rows: Float64Array.from(reference.rows.flat()), count: reference.rows.length }
const column = (feature: number): Float64Array => Float64Array.from(reference.rows, row => row[feature]!)

/** The formula; and as a second output, −1 times it. */
const model: Answering = {
  features: ['a', 'b', 'c', 'd', 'e'],
  outputCount: 2,
  predict(rows, count, out) {
    for (let at = 0; at < count; at++) {
      const [a, b, c, d, e] = rows.subarray(at * 5, at * 5 + 5) as unknown as [number, number, number, number, number]
      out[2 * at] = a * b + Math.sin(2 * c) + reference.worth[d]! * (1 + 0.1 * a) + 0.25 * e * e
      out[2 * at + 1] = -out[2 * at]!
    }
  },
}

function allNear(got: Iterable<number>, wanted: readonly number[], what: string): void {
  const all = [...got]
  assert.equal(all.length, wanted.length, what)
  for (const [at, value] of wanted.entries()) near(all[at]!, value, 1e-10, 1e-12, `${what} ${at}`)
}

describe('partialDependence', () => {
  test('has the grids, means and individual answers of scikit-learn', async () => {
    for (const [name, feature] of [
      ['a', 0],
      ['e', 4],
    ] as const) {
      const wanted = reference.partial_dependence[name]
      const grid = gridOf(column(feature), { points: 12 })
      allNear(grid, wanted.grids[0]!, 'grid')
      const found = await partialDependence(model, data, [{ feature, grid }], { individual: true, batchRows: 77 })
      allNear(found.means.subarray(0, grid.length), wanted.average, 'mean')
      allNear(found.individual!.subarray(0, 5 * grid.length), wanted.individual!.flat(), 'individual')
      near(found.means[grid.length]!, -wanted.average[0]!, 1e-12)
      near(found.individual![data.count * grid.length]!, -wanted.individual![0]![0]!, 1e-12)
    }
  })

  test('of two features', async () => {
    const wanted = reference.partial_dependence.a_b
    const axes = [0, 1].map(feature => {
      return { feature, grid: gridOf(column(feature), { points: 6, percentiles: [0.1, 0.8] }) }
    })
    for (const [axis, grid] of wanted.grids.entries()) allNear(axes[axis]!.grid, grid, 'grid')
    const found = await partialDependence(model, data, axes)
    allNear(found.means.subarray(0, 36), wanted.average, 'mean')
    assert.equal(found.individual, undefined)
    assert.equal(found.rowsAsked, 36 * data.count)
  })

  test('has no missing values on the grid, and refuses what makes no sense', async () => {
    assert.deepEqual([...gridOf(Float64Array.of(3, Number.NaN, 1, 3))], [1, 3])
    assert.throws(() => gridOf(Float64Array.of(Number.NaN)), /the feature has no values/)
    assert.throws(() => gridOf(new Float64Array(9), { points: 1 }), /the grid has 1 points/)
    const spike = Float64Array.from({ length: 300 }, (_, at) => (at < 290 ? 0 : at))
    assert.throws(() => gridOf(spike, { points: 5 }), /percentiles 0.05 and 0.95 of the feature are 0 and 0/)
    const grid = Float64Array.of(1, 2)
    await assert.rejects(partialDependence(model, data, [{ feature: 5, grid }]), /no feature 5, wanted 0 … 4/)
    await assert.rejects(partialDependence(model, data, []), /0 features given, wanted 1 or 2/)
    await assert.rejects(partialDependence(model, { ...data, count: 0 }, [{ feature: 1, grid }]), /0 rows/)
    const large = { feature: 0, grid: new Float64Array(100_000) }
    await assert.rejects(
      partialDependence(model, data, [large], { individual: true }),
      /answers to keep, wanted at most/,
    )
  })
})

function equal(found: LocalEffects, wanted: Effects): void {
  allNear(found.values, wanted.values, 'value')
  allNear(found.counts, wanted.sizes, 'count')
  allNear(found.effects.subarray(0, wanted.effects.length), wanted.effects, 'effect')
  near(found.effects[wanted.effects.length]!, -wanted.effects[0]!, 1e-10)
}

describe('accumulatedLocalEffects', () => {
  test('is what PyALE finds, in its intervals', async () => {
    for (const [name, feature] of [
      ['a', 0],
      ['c', 2],
    ] as const) {
      const wanted = reference.ale[name]
      equal(await accumulatedLocalEffects(model, data, feature, { ends: Float64Array.from(wanted.values) }), wanted)
    }
  })

  test('finds the part of a feature that adds to the others', async () => {
    const found = await accumulatedLocalEffects(model, data, 2, { intervals: 8 })
    const sorted = column(2).sort()
    assert.deepEqual(
      [...found.values],
      [0, 20, 40, 60, 80, 100, 120, 140, 160].map(at => sorted[Math.max(0, at - 1)]!),
    )
    for (const [at, value] of found.values.entries()) {
      near(found.effects[at]! - found.effects[0]!, Math.sin(2 * value) - Math.sin(2 * found.values[0]!), 0, 1e-12)
      if (at > 0) near(found.standardErrors[at]!, 0, 0, 1e-12)
    }
    assert.ok(Number.isNaN(found.standardErrors[0]!))
  })

  test('leaves out rows whose value is missing', async () => {
    const rows = data.rows.slice()
    rows[2] = Number.NaN
    const [with159, rest] = [
      { rows, count: data.count },
      { rows: data.rows.subarray(5), count: data.count - 1 },
    ]
    const ends = Float64Array.from(reference.ale.c.values)
    const [one, other] = [
      await accumulatedLocalEffects(model, with159, 2, { ends }),
      await accumulatedLocalEffects(model, rest, 2, { ends }),
    ]
    assert.deepEqual(one, other)
  })

  test('of few values is what PyALE finds, also of categories in the order of their likeness', async () => {
    equal(await accumulatedLocalEffectsOf(model, data, 4, gridOf(column(4))), reference.ale.e)
    const order = categoryOrder(data, 5, 3, [false, false, false, true, true])
    assert.deepEqual([...order], reference.ale.d.values)
    equal(await accumulatedLocalEffectsOf(model, data, 3, order), reference.ale.d)
  })

  test('refuses a feature that does not change', async () => {
    const same = { rows: Float64Array.of(1, 2, 3, 4, 5, 1, 3, 3, 4, 5), count: 2 }
    await assert.rejects(accumulatedLocalEffects(model, same, 0), /takes 1 values, wanted at least 2/)
    await assert.rejects(accumulatedLocalEffectsOf(model, same, 0, Float64Array.of(1)), /takes 1 values/)
    await assert.rejects(accumulatedLocalEffects(model, same, 0, { intervals: 0 }), /0 intervals/)
  })
})

describe('accumulatedLocalInteractions', () => {
  test('is what PyALE finds, in its intervals', async () => {
    const { values, effects } = reference.ale.a_b
    const ends = [Float64Array.from(values[0]), Float64Array.from(values[1])] as const
    const found = await accumulatedLocalInteractions(model, data, [0, 1], { ends })
    allNear(found.effects.subarray(0, effects.length), effects, 'effect')
    near(found.effects[effects.length]!, -effects[0]!, 1e-10)
    assert.ok(found.counts.includes(0), 'a cell without rows')
  })

  test('is nothing where two features only add up, and the product where they multiply', async () => {
    const sum = await accumulatedLocalInteractions(model, data, [1, 2], { intervals: 6 })
    for (const effect of sum.effects) near(effect, 0, 0, 1e-12)
    const product = await accumulatedLocalInteractions(model, data, [0, 1], { intervals: 3 })
    const [a, b] = product.values
    const at = (i: number, j: number): number => product.effects[i * b.length + j]!
    near(at(3, 3) - at(0, 3) - at(3, 0) + at(0, 0), (a[3]! - a[0]!) * (b[3]! - b[0]!), 1e-12)
    await assert.rejects(
      accumulatedLocalInteractions(model, data, [0, 1], { intervals: 100 }),
      /intervals, wanted at most 64/,
    )
  })
})

describe('permutationImportance', () => {
  const mean = reference.y.reduce((sum, y) => sum + y, 0) / reference.y.length
  const total = reference.y.reduce((sum, y) => sum + (y - mean) ** 2, 0)
  const rSquared = (answers: Float64Array): number =>
    1 - reference.y.reduce((sum, y, row) => sum + (y - answers[2 * row]!) ** 2, 0) / total

  test('is what scikit-learn finds, but for chance', async () => {
    const { mean: means, std } = reference.permutation
    const found = await permutationImportance(model, data, rSquared, { random: seededRandom(1), repeats: 400 })
    near(found.score, reference.r2, 1e-12)
    for (const [feature, wanted] of means.entries()) {
      near(found.means[feature]!, wanted, 0, 5 * std[feature]! * Math.sqrt(2 / 400), `feature ${feature}`)
      near(found.standardDeviations[feature]!, std[feature]!, 0.2, 0, `deviation of feature ${feature}`)
    }
    assert.equal(found.drops.length, 2000)
  })

  test('shuffles features together that are given together', async () => {
    const groups = [[0, 1, 2, 3, 4], []]
    const found = await permutationImportance(model, data, rSquared, { random: seededRandom(1), groups })
    assert.ok(found.means[0]! > 1)
    assert.equal(found.means[1]!, 0)
    await assert.rejects(
      permutationImportance(model, data, rSquared, { random: seededRandom(1), groups: [[5]] }),
      /no feature 5/,
    )
    await assert.rejects(
      permutationImportance(model, data, rSquared, { random: seededRandom(1), repeats: 0 }),
      /0 repeats/,
    )
  })
})

describe('meanAbsoluteContributions', () => {
  test('is the mean of what explain answers', () => {
    const random = seededRandom(6)
    const explainer = treeShap(randomForest(random, { features: 4, trees: 5, depth: 4, outputs: 2 }))
    const rows = randomRows(random, 4, 30)
    const out = new Float64Array(30 * 8)
    explainer.explain(rows, 30, out)
    const wanted = new Float64Array(8)
    for (const [at, value] of out.entries()) wanted[at % 8]! += Math.abs(value) / 30
    const found = meanAbsoluteContributions(explainer, { rows, count: 30 })
    for (const [at, value] of wanted.entries()) near(found[at]!, value, 1e-12)
  })
})

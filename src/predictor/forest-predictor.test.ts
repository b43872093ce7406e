import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Forest } from './forest.ts'
import { ForestBuilder } from './forest-builder.ts'
import { forestPredictor } from './forest-predictor.ts'

/** A tree as a person would write it; the meaning is spelt out in `leafFor`. */
type Tree =
  | { readonly leaf: number }
  | {
      readonly feature: number
      readonly below?: number
      readonly among?: readonly number[]
      readonly missingLeft: boolean
      readonly left: Tree
      readonly right: Tree
    }

const FEATURES = 4

const values = fc.oneof(
  { arbitrary: fc.integer({ min: -3, max: 9 }), weight: 6 },
  { arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }), weight: 3 },
  { arbitrary: fc.constant(Number.NaN), weight: 2 },
  { arbitrary: fc.constantFrom(1e30, -1e30, 33_554_433, -0), weight: 1 },
)

const trees: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.record({ leaf: fc.float({ min: -10, max: 10, noNaN: true }) }),
    fc.record({
      feature: fc.nat(FEATURES - 1),
      below: fc.oneof(fc.integer({ min: -3, max: 9 }), fc.float({ noNaN: true, noDefaultInfinity: true })),
      missingLeft: fc.boolean(),
      left: tie('tree'),
      right: tie('tree'),
    }),
    fc.record({
      feature: fc.nat(FEATURES - 1),
      among: fc.uniqueArray(fc.oneof(fc.nat(9), fc.nat(200)), { maxLength: 6 }),
      missingLeft: fc.boolean(),
      left: tie('tree'),
      right: tie('tree'),
    }),
  ),
})).tree

function leafFor(tree: Tree, row: readonly number[]): number {
  if ('leaf' in tree) return tree.leaf
  const value = row[tree.feature]!
  const goesLeft = (): boolean => {
    if (Number.isNaN(value)) return tree.missingLeft
    if (tree.among !== undefined) return value >= 0 && value < 2 ** 24 && tree.among.includes(Math.trunc(value))
    return value < tree.below!
  }
  return leafFor(goesLeft() ? tree.left : tree.right, row)
}

function add(builder: ForestBuilder, tree: Tree): void {
  const nodes: Tree[] = [tree]
  const columns = {
    left: [] as number[],
    right: [] as number[],
    feature: [] as number[],
    value: [] as number[],
    missing: [] as number[],
  }
  const categories = new Map<number, Float64Array>()
  for (let node = 0; node < nodes.length; node++) {
    const at = nodes[node]!
    if ('leaf' in at) {
      columns.left.push(-1)
      columns.right.push(-1)
      columns.feature.push(0)
      columns.value.push(at.leaf)
      columns.missing.push(0)
      continue
    }
    columns.left.push(nodes.push(at.left) - 1)
    columns.right.push(nodes.push(at.right) - 1)
    columns.feature.push(at.feature)
    columns.value.push(at.below ?? Number.NaN)
    columns.missing.push(at.missingLeft ? 1 : 0)
    if (at.among !== undefined) categories.set(node, Float64Array.from(at.among))
  }
  builder.add({
    count: nodes.length,
    left: Float64Array.from(columns.left),
    right: Float64Array.from(columns.right),
    feature: Float64Array.from(columns.feature),
    value: Float64Array.from(columns.value),
    missingLeft: Float64Array.from(columns.missing),
    categories,
  })
}

function forestOf(all: readonly Tree[], more: Partial<Forest>): Forest {
  const builder = new ForestBuilder('the forest')
  for (const tree of all) add(builder, tree)
  const { leaves: _, featuresUsed: __, ...nodes } = builder.finish()
  return {
    kind: 'forest',
    format: 'xgboost-json',
    task: 'regression',
    objective: 'test',
    features: ['a', 'b', 'c', 'd'],
    featureTypes: [],
    named: true,
    categories: [],
    unseen: 'missing',
    answers: 'number',
    precision: 'float64',
    ...nodes,
    base: Float64Array.of(0.5),
    link: 'identity',
    facts: {},
    ...more,
  }
}

function marginsOf(forest: Forest, rows: readonly (readonly number[])[]): number[] {
  const out = new Float64Array(rows.length * forest.base.length)
  forestPredictor(forest).margin(Float64Array.from(rows.flat()), rows.length, out)
  return [...out]
}

const rowsOf = fc.array(fc.tuple(values, values, values, values), { minLength: 1, maxLength: 8 })
const forests = fc.array(trees, { minLength: 1, maxLength: 9 })

describe('forestPredictor', () => {
  test('sums the leaves that the rules of the form lead to, in float64', () => {
    fc.assert(
      fc.property(forests, rowsOf, (all, rows) => {
        const expected = rows.map(row => all.reduce((sum, tree) => sum + leafFor(tree, row), 0.5))
        assert.deepEqual(marginsOf(forestOf(all, {}), rows), expected)
      }),
      { numRuns: 500 },
    )
  })

  test('rounds rows and sums in float32', () => {
    const f32 = Math.fround
    fc.assert(
      fc.property(forests, rowsOf, (all, rows) => {
        const expected = rows.map(row => all.reduce((sum, tree) => f32(sum + leafFor(tree, row.map(f32))), 0.5))
        assert.deepEqual(marginsOf(forestOf(all, { precision: 'float32' }), rows), expected)
      }),
      { numRuns: 500 },
    )
  })

  test('weighs trees and adds to their outputs', () => {
    fc.assert(
      fc.property(
        forests,
        rowsOf,
        fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 9, maxLength: 9 }),
        (all, rows, weights) => {
          const groups = Int32Array.from(all, (_, tree) => tree % 3)
          const forest = forestOf(all, { groups, weights: Float64Array.from(weights), base: Float64Array.of(1, 2, 3) })
          const expected = rows.flatMap(row =>
            [1, 2, 3].map((base, output) =>
              all.reduce(
                (sum, tree, index) => (index % 3 === output ? sum + leafFor(tree, row) * weights[index]! : sum),
                base,
              ),
            ),
          )
          assert.deepEqual(marginsOf(forest, rows), expected)
        },
      ),
    )
  })

  test('adds vector leaves to every output', () => {
    const builder = new ForestBuilder('the forest')
    add(builder, { feature: 0, below: 1, missingLeft: true, left: { leaf: 0 }, right: { leaf: 0 } })
    const { leaves: _, featuresUsed: __, ...nodes } = builder.finish()
    nodes.child.set([0, 2], 1) // the leaves follow the root
    const forest = {
      ...forestOf([{ leaf: 0 }], {}),
      ...nodes,
      leafVectors: Float64Array.of(10, 20, 30, 40),
      base: Float64Array.of(1, 2),
    }
    assert.deepEqual(
      marginsOf(forest, [
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [Number.NaN, 0, 0, 0],
      ]),
      [11, 22, 31, 42, 11, 22],
    )
  })

  test('walks trees deeper than are walked evenly', () => {
    let tree: Tree = { leaf: 100 }
    for (let level = 40; level > 0; level--)
      tree = { feature: 0, below: level, missingLeft: false, left: { leaf: level }, right: tree }
    const rows = Array.from({ length: 50 }, (_, index) => [index, 0, 0, 0])
    assert.deepEqual(
      marginsOf(forestOf([tree], {}), rows),
      rows.map(row => leafFor(tree, row) + 0.5),
    )
  })

  test('applies the link to predictions and not to margins', () => {
    const cases = { identity: 0.5, sigmoid: 1 / (1 + Math.exp(-0.5)), exp: Math.exp(0.5), step: 1 } as const
    for (const [link, expected] of Object.entries(cases)) {
      const predictor = forestPredictor(forestOf([{ leaf: 0 }], { link: link as keyof typeof cases }))
      const out = new Float64Array(1)
      predictor.predict(new Float64Array(4), 1, out)
      assert.equal(out[0], expected)
    }
  })

  test('refuses too few values and too little room', () => {
    const predictor = forestPredictor(forestOf([{ leaf: 0 }], {}))
    assert.throws(() => predictor.predict(new Float64Array(7), 2, new Float64Array(2)), /7 values given, wanted 8/)
    assert.throws(() => predictor.predict(new Float64Array(8), 2, new Float64Array(1)), /room for 1 answers, wanted 2/)
  })
})

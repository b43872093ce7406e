import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Random, seededRandom } from '../../src/math/random.ts'
import { type Forest, NAN_IS_ZERO, ZERO_MISSING } from '../../src/predictor/forest.ts'
import { ForestBuilder, type TreeColumns } from '../../src/predictor/forest-builder.ts'
import { forestPredictor } from '../../src/predictor/forest-predictor.ts'
import { fastPredictor } from '../../src/predictor/kernels/fast-predictor.ts'

interface Shape {
  readonly trees: number
  readonly depth: number
  /** Chance that a node above `depth` is split. */
  readonly splits: number
  readonly features: number
  /** Distinct thresholds of a feature; 0: all differ. */
  readonly grid: number
  /** Share of nodes that ask for categories, and how many there are. */
  readonly categorical: number
  readonly categories: number
  readonly precision: 'float32' | 'float64'
  readonly outputs: number
  readonly leaves: 'scalar' | 'weighted' | 'vector'
  readonly flags: 'plain' | 'zeros' | 'nan-is-zero' | 'any'
  readonly seed: number
}

const EDGES = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1e-36, 1e-35, 3e38].map(Math.fround)

function numberOf(random: Random, { grid, precision }: Shape): number {
  if (random() < 0.03) return EDGES[Math.floor(random() * EDGES.length)]!
  const value = grid === 0 ? random() * 20 - 10 : Math.floor(random() * grid) - (grid >> 1)
  return precision === 'float32' ? Math.fround(value) : value
}

/** Breadth first, one deep path included, so that the depth is reached. */
function treeOf(random: Random, shape: Shape): TreeColumns {
  const left: number[] = [-1]
  const right: number[] = [-1]
  const feature: number[] = [0]
  const value: number[] = [0]
  const levels: number[] = [0]
  const categories = new Map<number, Float64Array>()
  let deep = 0
  for (let node = 0; node < left.length && left.length < 6000; node++) {
    const isDeep = node === deep
    value[node] = Math.fround(random() * 2 - 1)
    if (levels[node]! >= shape.depth || !(isDeep || random() < shape.splits)) continue
    left[node] = left.length
    right[node] = left.length + 1
    deep = isDeep ? left.length + Math.floor(random() * 2) : deep
    feature[node] = Math.floor(random() * shape.features)
    value[node] = numberOf(random, shape)
    const some = (): number => Math.floor(random() * shape.categories)
    if (feature[node]! % 3 === 1 && random() < shape.categorical)
      categories.set(node, Float64Array.from({ length: 5 }, some))
    for (let child = 0; child < 2; child++) {
      left.push(-1)
      right.push(-1)
      feature.push(0)
      value.push(0)
      levels.push(levels[node]! + 1)
    }
  }
  for (let node = 0; node < left.length; node++) if (left[node]! < 0) value[node] = Math.fround(random() * 2 - 1)
  const missingLeft = Float64Array.from(left, () => Math.floor(random() * 2))
  const columns = [left, right, feature, value].map(column => Float64Array.from(column))
  return {
    count: left.length,
    left: columns[0]!,
    right: columns[1]!,
    feature: columns[2]!,
    value: columns[3]!,
    missingLeft,
    categories,
  }
}

function forestOf(shape: Shape): Forest {
  const random = seededRandom(shape.seed)
  const builder = new ForestBuilder('the forest')
  for (let tree = 0; tree < shape.trees; tree++) builder.add(treeOf(random, shape))
  const { leaves: _, featuresUsed: __, ...nodes } = builder.finish()
  const { flags, feature, child } = nodes
  const extra = { plain: [0], zeros: [ZERO_MISSING, 12], 'nan-is-zero': [NAN_IS_ZERO], any: [0, 4, 8, 12] }[shape.flags]
  const leafVectors: number[] = []
  for (let node = 0; node < flags.length; node++) {
    const isCategorical = (flags[node]! & 2) !== 0
    if (feature[node]! >= 0)
      flags[node]! |= extra[Math.floor(random() * extra.length)]! & (isCategorical ? NAN_IS_ZERO : 15)
    else if (shape.leaves === 'vector') {
      child[node] = leafVectors.length
      for (let output = 0; output < shape.outputs; output++) leafVectors.push(Math.fround(random() - 0.5))
    }
  }
  const weights = Float64Array.from({ length: shape.trees }, () => random() * 2)
  return {
    kind: 'forest',
    format: 'xgboost-json',
    task: 'regression',
    objective: 'test',
    features: Array.from({ length: shape.features }, (_, index) => `f${index}`),
    featureTypes: [],
    named: false,
    categories: [],
    unseen: 'missing',
    answers: 'number',
    precision: shape.precision,
    ...nodes,
    ...(shape.leaves === 'vector'
      ? { leafVectors: Float64Array.from(leafVectors) }
      : { groups: Int32Array.from({ length: shape.trees }, (_, tree) => tree % shape.outputs) }),
    ...(shape.leaves === 'weighted' ? { weights } : {}),
    base: Float64Array.from({ length: shape.outputs }, () => Math.fround(random())),
    link: 'identity',
    facts: {},
  }
}

function rowsFor(shape: Shape, forest: Forest, count: number): Float64Array {
  const random = seededRandom(shape.seed + 1)
  const cuts = forest.value.filter((_, node) => forest.feature[node]! >= 0)
  return Float64Array.from({ length: count * shape.features }, () => {
    const kind = random()
    if (kind < 0.1) return Number.NaN
    if (kind < 0.15) return EDGES[Math.floor(random() * EDGES.length)]!
    if (kind < 0.5 && cuts.length > 0) return cuts[Math.floor(random() * cuts.length)]!
    if (kind < 0.8) return Math.floor(random() * (shape.categories + 3)) - 1 + (kind < 0.6 ? 0.5 : 0)
    return random() * 24 - 12
  })
}

function agree(shape: Shape, count: number, kind?: 'dense' | 'sparse' | 'walk', now?: () => number): void {
  const forest = forestOf(shape)
  const rows = rowsFor(shape, forest, count)
  const expected = new Float64Array(count * shape.outputs)
  const found = new Float64Array(count * shape.outputs)
  forestPredictor(forest).margin(rows, count, expected)
  const fast = fastPredictor(forest, { ...(kind === undefined ? {} : { kind }), ...(now === undefined ? {} : { now }) })
  const isPlain = shape.categorical === 0 || shape.categories < 100 // many sets of many categories are left to the scalar path
  if (kind === 'walk' && isPlain)
    assert.ok(fast.bytes > forestPredictor(forest).bytes, 'it is computed by the scalar path')
  for (let round = 0; round < 2; round++) {
    found.fill(-1)
    fast.margin(rows, count, found)
    assert.deepEqual(found, expected)
  }
  for (let row = 0; row < Math.min(count, 20); row++) {
    const one = new Float64Array(shape.outputs)
    fast.margin(rows.subarray(row * shape.features, (row + 1) * shape.features), 1, one)
    assert.deepEqual(one, expected.slice(row * shape.outputs, (row + 1) * shape.outputs))
  }
}

const PLAIN: Shape = {
  trees: 20,
  depth: 6,
  splits: 0.9,
  features: 7,
  grid: 0,
  categorical: 0,
  categories: 10,
  precision: 'float32',
  outputs: 1,
  leaves: 'scalar',
  flags: 'plain',
  seed: 1,
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  trees: fc.integer({ min: 1, max: 30 }),
  depth: fc.oneof(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 20 })),
  splits: fc.constantFrom(0.3, 0.7, 1),
  features: fc.integer({ min: 1, max: 12 }),
  grid: fc.constantFrom(0, 5, 300),
  categorical: fc.constantFrom(0, 0.5, 1),
  categories: fc.constantFrom(3, 40, 900),
  precision: fc.constantFrom('float32', 'float64'),
  outputs: fc.integer({ min: 1, max: 4 }),
  leaves: fc.constantFrom('scalar', 'weighted', 'vector'),
  flags: fc.constantFrom('plain', 'zeros', 'nan-is-zero', 'any'),
  seed: fc.nat(),
})

describe('fastPredictor', () => {
  for (const kind of [undefined, 'dense', 'sparse', 'walk'] as const) {
    test(`gives the sums of the scalar path, bit by bit: ${kind ?? 'its own choice'}`, () => {
      fc.assert(
        fc.property(shapes, fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constantFrom(64, 1000)), (shape, count) => {
          agree(kind === 'dense' ? { ...shape, depth: Math.min(shape.depth, 6) } : shape, count, kind)
        }),
        { numRuns: 40 },
      )
    })
  }

  test('of a feature with more thresholds than 16 bits count', () => {
    agree({ ...PLAIN, trees: 14, depth: 19, splits: 0.7, features: 1, flags: 'any', seed: 905672619 }, 200, 'walk')
  })

  test('of wide and of many trees', () => {
    agree({ ...PLAIN, features: 500, trees: 200, flags: 'any', categorical: 0.3 }, 200)
    agree({ ...PLAIN, trees: 2000, depth: 4 }, 100)
    agree({ ...PLAIN, trees: 40, depth: 14, precision: 'float64', features: 3 }, 100)
  })

  test('tries kernels where it is given a clock, and answers the same', () => {
    let ticks = 0
    for (const clock of [() => performance.now(), () => ticks++, () => 0]) {
      agree({ ...PLAIN, flags: 'any' }, 130, undefined, clock)
      agree({ ...PLAIN, splits: 0.5, depth: 9 }, 130, undefined, clock)
    }
  })

  test('leaves to the scalar path linear trees, and what does not fit the budget', () => {
    const forest = forestOf(PLAIN)
    assert.equal(fastPredictor(forest, { bytes: 1000 }).bytes, forestPredictor(forest).bytes)
    const bytes = 120_000
    const lines = {
      starts: Int32Array.of(0),
      constants: new Float64Array(0),
      features: new Int32Array(0),
      coefficients: new Float64Array(0),
    }
    assert.equal(fastPredictor({ ...forest, lines }).bytes, forestPredictor(forest).bytes + lines.starts.byteLength)
    assert.ok(fastPredictor(forest, { bytes }).bytes <= forestPredictor(forest).bytes + bytes)
  })
})

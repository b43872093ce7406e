/** Forests of every shape to explain, and Shapley values by their definition. */
import type { Random } from '../../math/random.ts'
import { CATEGORICAL, type Forest, LEAF, MISSING_LEFT, NAN_IS_ZERO, ZERO_MISSING } from '../forest.ts'
import type { ModelHead } from '../predictor.ts'
import { goesLeft } from './forest-trees.ts'

export interface Shape {
  readonly features: number
  readonly trees: number
  readonly depth: number
  readonly outputs?: number
  readonly vectors?: boolean
  readonly weighted?: boolean
  /** Nodes that take 0 for missing, or NaN for 0. */
  readonly zeroModes?: boolean
  readonly more?: Partial<Forest>
}

/** Splits on whole numbers −2 … 6, by threshold or category; some nodes have no training rows. */
export function randomForest(random: Random, shape: Shape): Forest {
  const { features, trees, depth, outputs = 1, vectors = false, weighted = false, zeroModes = false, more = {} } = shape
  const below = (limit: number): number => Math.floor(random() * limit)
  const roots: number[] = []
  const nodes: { feature: number; value: number; child: number; flags: number; cover: number }[] = []
  const leafVectors: number[] = []
  const words: number[] = []
  const fill = (node: number, level: number, cover: number): void => {
    const isLeaf = level === depth || (level > 0 && random() < 0.2)
    if (isLeaf) {
      nodes[node] = { feature: LEAF, value: random() * 4 - 2, child: leafVectors.length, flags: 0, cover }
      for (let output = 0; vectors && output < outputs; output++) leafVectors.push(random() * 4 - 2)
      return
    }
    const isCategorical = random() < 0.3
    const child = nodes.length
    const zero = zeroModes ? [0, 0, ZERO_MISSING, NAN_IS_ZERO][below(4)]! : 0
    const flags = (random() < 0.5 ? MISSING_LEFT : 0) | (isCategorical ? CATEGORICAL : 0) | zero
    const value = isCategorical ? words.push(below(64)) - 1 : below(8) - 2
    nodes[node] = { feature: below(features), value, child, flags, cover }
    nodes.length += 2
    const left = random() < 0.1 ? 0 : below(cover + 1)
    fill(child, level + 1, left)
    fill(child + 1, level + 1, cover - left)
  }
  for (let tree = 0; tree < trees; tree++) {
    roots.push(nodes.length)
    nodes.length += 1
    fill(roots[tree]!, 0, 100)
  }
  const column = (key: 'feature' | 'value' | 'child' | 'flags' | 'cover'): number[] => nodes.map(node => node[key])
  return {
    ...headOf(features),
    kind: 'forest',
    precision: 'float64',
    roots: Int32Array.from(roots),
    ...(vectors
      ? { leafVectors: Float64Array.from(leafVectors) }
      : { groups: Int32Array.from(roots, () => below(outputs)) }),
    ...(weighted ? { weights: Float64Array.from(roots, () => random() * 2) } : {}),
    feature: Int32Array.from(column('feature')),
    value: Float64Array.from(column('value')),
    child: Int32Array.from(column('child')),
    flags: Uint8Array.from(column('flags')),
    cover: Float64Array.from(column('cover')),
    sets: {
      starts: Int32Array.from({ length: words.length + 1 }, (_, set) => set),
      firsts: new Int32Array(words.length),
      words: Uint32Array.from(words),
    },
    depth,
    base: Float64Array.from({ length: outputs }, () => random()),
    link: 'identity',
    ...more,
  }
}

function headOf(features: number): ModelHead {
  return {
    format: 'xgboost-json',
    task: 'regression',
    objective: 'test',
    features: Array.from({ length: features }, (_, feature) => `f${feature}`),
    featureTypes: [],
    named: false,
    categories: [],
    unseen: 'missing',
    answers: 'number',
    facts: {},
  }
}

/** Whole numbers −3 … 7, and missing values. */
export function randomRows(random: Random, features: number, count: number): Float64Array {
  return Float64Array.from({ length: features * count }, () =>
    random() < 0.1 ? Number.NaN : Math.floor(random() * 11) - 3,
  )
}

/** Algorithm 1 of Lundberg et al.: what a forest answers on average where only the features of a coalition are known. */
export function coalitionWorth(forest: Forest, row: Float64Array, output: number, coalition: number): number {
  const { roots, feature, child, cover, value, groups, weights, leafVectors } = forest
  const visit = (node: number): number => {
    const column = feature[node]!
    if (column < 0) return leafVectors?.[child[node]! + output] ?? value[node]!
    const left = child[node]!
    if ((coalition >> column) & 1) return visit(goesLeft(forest, node, row[column]!) ? left : left + 1)
    const all = cover![node]!
    const [shareLeft, shareRight] = all > 0 ? [cover![left]! / all, cover![left + 1]! / all] : [0.5, 0.5]
    return shareLeft * visit(left) + shareRight * visit(left + 1)
  }
  return roots.reduce((sum, root, tree) => {
    if (groups !== undefined && groups[tree] !== output) return sum
    return sum + (weights?.[tree] ?? 1) * visit(root)
  }, forest.base[output]!)
}

/** Shapley values of the game that gives each coalition, a set of bits, its worth. */
export function shapleyValues(players: number, worth: (coalition: number) => number): Float64Array {
  const values = new Float64Array(players)
  const worths = Float64Array.from({ length: 1 << players }, (_, coalition) => worth(coalition))
  for (let coalition = 0; coalition < 1 << players; coalition++) {
    const size = bitsOf(coalition)
    for (let player = 0; player < players; player++) {
      if ((coalition >> player) & 1) continue
      const weight = (factorial(size) * factorial(players - size - 1)) / factorial(players)
      values[player]! += weight * (worths[coalition | (1 << player)]! - worths[coalition]!)
    }
  }
  return values
}

/** Shapley interaction index of two players (Grabisch and Roubens 1999). */
export function interactionValue(players: number, i: number, j: number, worth: (coalition: number) => number): number {
  const both = (1 << i) | (1 << j)
  let value = 0
  for (let coalition = 0; coalition < 1 << players; coalition++) {
    if ((coalition & both) !== 0) continue
    const size = bitsOf(coalition)
    const weight = (factorial(size) * factorial(players - size - 2)) / factorial(players - 1)
    const [withI, withJ] = [worth(coalition | (1 << i)), worth(coalition | (1 << j))]
    value += weight * (worth(coalition | both) - withI - withJ + worth(coalition))
  }
  return value
}

function bitsOf(coalition: number): number {
  return coalition.toString(2).replaceAll('0', '').length
}

function factorial(number: number): number {
  return number <= 1 ? 1 : number * factorial(number - 1)
}

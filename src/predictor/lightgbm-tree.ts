/**
 * A tree of LightGBM into the columns of the forest builder. Decisions are those of `Tree::NumericalDecision` and
 * `Tree::CategoricalDecision` (LightGBM's `include/LightGBM/tree.h`) on rows as `Booster.predict` takes them in: a number of
 * size `ZERO_MAX` or less is 0 (`RowPairFunctionFromDenseMatric` in `src/c_api.cpp`).
 */
import { type LeafLines, NAN_IS_ZERO, ZERO_MAX, ZERO_MISSING } from './forest.ts'
import type { ForestBuilder } from './forest-builder.ts'
import { refusal } from './lightgbm-objectives.ts'

/** As the text has it. Inner nodes count from 0; a child −1 − l is leaf l. */
export interface LightgbmTree {
  readonly leaves: number
  readonly feature: Float64Array
  readonly threshold: Float64Array
  /** Bits: 1 categorical, 2 missing goes left, 4 × (0 none, 1 zero, 2 NaN). */
  readonly decision: Float64Array
  readonly left: Float64Array
  readonly right: Float64Array
  readonly leafValue: Float64Array
  readonly leafCount?: Float64Array | undefined
  readonly innerCount?: Float64Array | undefined
  /** The categories that go left, by inner node. */
  readonly categories: ReadonlyMap<number, Float64Array>
  readonly linear?: LinearLeaves | undefined
}

export interface LinearLeaves {
  readonly constants: Float64Array
  /** Terms of each leaf; then the terms of all leaves, one after the other. */
  readonly counts: Float64Array
  readonly features: Float64Array
  readonly coefficients: Float64Array
}

const BITS = new BigInt64Array(1)
const DOUBLE: Float64Array = new Float64Array(BITS.buffer)
const TERMS_MAX = 1 << 26

/** Adds trees to a builder, and keeps the lines of their leaves. */
export class LightgbmTrees {
  readonly #builder: ForestBuilder
  #constants: number[] = []
  #starts: number[] = [0]
  #features: number[] = []
  #coefficients: number[] = []

  constructor(builder: ForestBuilder) {
    this.#builder = builder
  }

  add(tree: LightgbmTree): void {
    const { leaves, categories } = tree
    const inner = leaves - 1
    const count = inner + leaves
    const fail = (detail: string): never => {
      throw refusal(`tree ${this.#builder.trees}: ${detail}`)
    }
    requireLengths(tree, fail)
    const left = new Float64Array(count).fill(-1)
    const right = new Float64Array(count).fill(-1)
    const feature = new Float64Array(count)
    const value = new Float64Array(count)
    const missingLeft = new Float64Array(count)
    const modes = new Uint8Array(count)
    for (let node = 0; node < inner; node++) {
      left[node] = childOf(tree.left[node]!, inner, fail)
      right[node] = childOf(tree.right[node]!, inner, fail)
      feature[node] = tree.feature[node]!
      const decision = tree.decision[node]!
      if (!(Number.isInteger(decision) && decision >= 0 && decision < 12))
        fail(`node ${node} has the decision type ${decision}`)
      if ((decision & 1) !== 0) {
        if (!categories.has(node)) fail(`node ${node} splits by category, but has no categories`)
        continue
      }
      value[node] = cutOf(tree.threshold[node]!)
      missingLeft[node] = (decision >> 1) & 1
      if (tree.threshold[node] === Number.POSITIVE_INFINITY) {
        // All that is not missing goes left, infinity too, of which `v < cut` is false for every cut: the sides change places.
        value[node] = Number.NEGATIVE_INFINITY
        missingLeft[node] = 1 - missingLeft[node]!
        ;[left[node], right[node]] = [right[node]!, left[node]!]
      }
      modes[node] = [NAN_IS_ZERO, ZERO_MISSING, 0][decision >> 2]!
    }
    value.set(tree.leafValue, inner)
    const places = this.#lines(tree, inner, fail)
    const cover = coverOf(tree)
    this.#builder.add({ count, left, right, feature, value, missingLeft, modes, places, cover, categories })
  }

  /** Absent where no leaf has a line. */
  lines(): LeafLines | undefined {
    if (this.#constants.length === 0) return undefined
    return {
      starts: Int32Array.from(this.#starts),
      constants: Float64Array.from(this.#constants),
      features: Int32Array.from(this.#features),
      coefficients: Float64Array.from(this.#coefficients),
    }
  }

  /** One more than the largest feature of a line. */
  get featuresUsed(): number {
    return this.#features.reduce((most, feature) => Math.max(most, feature + 1), 0)
  }

  #lines({ leaves, linear }: LightgbmTree, inner: number, fail: Fail): Float64Array {
    const places = new Float64Array(inner + leaves).fill(-1)
    if (linear === undefined) return places
    let at = 0
    for (let leaf = 0; leaf < leaves; leaf++) {
      const end = at + linear.counts[leaf]!
      if (!(Number.isInteger(end) && end >= at && end <= linear.features.length))
        fail(`leaf ${leaf} has no ${linear.counts[leaf]} terms`)
      places[inner + leaf] = this.#constants.length
      this.#constants.push(finite(linear.constants[leaf]!, fail))
      for (; at < end; at++) {
        const feature = linear.features[at]!
        if (!(Number.isInteger(feature) && feature >= 0 && feature < 0x7fffffff))
          fail(`a leaf has the feature ${feature}`)
        this.#features.push(feature)
        this.#coefficients.push(finite(linear.coefficients[at]!, fail))
      }
      this.#starts.push(this.#features.length)
    }
    if (at !== linear.features.length) fail(`its leaves have ${at} terms of ${linear.features.length}`)
    if (this.#features.length > TERMS_MAX) fail(`leaves have more than ${TERMS_MAX} terms`)
    return places
  }
}

type Fail = (detail: string) => never

function requireLengths(tree: LightgbmTree, fail: Fail): void {
  const { leaves, linear } = tree
  for (const column of [tree.feature, tree.threshold, tree.decision, tree.left, tree.right, tree.innerCount]) {
    if (column !== undefined && column.length !== leaves - 1)
      fail(`it has ${column.length} splits for ${leaves} leaves`)
  }
  for (const column of [tree.leafValue, tree.leafCount, linear?.constants, linear?.counts]) {
    if (column !== undefined && column.length !== leaves) fail(`it has ${column.length} values for ${leaves} leaves`)
  }
  if (linear !== undefined && linear.features.length !== linear.coefficients.length) {
    fail(`it has ${linear.features.length} terms and ${linear.coefficients.length} coefficients`)
  }
}

/** Leaves come after the inner nodes. */
function childOf(child: number, inner: number, fail: Fail): number {
  if (!(Number.isInteger(child) && child >= -1 - inner && child < inner)) fail(`a node has the child ${child}`)
  return child >= 0 ? child : inner - 1 - child
}

function coverOf({ leafCount, innerCount }: LightgbmTree): Float64Array | undefined {
  if (leafCount === undefined || innerCount === undefined) return undefined
  const cover = new Float64Array(innerCount.length + leafCount.length)
  cover.set(innerCount)
  cover.set(leafCount, innerCount.length)
  return cover
}

function finite(value: number, fail: Fail): number {
  return Number.isFinite(value) ? value : fail(`a leaf has the coefficient ${value}`)
}

/** `v < cut` for `v ≤ threshold`, numbers that are read as 0 included. NaN stays NaN. */
function cutOf(threshold: number): number {
  if (threshold < 0 && threshold >= -ZERO_MAX) return -ZERO_MAX
  return nextUp(threshold >= 0 && threshold < ZERO_MAX ? ZERO_MAX : threshold)
}

function nextUp(value: number): number {
  if (value === Number.NEGATIVE_INFINITY) return -Number.MAX_VALUE
  if (!Number.isFinite(value)) return value
  DOUBLE[0] = value === 0 ? 0 : value
  BITS[0] = BITS[0]! + (value < 0 ? -1n : 1n)
  return DOUBLE[0]!
}

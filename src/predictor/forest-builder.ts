/**
 * Makes the node arrays of a forest, one tree after the other, and lets nothing wrong in: children in range, no node reached
 * twice (so no cycle), features that exist, finite leaves, bounded depth and sets. After this nobody checks again.
 */
import { Problem } from '../errors.ts'
import { CATEGORICAL, CATEGORY_MAX, type CategorySets, LEAF, MISSING_LEFT } from './forest.ts'

/** Deeper trees are damage or attack: each level costs every prediction a step. */
const DEPTH_MAX = 1024
/** Together, in 32-bit words: 64 MB. */
const SET_WORDS_MAX = 1 << 24
const NODES_MAX = 1 << 28

/** A tree as its file has it: columns by node; a node with `left` < 0 is a leaf. */
export interface TreeColumns {
  readonly count: number
  readonly left: Float64Array
  readonly right: Float64Array
  readonly feature: Float64Array
  /** Threshold of an inner node (left where x < threshold), value of a leaf. */
  readonly value: Float64Array
  readonly missingLeft: Float64Array
  /** Training weight that reached the node, where the file tells. */
  readonly cover?: Float64Array | undefined
  /** By inner node, `ZERO_MISSING` or `NAN_IS_ZERO` or nothing. */
  readonly modes?: Uint8Array
  /** By leaf: where its vector is, or the number of its line. Not checked here. */
  readonly places?: Float64Array
  /** By categorical node: the categories that go left. */
  readonly categories?: ReadonlyMap<number, Float64Array>
}

export interface BuiltForest {
  readonly roots: Int32Array
  readonly feature: Int32Array
  readonly value: Float64Array
  readonly child: Int32Array
  readonly flags: Uint8Array
  /** Where every tree came with it. */
  readonly cover?: Float64Array
  readonly sets: CategorySets
  readonly depth: number
  readonly leaves: number
  /** One more than the largest feature used. */
  readonly featuresUsed: number
}

export class ForestBuilder {
  readonly #what: string
  readonly #roots: number[] = []
  #feature = new Int32Array(256)
  #value = new Float64Array(256)
  #child = new Int32Array(256)
  #flags = new Uint8Array(256)
  #cover = new Float64Array(256)
  #isCovered = true
  #size = 0
  /** Old number of each new node of the tree at work, and its depth. */
  #origin = new Int32Array(64)
  #level = new Int32Array(64)
  #seen = new Uint8Array(64)
  #setStarts: number[] = [0]
  #setFirsts: number[] = []
  #words = new Uint32Array(64)
  #depth = 0
  #leaves = 0
  #featuresUsed = 0

  /** @param what names the model in errors, e.g. `the XGBoost model`. */
  constructor(what: string) {
    this.#what = what
  }

  get trees(): number {
    return this.#roots.length
  }

  /** Adds a tree. Nodes that its root does not reach (pruned ones) are left out. */
  add(tree: TreeColumns): void {
    if (tree.count === 0) throw this.#problem('it has no nodes')
    this.#prepare(tree.count)
    if (tree.cover === undefined) this.#isCovered = false
    const root = this.#size
    this.#roots.push(root)
    this.#size++
    this.#origin[0] = 0
    this.#level[0] = 0
    this.#seen[0] = 1
    for (let node = root; node < this.#size; node++) {
      const old = this.#origin[node - root]!
      this.#cover[node] = tree.cover?.[old] ?? 0
      if (tree.left[old]! < 0) this.#leaf(node, old, tree)
      else this.#split(node, node - root, old, tree, root)
    }
  }

  finish(): BuiltForest {
    return {
      roots: Int32Array.from(this.#roots),
      feature: this.#feature.slice(0, this.#size),
      value: this.#value.slice(0, this.#size),
      child: this.#child.slice(0, this.#size),
      flags: this.#flags.slice(0, this.#size),
      ...(this.#isCovered ? { cover: this.#cover.slice(0, this.#size) } : {}),
      sets: {
        starts: Int32Array.from(this.#setStarts),
        firsts: Int32Array.from(this.#setFirsts),
        words: this.#words.slice(0, this.#setStarts.at(-1)!),
      },
      depth: this.#depth,
      leaves: this.#leaves,
      featuresUsed: this.#featuresUsed,
    }
  }

  #leaf(node: number, old: number, tree: TreeColumns): void {
    const value = tree.value[old]!
    if (!Number.isFinite(value)) throw this.#problem(`leaf ${old} has the value ${value}, wanted a finite number`)
    this.#feature[node] = LEAF
    this.#value[node] = value
    this.#child[node] = tree.places?.[old] ?? 0
    this.#leaves++
  }

  #split(node: number, local: number, old: number, tree: TreeColumns, root: number): void {
    const feature = tree.feature[old]!
    if (!(Number.isInteger(feature) && feature >= 0 && feature < 0x7fffffff)) {
      throw this.#problem(`node ${old} splits on feature ${feature}`)
    }
    const level = this.#level[local]! + 1
    if (level > DEPTH_MAX) throw this.#problem(`it is deeper than ${DEPTH_MAX}`)
    this.#depth = Math.max(this.#depth, level)
    this.#featuresUsed = Math.max(this.#featuresUsed, feature + 1)
    const categories = tree.categories?.get(old)
    const threshold = tree.value[old]!
    if (categories === undefined && Number.isNaN(threshold)) {
      throw this.#problem(`node ${old} has the threshold NaN, wanted a number`)
    }
    this.#feature[node] = feature
    this.#value[node] = categories === undefined ? threshold : this.#set(old, categories)
    const missing = (tree.missingLeft[old] === 1 ? MISSING_LEFT : 0) | (tree.modes?.[old] ?? 0)
    this.#flags[node] = missing | (categories === undefined ? 0 : CATEGORICAL)
    this.#child[node] = this.#size
    for (const next of [tree.left[old]!, tree.right[old]!]) {
      if (!(Number.isInteger(next) && next > 0 && next < tree.count)) {
        throw this.#problem(`node ${old} has the child ${next}, wanted one of 1 … ${tree.count - 1}`)
      }
      if (this.#seen[next] === 1) throw this.#problem(`node ${next} is reached twice`)
      this.#seen[next] = 1
      this.#origin[this.#size - root] = next
      this.#level[this.#size - root] = level
      this.#size++
    }
  }

  #set(node: number, categories: Float64Array): number {
    let low = CATEGORY_MAX
    let high = -1
    for (const category of categories) {
      if (!(Number.isInteger(category) && category >= 0 && category < CATEGORY_MAX)) {
        throw this.#problem(`node ${node} names the category ${category}, wanted a whole number below ${CATEGORY_MAX}`)
      }
      low = Math.min(low, category)
      high = Math.max(high, category)
    }
    const first = high < 0 ? 0 : low >> 5
    const length = high < 0 ? 0 : (high >> 5) - first + 1
    const start = this.#setStarts.at(-1)!
    if (start + length > SET_WORDS_MAX)
      throw this.#problem(`its category sets need more than ${SET_WORDS_MAX * 4} bytes`)
    while (start + length > this.#words.length)
      this.#words = enlarged(this.#words, new Uint32Array(this.#words.length * 2))
    for (const category of categories) this.#words[start + (category >> 5) - first]! |= 1 << (category & 31)
    this.#setStarts.push(start + length)
    this.#setFirsts.push(first)
    return this.#setFirsts.length - 1
  }

  #prepare(count: number): void {
    if (this.#size + count > NODES_MAX) throw this.#problem(`the forest has more than ${NODES_MAX} nodes`)
    let length = this.#feature.length
    while (length < this.#size + count) length *= 2
    if (length > this.#feature.length) {
      this.#feature = enlarged(this.#feature, new Int32Array(length))
      this.#value = enlarged(this.#value, new Float64Array(length))
      this.#child = enlarged(this.#child, new Int32Array(length))
      this.#flags = enlarged(this.#flags, new Uint8Array(length))
      this.#cover = enlarged(this.#cover, new Float64Array(length))
    }
    if (count > this.#seen.length) {
      this.#origin = new Int32Array(count)
      this.#level = new Int32Array(count)
      this.#seen = new Uint8Array(count)
    } else {
      this.#seen.fill(0, 0, count)
    }
  }

  #problem(detail: string): Problem {
    return new Problem('invalid', `Cannot load ${this.#what}: tree ${Math.max(0, this.#roots.length - 1)}: ${detail}`)
  }
}

function enlarged<A extends Int32Array | Uint32Array | Float64Array | Uint8Array>(from: A, to: A): A {
  to.set(from as never)
  return to
}

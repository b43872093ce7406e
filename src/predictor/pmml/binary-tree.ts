/**
 * A tree of a document as one whose nodes have two children and no predicates but `x < t` and `x ∈ set`: exactly the same
 * leaf for every row, where every predicate is about one column. Rows with a missing value for which there is no leaf (the
 * prediction is missing there) are told by `isExact`, and left to the evaluator.
 *
 * On the way down it is known which values each column may still have, so that a second child, whose predicate is the
 * contrary of the first's, needs no test of its own.
 */
import type { TreeColumns } from '../forest-builder.ts'
import type { Predicate, TreeModel, TreeNode } from './models.ts'
import { predicateTest } from './predicate.ts'
import { type Line, lineOfPredicate, OTHERWISE, type Probe, type Truth } from './probe.ts'
import { UNSEEN, type Value } from './values.ts'

/** Values that a column may still have: numbers from `low` to below `high`, or codes (−1 is `codes[0]`); and none. */
interface Region {
  readonly low: number
  readonly high: number
  readonly codes?: readonly number[]
  readonly missing: boolean
}

type Regions = ReadonlyMap<number, Region>

/** A forest may be deeper, but each level is a call here. */
const DEPTH_MAX = 500

export interface Columns {
  readonly probe: Probe
  readonly categories: readonly (readonly string[] | undefined)[]
  /** By column: whether rows in which it is missing reach the leaf that they should. Written. */
  readonly isExact: boolean[]
}

export class BinaryTree {
  readonly #model: TreeModel
  readonly #columns: Columns
  readonly #worth: (node: TreeNode) => number
  readonly #limit: number
  readonly #left: number[] = []
  readonly #right: number[] = []
  readonly #feature: number[] = []
  readonly #value: number[] = []
  readonly #missingLeft: number[] = []
  readonly #cover: number[] = []
  readonly #categories = new Map<number, Float64Array>()
  #hasCover: boolean
  #depth = 0

  /** @param worth what a leaf answers; @throws OTHERWISE */
  constructor(model: TreeModel, columns: Columns, worth: (node: TreeNode) => number) {
    this.#model = model
    this.#columns = columns
    this.#worth = worth
    this.#limit = 64 + 4 * countNodes(model.root)
    this.#hasCover = model.root.children.length > 0 && countsAddUp(model.root)
    const { root } = model
    if (root.predicate.op !== 'constant' || !root.predicate.value) throw OTHERWISE
    this.#build(root, new Map(), root.recordCount ?? 0)
  }

  columns(): TreeColumns {
    return {
      count: this.#left.length,
      left: Float64Array.from(this.#left),
      right: Float64Array.from(this.#right),
      feature: Float64Array.from(this.#feature),
      value: Float64Array.from(this.#value),
      missingLeft: Float64Array.from(this.#missingLeft),
      ...(this.#hasCover ? { cover: Float64Array.from(this.#cover) } : {}),
      categories: this.#categories,
    }
  }

  #add(feature: number, value: number, cover: number): number {
    if (this.#left.length >= this.#limit) throw OTHERWISE
    this.#cover.push(cover)
    this.#feature.push(feature)
    this.#value.push(value)
    this.#missingLeft.push(0)
    this.#right.push(-1)
    return this.#left.push(-1) - 1
  }

  #leaf(node: TreeNode, cover: number): number {
    if (node.score === undefined && node.shares === undefined) throw OTHERWISE
    return this.#add(-1, this.#worth(node), cover)
  }

  #build(node: TreeNode, regions: Regions, cover: number): number {
    return node.children.length === 0 ? this.#leaf(node, cover) : this.#chain(node, 0, regions, cover)
  }

  /** From child `index` on: those before it are false. */
  #chain(node: TreeNode, index: number, regions: Regions, cover: number): number {
    if (++this.#depth > DEPTH_MAX) throw OTHERWISE
    const place = this.#link(node, index, regions, cover)
    this.#depth--
    return place
  }

  #link(node: TreeNode, index: number, regions: Regions, cover: number): number {
    const child = node.children[index]
    if (child === undefined) {
      if (!this.#model.lastWhenNone) throw OTHERWISE
      return this.#leaf(node, cover)
    }
    const enter = (own: Regions): number => this.#build(child, own, child.recordCount ?? 0)
    const pass = (own: Regions): number => this.#chain(node, index + 1, own, cover - (child.recordCount ?? 0))
    const { predicate } = child
    if (predicate.op === 'constant') return predicate.value ? enter(regions) : pass(regions)
    const line = lineOfPredicate(predicate, this.#columns.probe)
    if (line === null) throw OTHERWISE
    const region = regions.get(line.column) ?? this.#whole(line)
    const found = this.#partition(node, index, line, region)
    const go = (parts: Part[]): number => {
      const truths = new Set(parts.map(({ truth }) => truth))
      const own = new Map(regions).set(line.column, union(parts.map(part => part.region)))
      if (truths.size === 0) return this.#add(-1, this.#worthOfAny(node), 0)
      if (truths.size > 1) return this.#split(line, parts, cover, child.recordCount ?? 0, go)
      const [truth] = truths
      if (truth === 'last') return this.#leaf(node, 0)
      if (truth === 'default') return this.#build(node.children[node.defaultChild!]!, own, 0)
      return truth === true ? enter(own) : pass(own)
    }
    return go(found)
  }

  /** Of a place that no row reaches. */
  #worthOfAny(node: TreeNode): number {
    let leaf = node
    while (leaf.score === undefined && leaf.shares === undefined) leaf = leaf.children[0]!
    return this.#worth(leaf)
  }

  #whole({ column, isText }: Line): Region {
    const missing = this.#columns.isExact[column]!
    const codes = isText
      ? Array.from({ length: this.#columns.categories[column]!.length + 1 }, (_, code) => code - 1)
      : undefined
    return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, ...(codes && { codes }), missing }
  }

  /** Parts of a region on each of which the predicate of child `index` is the same; invalid values left out. */
  #partition(node: TreeNode, index: number, line: Line, region: Region): Part[] {
    const { probe, categories } = this.#columns
    const { predicate } = node.children[index]!
    const test = predicateTest(predicate)
    const slot = slotOf(predicate)
    const ask = (value: Value): Truth => probe.truth(test, line, slot, value)
    const parts: Part[] = []
    const add = (part: Region, truth: Truth): void => {
      if (truth === 'invalid') return
      // Unknown though the value is there: it is mapped to nothing.
      if (truth === undefined && this.#model.missingValues !== 'none') throw OTHERWISE
      parts.push({ region: part, truth: truth === true })
    }
    if (region.codes !== undefined) {
      const texts = categories[line.column]!
      for (const code of region.codes) add({ ...region, codes: [code], missing: false }, ask(texts[code] ?? UNSEEN))
    } else if (region.low < region.high || region.low === Number.NEGATIVE_INFINITY) {
      const breaks = new Set<number>()
      probe.breaks(predicate, breaks)
      const inner = [...breaks].filter(at => at > region.low && at < region.high).sort((a, b) => a - b)
      const edges = [region.low, ...inner, region.high]
      for (const [at, low] of edges.slice(0, -1).entries()) add({ low, high: edges[at + 1]!, missing: false }, ask(low))
    }
    if (region.missing && this.#columns.isExact[line.column])
      this.#missing(node, index, line, ask(undefined), parts, region)
    return parts
  }

  /** What becomes of a missing value at child `index`. */
  #missing(node: TreeNode, index: number, line: Line, truth: Truth, parts: Part[], region: Region): void {
    const strategy = this.#model.missingValues
    const add = (way: Part['truth']): void => {
      parts.push({ region: { low: 0, high: 0, ...(region.codes && { codes: [] }), missing: true }, truth: way })
    }
    if (truth === true || truth === false) add(truth)
    else if (truth === undefined && strategy === 'none') add(false)
    else if (truth === undefined && strategy === 'defaultChild' && node.defaultChild !== undefined) {
      const isNext = node.defaultChild === index + 1 && this.#takesRest(node, index + 1, line, parts)
      add(node.defaultChild === index ? true : isNext ? false : 'default')
    } else if (truth === undefined && strategy === 'lastPrediction' && (node.score ?? node.shares) !== undefined)
      add('last')
    else this.#columns.isExact[line.column] = false
  }

  /** Whether the child takes every value that the one before it left: then a missing value may go along. */
  #takesRest(node: TreeNode, index: number, line: Line, parts: readonly Part[]): boolean {
    const { predicate } = node.children[index]!
    if (predicate.op === 'constant') return predicate.value
    if (lineOfPredicate(predicate, this.#columns.probe)?.input !== line.input) return false
    const rest = parts.filter(({ truth }) => truth === false).map(part => part.region)
    if (rest.length === 0) return false
    const all = this.#partition(node, index, line, { ...union(rest), missing: false })
    return all.every(({ truth }) => truth === true)
  }

  #split(line: Line, parts: Part[], cover: number, own: number, go: (parts: Part[]) => number): number {
    const at = this.#add(line.column, 0, cover)
    const [left, right, isClean] = line.isText ? this.#codes(at, parts) : this.#threshold(at, parts)
    if (left.some(({ region }) => region.missing)) this.#missingLeft[at] = 1
    if (!isClean || own === 0) this.#hasCover = this.#hasCover && isClean
    this.#left[at] = go(left)
    this.#right[at] = go(right)
    return at
  }

  #codes(at: number, parts: Part[]): [Part[], Part[], boolean] {
    const present = parts.filter(({ region }) => !region.missing)
    const first = present.find(({ truth }) => truth === true)?.truth ?? present[0]?.truth
    const missing = parts.filter(({ region }) => region.missing)
    const isAlone = present.every(({ truth }) => truth === first)
    // A code of −1 is in no set: the set is of those that go left, so the side with −1 is the right one.
    const isOther = ({ region }: Part): boolean => region.codes![0] === -1
    const leftTruth = isAlone
      ? undefined
      : present.find(isOther)?.truth === first
        ? present.find(({ truth }) => truth !== first)!.truth
        : first
    const left = isAlone ? [] : present.filter(({ truth }) => truth === leftTruth)
    const right = present.filter(part => !left.includes(part))
    this.#categories.set(at, Float64Array.from(left.flatMap(({ region }) => region.codes!)))
    for (const part of missing) (isAlone || left.some(({ truth }) => truth === part.truth) ? left : right).push(part)
    return [left, right, !isAlone]
  }

  #threshold(at: number, parts: Part[]): [Part[], Part[], boolean] {
    const present = parts.filter(({ region }) => !region.missing)
    const missing = parts.filter(({ region }) => region.missing)
    const first = present[0]
    const change = present.findIndex(({ truth }) => truth !== first?.truth)
    // Nothing to part but the missing values: they alone go left.
    if (change < 0) {
      this.#value[at] = Number.NEGATIVE_INFINITY
      return [missing, present, false]
    }
    const [left, right] = [present.slice(0, change), present.slice(change)]
    this.#value[at] = right[0]!.region.low
    for (const part of missing)
      (left[0]!.truth === part.truth || right.every(({ truth }) => truth !== part.truth) ? left : right).push(part)
    return [left, right, right.every(({ truth }) => truth === right[0]!.truth)]
  }
}

interface Part {
  readonly region: Region
  /** `last`: the node's own score; `default`: its default child. */
  readonly truth: boolean | 'last' | 'default'
}

function union(regions: readonly Region[]): Region {
  const present = regions.filter(({ missing }) => !missing)
  const codes = regions[0]?.codes === undefined ? undefined : present.flatMap(region => region.codes!)
  const low = present.reduce((least, region) => Math.min(least, region.low), Number.POSITIVE_INFINITY)
  const high = present.reduce((most, region) => Math.max(most, region.high), Number.NEGATIVE_INFINITY)
  const isEmpty = present.length === 0
  return {
    low: isEmpty ? 0 : low,
    high: isEmpty ? 0 : high,
    ...(codes && { codes }),
    missing: regions.some(({ missing }) => missing),
  }
}

/** One of the slots of a predicate. */
function slotOf(predicate: Predicate): number {
  if ('slot' in predicate) return predicate.slot
  return 'parts' in predicate ? Math.max(...predicate.parts.map(slotOf)) : -1
}

function countNodes(node: TreeNode): number {
  return node.children.reduce((sum, child) => sum + countNodes(child), 1)
}

/** Whether record counts are those of training: of each node, and those of its children make it up. */
function countsAddUp({ recordCount, children }: TreeNode): boolean {
  if (recordCount === undefined || !(recordCount > 0)) return false
  if (children.length === 0) return true
  const sum = children.reduce((total, child) => total + (child.recordCount ?? Number.NaN), 0)
  return sum <= recordCount * (1 + 1e-6) && children.every(countsAddUp)
}

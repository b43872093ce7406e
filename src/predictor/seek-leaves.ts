/** Finds the leaf that a row ends in, in every tree of a forest. */
import { CATEGORICAL, type Forest, inSet, MISSING_LEFT, NAN_IS_ZERO, ZERO_MAX, ZERO_MISSING } from './forest.ts'

/** Writes the leaf (node number) of each tree into `leaves`. `row` is rounded to the forest's precision already. */
export type SeekLeaves = (row: Float64Array, leaves: Int32Array) => void

/** Up to this depth all trees are walked the same number of steps, which needs no branch that depends on the data. */
const EVEN_DEPTH_MAX = 12

/** By every rule of the form. */
export function seekAny(forest: Forest): SeekLeaves {
  const { roots, feature, value, child, flags, sets } = forest
  return (row, leaves) => {
    for (let tree = 0; tree < roots.length; tree++) {
      let node = roots[tree]!
      for (let column = feature[node]!; column >= 0; column = feature[node]!) {
        const flag = flags[node]!
        const x = Number.isNaN(row[column]!) && (flag & NAN_IS_ZERO) !== 0 ? 0 : row[column]!
        let left: boolean
        if (isMissing(x, flag)) left = (flag & MISSING_LEFT) !== 0
        else if ((flag & CATEGORICAL) !== 0) left = inSet(sets, value[node]!, x)
        else left = x < value[node]!
        node = child[node]! + (left ? 0 : 1)
      }
      leaves[tree] = node
    }
  }
}

/** Whether a value takes the default direction of a node with these flags. */
export function isMissing(x: number, flag: number): boolean {
  return Number.isNaN(x) || ((flag & ZERO_MISSING) !== 0 && Math.abs(x) <= ZERO_MAX)
}

/** Whether a row `readings` long can be walked by comparisons alone. */
export function isPlain({ flags }: Forest): boolean {
  return flags.every(flag => (flag & (CATEGORICAL | ZERO_MISSING)) === 0)
}

/**
 * The values of a row in three readings, one after the other, in which a comparison decides about missing values too: as they
 * are (NaN is not ≥ anything: left); with +∞ for NaN (it is ≥ every threshold: right); with 0 for NaN.
 */
export function readMissing(row: Float64Array, width: number): void {
  for (let column = 0; column < width; column++) {
    const value = row[column]!
    const isMissing = Number.isNaN(value)
    row[width + column] = isMissing ? Number.POSITIVE_INFINITY : value
    row[2 * width + column] = isMissing ? 0 : value
  }
}

/** Which value of `readMissing` a node compares; any for a leaf. */
function readings({ feature, flags, features }: Forest): Int32Array {
  return feature.map((column, node) => {
    if (column < 0) return 0
    if ((flags[node]! & NAN_IS_ZERO) !== 0) return 2 * features.length + column
    return (flags[node]! & MISSING_LEFT) !== 0 ? column : features.length + column
  })
}

/**
 * For rows that `readMissing` has read, in a forest that `isPlain`. A comparison becomes 0 or 1 and is added to the child's
 * number (`Number(a >= b)` compiles to one instruction; a conditional expression would be a branch that the processor
 * mispredicts half the time: 3.0 µs against 0.9 µs a row of 120 trees of depth 4).
 */
export function seekPlain(forest: Forest, depth: number): SeekLeaves {
  return depth <= EVEN_DEPTH_MAX ? seekEvenly(forest, depth) : seekToTheEnd(forest)
}

/**
 * Leaves are made to lead to themselves (nothing is ≥ NaN), so that every tree takes `depth` steps; four trees are walked
 * at once, so that the processor has something to do while it waits for one's node.
 */
function seekEvenly(forest: Forest, depth: number): SeekLeaves {
  const { roots } = forest
  const column = readings(forest)
  const next = forest.child.map((child, node) => (forest.feature[node]! < 0 ? node : child))
  const cut = forest.value.map((value, node) => (forest.feature[node]! < 0 ? Number.NaN : value))
  return (row, leaves) => {
    const trees = roots.length
    let tree = 0
    for (; tree + 3 < trees; tree += 4) {
      let a = roots[tree]!
      let b = roots[tree + 1]!
      let c = roots[tree + 2]!
      let d = roots[tree + 3]!
      for (let step = 0; step < depth; step++) {
        a = next[a]! + Number(row[column[a]!]! >= cut[a]!)
        b = next[b]! + Number(row[column[b]!]! >= cut[b]!)
        c = next[c]! + Number(row[column[c]!]! >= cut[c]!)
        d = next[d]! + Number(row[column[d]!]! >= cut[d]!)
      }
      leaves[tree] = a
      leaves[tree + 1] = b
      leaves[tree + 2] = c
      leaves[tree + 3] = d
    }
    for (; tree < trees; tree++) {
      let node = roots[tree]!
      for (let step = 0; step < depth; step++) node = next[node]! + Number(row[column[node]!]! >= cut[node]!)
      leaves[tree] = node
    }
  }
}

function seekToTheEnd(forest: Forest): SeekLeaves {
  const { roots, feature, value, child } = forest
  const column = readings(forest)
  return (row, leaves) => {
    for (let tree = 0; tree < roots.length; tree++) {
      let node = roots[tree]!
      while (feature[node]! >= 0) node = child[node]! + Number(row[column[node]!]! >= value[node]!)
      leaves[tree] = node
    }
  }
}

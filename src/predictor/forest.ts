/**
 * The one form that every tree ensemble is brought into, whatever wrote it. Plain data in typed arrays: it is checked once,
 * when it is made (`ForestBuilder`), may then be trusted, and can be handed from thread to thread.
 *
 * **Nodes** of all trees stand in one sequence. The two children of a node stand side by side, so that one number names
 * both. Reading a row `x` at node `n`:
 *
 * - `feature[n] < 0`: a leaf, worth `value[n]`; in a forest of vector leaves, `leafVectors` from `child[n]` on, one number
 *   for each output; in a forest with `lines`, the linear function number `child[n]` of the row, or `value[n]` where that
 *   is −1 or a feature of the line is missing.
 * - else `v = x[feature[n]]`. Missing (NaN): left where `flags[n]` has `MISSING_LEFT`, else right. With `NAN_IS_ZERO` NaN is
 *   read as 0; with `ZERO_MISSING` a number of size `ZERO_MAX` or less is missing too.
 * - a node with `CATEGORICAL`: left where the category `trunc(v)` is in the set number `value[n]`; a value below 0 or not
 *   below 2^24 is in no set.
 * - else left where `v < value[n]`. A format that goes left on `v ≤ t` stores the next larger number after `t` (in the
 *   forest's precision), which is the same decision.
 * - left is `child[n]`, right is `child[n] + 1`.
 *
 * **Precision.** In a `float32` forest the row is rounded to float32 first, and sums are rounded after every addition, in
 * the order of the trees: what XGBoost and ONNX do. A `float64` forest rounds nothing (LightGBM, scikit-learn, PMML).
 *
 * **Sums.** Each output starts at `base`; tree `t` adds its leaf, times `weights[t]` where there are weights (DART), to
 * output `groups[t]`, or, having vector leaves, to each output. `link` turns the sums (margins) into answers.
 */
import type { Linked } from './link.ts'
import type { ModelHead } from './predictor.ts'

export const MISSING_LEFT = 1
export const CATEGORICAL = 2
/** LightGBM's `zero_as_missing`. */
export const ZERO_MISSING = 4
/** LightGBM, where training data had nothing missing. */
export const NAN_IS_ZERO = 8
/** LightGBM's bound of zero, a float32 number. */
export const ZERO_MAX: number = Math.fround(1e-35)
export const LEAF = -1
/** Categories are whole numbers below this: larger ones are not exact in float32. */
export const CATEGORY_MAX: number = 1 << 24

/** Sets of categories as bits: set `s` has the words `words[starts[s]]` … `words[starts[s + 1]]`, the first for categories from 32 × `firsts[s]` on. */
export interface CategorySets {
  readonly starts: Int32Array
  readonly firsts: Int32Array
  readonly words: Uint32Array
}

/** Linear functions in leaves, by which LightGBM's linear trees answer. */
export interface LeafLines {
  /** Line `l` has the terms `starts[l]` … `starts[l + 1]`. */
  readonly starts: Int32Array
  readonly constants: Float64Array
  readonly features: Int32Array
  readonly coefficients: Float64Array
}

export interface Forest extends ModelHead, Linked {
  readonly kind: 'forest'
  readonly precision: 'float32' | 'float64'
  /** First node of each tree. */
  readonly roots: Int32Array
  /** Output each tree adds to. Absent: leaves are vectors. */
  readonly groups?: Int32Array
  readonly weights?: Float64Array
  readonly feature: Int32Array
  readonly value: Float64Array
  readonly child: Int32Array
  readonly flags: Uint8Array
  readonly leafVectors?: Float64Array
  /** Then there are no `leafVectors`. */
  readonly lines?: LeafLines
  /** Training weight that reached each node (XGBoost's `sum_hessian`, LightGBM's counts), where the artifact tells: path-dependent SHAP values need it. */
  readonly cover?: Float64Array
  readonly sets: CategorySets
  /** Steps from a root to the farthest leaf. */
  readonly depth: number
  /** Margin of each output before any tree. */
  readonly base: Float64Array
}

/** Whether a category is in a set. */
export function inSet(sets: CategorySets, set: number, value: number): boolean {
  if (!(value >= 0 && value < CATEGORY_MAX)) return false
  const category = value | 0
  const start = sets.starts[set]!
  const word = start + (category >> 5) - sets.firsts[set]!
  return word >= start && word < sets.starts[set + 1]! && ((sets.words[word]! >>> (category & 31)) & 1) === 1
}

/** Memory a forest holds, bytes. */
export function forestBytes(forest: Forest): number {
  const { roots, groups, weights, feature, value, child, flags, leafVectors, lines, cover, sets, base } = forest
  const inLines = lines === undefined ? [] : [lines.starts, lines.constants, lines.features, lines.coefficients]
  const arrays = [roots, groups, weights, feature, value, child, flags, leafVectors, cover, base, ...inLines]
  const inSets = sets.starts.byteLength + sets.firsts.byteLength + sets.words.byteLength
  return arrays.reduce((sum, array) => sum + (array?.byteLength ?? 0), inSets)
}

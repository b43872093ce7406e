/**
 * Folds that keep a group together: a customer, a patient, a shop is in the training or in the test, never in both. Row by row
 * those of scikit-learn's classes of the same names.
 */
import { numpyShuffle } from '../mersenne-twister.ts'
import type { ShuffleOptions } from './k-fold.ts'
import { coded, requireFolds, type Split, splitsOf } from './split.ts'

/**
 * Folds of about as many rows, the largest groups placed first (`GroupKFold`); with a seed, about as many groups drawn at
 * random. Of groups with equally many rows the higher number is placed first.
 *
 * @param groups the group of each row, any numbers.
 * @throws RangeError where there are fewer groups than folds, or fewer than two folds.
 */
export function groupKFold(groups: ArrayLike<number>, folds: number, { seed }: ShuffleOptions = {}): Split[] {
  const { codes, counts } = coded(groups)
  requireFolds(folds, counts.length, 'groups')
  const order = Uint32Array.from(counts, (_, group) => group)
  const foldOfGroup = new Uint32Array(counts.length)
  if (seed === undefined) {
    order.sort((a, b) => counts[a]! - counts[b]! || a - b).reverse()
    const rows = new Float64Array(folds)
    for (const group of order) {
      const lightest = rows.indexOf(rows.reduce((a, b) => Math.min(a, b)))
      rows[lightest]! += counts[group]!
      foldOfGroup[group] = lightest
    }
  } else {
    numpyShuffle(seed)(order)
    const [size, longer] = [Math.floor(order.length / folds), order.length % folds]
    for (let fold = 0, at = 0; fold < folds; fold++) {
      const end = at + size + (fold < longer ? 1 : 0)
      for (; at < end; at++) foldOfGroup[order[at]!] = fold
    }
  }
  return splitsOf(
    codes.map(group => foldOfGroup[group]!),
    folds,
  )
}

/** Each group in turn is the test: how a model does where it was not made (`LeaveOneGroupOut`). Groups in ascending order. */
export function leaveOneGroupOut(groups: ArrayLike<number>): Split[] {
  const { codes, counts } = coded(groups)
  if (counts.length < 2)
    throw new RangeError(`Cannot leave a group out: there is ${counts.length} group, wanted 2 or more`)
  return splitsOf(codes, counts.length)
}

/**
 * Groups kept together and classes kept in proportion, as far as both can be had: the groups whose classes are least even are
 * placed first, each where the shares of the classes stay most alike between folds (`StratifiedGroupKFold`). With a seed, groups that
 * are equally uneven are placed in an order drawn at random.
 *
 * @param labels the class of each row, any numbers.
 * @param groups the group of each row, any numbers.
 * @throws RangeError where every class has fewer rows than there are folds, there are fewer groups than folds, or fewer than two
 * folds.
 */
export function stratifiedGroupKFold(
  labels: ArrayLike<number>,
  groups: ArrayLike<number>,
  folds: number,
  { seed }: ShuffleOptions = {},
): Split[] {
  if (labels.length !== groups.length) {
    throw new RangeError(`Cannot split: ${labels.length} labels, but ${groups.length} groups`)
  }
  const classes = coded(labels)
  const { codes, counts } = coded(groups)
  requireFolds(
    folds,
    classes.counts.reduce((a, b) => Math.max(a, b), 0),
    'rows in the largest class',
  )
  requireFolds(folds, counts.length, 'groups')
  const ofGroup = Array.from(counts, () => new Float64Array(classes.counts.length))
  for (const [row, group] of codes.entries()) ofGroup[group]![classes.codes[row]!]!++
  const unevenness = ofGroup.map(spread)
  const order = Uint32Array.from(counts, (_, group) => group)
  if (seed !== undefined) numpyShuffle(seed)(order)
  order.sort((a, b) => unevenness[b]! - unevenness[a]!) // stable: equals keep their order
  const inFold = Array.from({ length: folds }, () => new Float64Array(classes.counts.length))
  const foldOfGroup = new Uint32Array(counts.length)
  for (const group of order) {
    const best = bestFold(inFold, classes.counts, ofGroup[group]!)
    for (const [label, rows] of ofGroup[group]!.entries()) inFold[best]![label]! += rows
    foldOfGroup[group] = best
  }
  return splitsOf(
    codes.map(group => foldOfGroup[group]!),
    folds,
  )
}

function bestFold(inFold: readonly Float64Array[], all: Uint32Array, added: Float64Array): number {
  let [best, least, fewest] = [0, Infinity, Infinity]
  for (const [fold, there] of inFold.entries()) {
    let unevenness = 0
    for (let label = 0; label < all.length; label++) {
      const shares = Float64Array.from(
        inFold,
        (counts, other) => (counts[label]! + (other === fold ? added[label]! : 0)) / all[label]!,
      )
      unevenness += spread(shares)
    }
    unevenness /= all.length
    const rows = there.reduce((sum, count) => sum + count, 0)
    const isLevel = Math.abs(unevenness - least) <= 1e-8 + 1e-5 * least // NumPy's isclose
    if (unevenness < least || (isLevel && rows < fewest)) [best, least, fewest] = [fold, unevenness, rows]
  }
  return best
}

/** Standard deviation, divided by n. */
function spread(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / values.length)
}

/** Folds of rows that do not depend on each other; row by row those of scikit-learn's classes of the same names. */
import { numpyShuffle } from '../mersenne-twister.ts'
import { requireFolds, type Split, splitsOf } from './split.ts'

export interface ShuffleOptions {
  /** Of the shuffle, as `random_state` of scikit-learn; without it, rows keep their order. */
  readonly seed?: number
}

/**
 * Each fold in turn is the test; without a seed, folds are runs of rows (`KFold`).
 *
 * @throws RangeError where there are fewer rows than folds, or fewer than two folds.
 */
export function kFold(rows: number, folds: number, { seed }: ShuffleOptions = {}): Split[] {
  requireFolds(folds, rows, 'rows')
  const order = Uint32Array.from({ length: rows }, (_, row) => row)
  if (seed !== undefined) numpyShuffle(seed)(order)
  const foldOf = new Uint32Array(rows)
  const [size, longer] = [Math.floor(rows / folds), rows % folds]
  for (let fold = 0, at = 0; fold < folds; fold++) {
    const end = at + size + (fold < longer ? 1 : 0)
    for (; at < end; at++) foldOf[order[at]!] = fold
  }
  return splitsOf(foldOf, folds)
}

/**
 * Folds in which each class has the share that it has among all rows, as near as whole rows allow (`StratifiedKFold`).
 *
 * @param labels the class of each row, any numbers.
 * @throws RangeError where every class has fewer rows than there are folds, or there are fewer than two folds.
 */
export function stratifiedKFold(labels: ArrayLike<number>, folds: number, { seed }: ShuffleOptions = {}): Split[] {
  const rowsOf = new Map<number, number[]>() // classes in the order in which they appear
  for (let row = 0; row < labels.length; row++) {
    const rows = rowsOf.get(labels[row]!)
    if (rows === undefined) rowsOf.set(labels[row]!, [row])
    else rows.push(row)
  }
  const most = Array.from(rowsOf.values(), rows => rows.length).reduce((a, b) => Math.max(a, b), 0)
  requireFolds(folds, most, 'rows in the largest class')
  const shuffle = seed === undefined ? undefined : numpyShuffle(seed)
  const foldOf = new Uint32Array(labels.length)
  let before = 0
  for (const rows of rowsOf.values()) {
    // All rows sorted by class are dealt out like cards: the class gets the cards from `before` on.
    const dealt = new Uint32Array(folds)
    for (let at = 0; at < rows.length; at++) dealt[(before + at) % folds]!++
    const mine = new Uint32Array(rows.length)
    for (let fold = 0, at = 0; fold < folds; at += dealt[fold]!, fold++) mine.fill(fold, at, at + dealt[fold]!)
    shuffle?.(mine)
    for (const [at, row] of rows.entries()) foldOf[row] = mine[at]!
    before += rows.length
  }
  return splitsOf(foldOf, folds)
}

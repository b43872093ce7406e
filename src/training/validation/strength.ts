/** How much one column alone says of what really happened. */

import { rocAuc } from '../../math/metrics/auc.ts'
import { aucOneVersusRest } from '../../math/metrics/multiclass.ts'
import { quantile, sortedValues } from '../../math/quantiles.ts'
import { kFold } from '../../math/splits/k-fold.ts'
import type { JudgedTask } from './measures.ts'

const BINS = 32
/** Rows by which the mean of a bin is drawn to the mean of all. */
const PRIOR_ROWS = 1

/**
 * 0.5 (nothing) … 1 (everything) for classes: the ROC-AUC of the column alone, each class against the rest. 0 … 1 for a
 * regression: |Spearman's correlation|. A column may speak through its order, or through means of its bins or categories, which
 * are taken from one half of the rows and tried on the other, so that a column of ids says nothing.
 *
 * @param isCategory its numbers are codes.
 * @returns NaN where it cannot be told: the truth does not vary.
 */
export function strengthOf(values: Float64Array, isCategory: boolean, truth: Float64Array, task: JudgedTask): number {
  if (truth.every(value => value === truth[0])) return Number.NaN
  const bins = isCategory ? codes(values) : quantileBins(values)
  if (task === 'regression') {
    const encoded = halves(bins, truth)
    const byOrder = isCategory ? 0 : Math.abs(spearman(...present(values, truth)))
    return Math.max(byOrder, spearman(encoded, truth))
  }
  const labels = task === 'binary' ? [1] : [...new Set(truth)].sort((a, b) => a - b)
  const columns = labels.map(label => halves(bins, isClass(truth, label)))
  const byBins = task === 'binary' ? rocAuc(truth, columns[0]!) : aucOneVersusRest(renumbered(truth, labels), columns)
  if (isCategory || task !== 'binary') return Math.max(0.5, byBins)
  const [known, knownTruth] = present(values, truth)
  const area = rocAuc(knownTruth, known)
  const byOrder = Number.isNaN(area) ? 0.5 : Math.max(area, 1 - area) * (known.length / values.length)
  return Math.max(0.5, byBins, byOrder)
}

/** The mean of the truth in each row's bin, among the rows of the other half. */
function halves(bins: Int32Array, truth: Float64Array): Float64Array {
  const found = new Float64Array(truth.length)
  const count = 2 + bins.reduce((most, bin) => Math.max(most, bin), -1)
  for (const { train, test } of kFold(truth.length, 2, { seed: 0 })) {
    const [sums, rows] = [new Float64Array(count), new Float64Array(count)]
    let all = 0
    for (const row of train) {
      sums[bins[row]! + 1]! += truth[row]!
      rows[bins[row]! + 1]!++
      all += truth[row]!
    }
    const mean = all / train.length
    for (const row of test) {
      const bin = bins[row]! + 1
      found[row] = (sums[bin]! + PRIOR_ROWS * mean) / (rows[bin]! + PRIOR_ROWS)
    }
  }
  return found
}

function codes(values: Float64Array): Int32Array {
  return Int32Array.from(values, value => (Number.isNaN(value) || value < 0 ? -1 : value))
}

/** The bin of each value; −1 is missing. A value that is frequent has a bin of its own. */
function quantileBins(values: Float64Array): Int32Array {
  const sorted = sortedValues(values)
  const distinct = sorted.filter((value, at) => at === 0 || value !== sorted[at - 1])
  const bounds =
    distinct.length <= BINS
      ? distinct
      : Float64Array.from(new Set(Array.from({ length: BINS }, (_, at) => quantile(sorted, at / BINS)))).sort()
  return Int32Array.from(values, value => {
    if (Number.isNaN(value)) return -1
    let [low, high] = [0, bounds.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (bounds[middle]! <= value) low = middle
      else high = middle
    }
    return low
  })
}

function present(values: Float64Array, truth: Float64Array): [Float64Array, Float64Array] {
  return [values.filter(value => !Number.isNaN(value)), truth.filter((_, row) => !Number.isNaN(values[row]))]
}

function isClass(truth: Float64Array, label: number): Float64Array {
  return truth.map(value => (value === label ? 1 : 0))
}

function renumbered(truth: Float64Array, labels: readonly number[]): Float64Array {
  return truth.map(value => labels.indexOf(value))
}

/** Correlation of the ranks, ties sharing their mean rank (Spearman 1904, doi:10.2307/1412159); 0 where one does not vary. */
export function spearman(a: Float64Array, b: Float64Array): number {
  const [x, y] = [meanRanks(a), meanRanks(b)]
  const middle = (a.length + 1) / 2
  let [products, squaresOfX, squaresOfY] = [0, 0, 0]
  for (let row = 0; row < x.length; row++) {
    const [dx, dy] = [x[row]! - middle, y[row]! - middle]
    products += dx * dy
    squaresOfX += dx * dx
    squaresOfY += dy * dy
  }
  return squaresOfX > 0 && squaresOfY > 0 ? products / Math.sqrt(squaresOfX * squaresOfY) : 0
}

function meanRanks(values: Float64Array): Float64Array {
  const order = Uint32Array.from(values, (_, row) => row).sort((i, j) => values[i]! - values[j]!)
  const ranks = new Float64Array(values.length)
  for (let start = 0; start < order.length; ) {
    let end = start
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++
    for (let at = start; at < end; at++) ranks[order[at]!] = (start + end + 1) / 2
    start = end
  }
  return ranks
}

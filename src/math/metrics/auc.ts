import { requireSameLength } from './confusion.ts'

/**
 * Area under the receiver operating characteristic: the probability that a random positive scores higher than a random
 * negative, ties counting half (the Mann–Whitney statistic; Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747).
 *
 * @param labels 1 is positive, 0 negative.
 * @returns 0 … 1; NaN where a class is absent.
 */
export function rocAuc(labels: Float64Array, scores: Float64Array): number {
  requireSameLength(labels, scores)
  const order = ascending(scores)
  let negativesBelow = 0
  let wins = 0
  let positives = 0
  for (let start = 0; start < order.length; ) {
    const [end, positivesHere] = tie(order, start, labels, scores)
    const negativesHere = end - start - positivesHere
    wins += positivesHere * (negativesBelow + negativesHere / 2)
    negativesBelow += negativesHere
    positives += positivesHere
    start = end
  }
  return positives === 0 || negativesBelow === 0 ? Number.NaN : wins / (positives * negativesBelow)
}

/**
 * Average precision: Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct scores from the highest down; the step-wise area under the
 * precision–recall curve, without interpolation (as scikit-learn's `average_precision_score`).
 *
 * @returns 0 … 1; 0 where there is no positive.
 */
export function averagePrecision(labels: Float64Array, scores: Float64Array): number {
  requireSameLength(labels, scores)
  const order = ascending(scores).reverse()
  let positives = 0
  let area = 0
  for (let start = 0; start < order.length; ) {
    const [end, positivesHere] = tie(order, start, labels, scores)
    positives += positivesHere
    area += positivesHere * (positives / end)
    start = end
  }
  return positives === 0 ? 0 : area / positives
}

function ascending(scores: Float64Array): Uint32Array {
  return Uint32Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!)
}

/** End of the run of equal scores that starts at `start`, and the positives in it. */
function tie(
  order: Uint32Array,
  start: number,
  labels: Float64Array,
  scores: Float64Array,
): [end: number, positives: number] {
  const score = scores[order[start]!]!
  let positives = 0
  let end = start
  for (; end < order.length && scores[order[end]!] === score; end++) positives += labels[order[end]!]!
  if (end === start) throw new RangeError(`Cannot measure: a score is ${score}, wanted a number`)
  return [end, positives]
}

/** How well scores put the items of one query in order. */
import { requireSameLength } from './confusion.ts'

/**
 * Discounted cumulative gain, Σ relevance / log₂(place + 1) over the first `k` places; items with equal scores share the
 * mean of their places (Järvelin and Kekäläinen 2002, doi:10.1145/582415.582418; McSherry and Najork 2008).
 *
 * @param k all places unless it is said.
 */
export function dcg(relevance: ArrayLike<number>, scores: ArrayLike<number>, k: number = relevance.length): number {
  requireSameLength(relevance, scores)
  const order = descending(scores)
  let gain = 0
  for (let start = 0; start < Math.min(k, order.length); ) {
    let [end, here, discount] = [start, 0, 0]
    for (; end < order.length && scores[order[end]!] === scores[order[start]!]; end++) {
      here += relevance[order[end]!]!
      if (end < k) discount += 1 / Math.log2(end + 2)
    }
    gain += (here / (end - start)) * discount
    start = end
  }
  return gain
}

/** `dcg` as a share of the best possible: 0 … 1 for relevances of 0 or more; 0 where nothing is relevant. */
export function ndcg(relevance: ArrayLike<number>, scores: ArrayLike<number>, k: number = relevance.length): number {
  const best = dcg(relevance, relevance, k)
  return best === 0 ? 0 : dcg(relevance, scores, k) / best
}

/**
 * Mean over the relevant items of the share of relevant ones among those that score at least as high (label ranking average
 * precision; Tsoumakas, Katakis and Vlahavas 2010). 1 is perfect, and also the answer where none or all are relevant.
 *
 * @param relevant 1 or more is relevant, 0 not.
 */
export function rankingAveragePrecision(relevant: ArrayLike<number>, scores: ArrayLike<number>): number {
  requireSameLength(relevant, scores)
  const order = descending(scores)
  let [found, area] = [0, 0]
  for (let start = 0; start < order.length; ) {
    let [end, here] = [start, 0]
    for (; end < order.length && scores[order[end]!] === scores[order[start]!]; end++) {
      if (relevant[order[end]!]! > 0) here++
    }
    found += here
    area += here * (found / end)
    start = end
  }
  return found === 0 ? 1 : area / found
}

function descending(scores: ArrayLike<number>): Uint32Array {
  for (let at = 0; at < scores.length; at++) {
    if (Number.isNaN(scores[at])) throw new RangeError(`Cannot rank: a score is ${scores[at]}, wanted a number`)
  }
  return Uint32Array.from(scores, (_, at) => at).sort((i, j) => scores[j]! - scores[i]!)
}

/** Ranks of two samples put together. */
export interface PooledRanks {
  /** Ranks of each sample's values in ascending order; values that are equal share the mean of their ranks. */
  readonly a: Float64Array
  readonly b: Float64Array
  /** Σ t³ − t over runs of t equal values: what ties take from the variance of rank sums. */
  readonly ties: number
}

/** @throws RangeError where a value is NaN. */
export function pooledRanks(a: ArrayLike<number>, b: ArrayLike<number>): PooledRanks {
  const [x, y] = [Float64Array.from(a).sort(), Float64Array.from(b).sort()]
  // NaN comes last.
  if (Number.isNaN(x.at(-1)) || Number.isNaN(y.at(-1))) {
    throw new RangeError('Cannot rank samples: a value is NaN, wanted numbers')
  }
  const [ranksOfX, ranksOfY] = [new Float64Array(x.length), new Float64Array(y.length)]
  let [i, j, ties] = [0, 0, 0]
  while (i < x.length || j < y.length) {
    const value = Math.min(x[i] ?? Infinity, y[j] ?? Infinity)
    const [firstX, firstY] = [i, j]
    while (i < x.length && x[i] === value) i++
    while (j < y.length && y[j] === value) j++
    const run = i - firstX + j - firstY
    const rank = (firstX + firstY + 1 + i + j) / 2
    ranksOfX.fill(rank, firstX, i)
    ranksOfY.fill(rank, firstY, j)
    ties += run ** 3 - run
  }
  return { a: ranksOfX, b: ranksOfY, ties }
}

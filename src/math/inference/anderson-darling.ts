/** The k-sample Anderson–Darling test for two samples. */

/**
 * Upper critical values of the standardised statistic, and their levels: b₀ + b₁ / √(k − 1) + b₂ / (k − 1) of Scholz and Stephens
 * 1987, table 2, for two samples.
 */
const CRITICAL = [
  0.675 - 0.245 - 0.105,
  1.281 + 0.25 - 0.305,
  1.645 + 0.678 - 0.362,
  1.96 + 1.149 - 0.391,
  2.326 + 1.822 - 0.396,
  2.573 + 2.364 - 0.345,
  3.085 + 3.615 - 0.154,
]
const LEVELS = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001]

export interface AndersonDarlingResult {
  /** Standardised: mean 0 and variance 1 where both samples come from one distribution. */
  readonly statistic: number
  /** Between the published levels by straight lines of its logarithm; 0.25 and 0.001 mean «or more» and «or less». */
  readonly pValue: number
}

/**
 * Two-sample Anderson–Darling test with midranks: like Cramér–von Mises, but differences in the tails weigh more (Scholz and
 * Stephens 1987, doi:10.1080/01621459.1987.10478517).
 *
 * @throws RangeError where the samples have fewer than four values together, one is empty, all values are equal, or one is NaN.
 */
export function andersonDarling(a: ArrayLike<number>, b: ArrayLike<number>): AndersonDarlingResult {
  const [x, y] = [Float64Array.from(a).sort(), Float64Array.from(b).sort()]
  const all = x.length + y.length
  if (x.length === 0 || y.length === 0 || all < 4) {
    throw new RangeError(`Cannot compare samples of ${x.length} and ${y.length} values: wanted four together`)
  }
  if (Number.isNaN(x.at(-1)) || Number.isNaN(y.at(-1))) {
    throw new RangeError('Cannot compare samples: a value is NaN, wanted numbers')
  }
  if (Math.min(x[0]!, y[0]!) === Math.max(x.at(-1)!, y.at(-1)!)) {
    throw new RangeError('Cannot compare samples: all values are equal')
  }
  const statistic = (distance(x, y) - 1) / Math.sqrt(variance(x.length, y.length))
  return { statistic, pValue: pValueOf(statistic) }
}

/** Equation 7 of the paper. */
function distance(x: Float64Array, y: Float64Array): number {
  const [n, m] = [x.length, y.length]
  const all = n + m
  let [i, j, sumX, sumY] = [0, 0, 0, 0]
  while (i < n || j < m) {
    const value = Math.min(x[i] ?? Infinity, y[j] ?? Infinity)
    const [firstX, firstY] = [i, j]
    while (i < n && x[i] === value) i++
    while (j < m && y[j] === value) j++
    const ties = i - firstX + j - firstY
    const below = firstX + firstY + ties / 2
    const weight = ties / all / (below * (all - below) - (all * ties) / 4)
    // A value that is shared by all has no weight, and nothing to weigh.
    if (!Number.isFinite(weight)) continue
    sumX += weight * ((all * (firstX + i)) / 2 - below * n) ** 2
    sumY += weight * ((all * (firstY + j)) / 2 - below * m) ** 2
  }
  return ((sumX / n + sumY / m) * (all - 1)) / all
}

/** Equation 4 of the paper, for two samples. */
function variance(n: number, m: number): number {
  const all = n + m
  const reciprocals = 1 / n + 1 / m
  let h = 0
  let g = 0
  for (let at = all - 1; at >= 1; at--) {
    // Σ over i < j of 1 / ((N − i) j), the inner sum first.
    if (at <= all - 2) g += h / (all - at)
    h += 1 / at
  }
  const a = 4 * g - 6 + (10 - 6 * g) * reciprocals
  const b = (2 * g - 4) * 4 + 16 * h + (2 * g - 14 * h - 4) * reciprocals - 8 * h + 4 * g - 6
  const c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * reciprocals + 4 * h
  const d = (2 * h + 6) * 4 - 8 * h
  return (a * all ** 3 + b * all ** 2 + c * all + d) / ((all - 1) * (all - 2) * (all - 3))
}

function pValueOf(statistic: number): number {
  const above = CRITICAL.findIndex(critical => critical > statistic)
  if (above <= 0) return above === 0 ? LEVELS[0]! : LEVELS.at(-1)!
  const [low, high] = [CRITICAL[above - 1]!, CRITICAL[above]!]
  const share = (statistic - low) / (high - low)
  return Math.exp((1 - share) * Math.log(LEVELS[above - 1]!) + share * Math.log(LEVELS[above]!))
}

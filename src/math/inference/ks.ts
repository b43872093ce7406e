import { kolmogorovUpperOf } from '../distributions/kolmogorov.ts'

/** What is held against «both samples come from one distribution»: that F differs from G, is less than it, or greater, somewhere. */
export type Alternative = 'two-sided' | 'less' | 'greater'

export interface KsResult {
  /** The greatest distance of the two distribution functions, 0 … 1; for one side, the greatest excess on it. */
  readonly statistic: number
  readonly pValue: number
  /** A value at which the distance is reached. */
  readonly location: number
  /** 1 where the first sample's distribution function is the greater one there, −1 where it is the smaller. */
  readonly sign: 1 | -1
  readonly method: 'exact' | 'asymptotic'
}

export interface KsOptions {
  readonly alternative?: Alternative
  /** `auto`: exact up to `PATHS_MAX` pairs of rows. */
  readonly method?: 'auto' | 'exact' | 'asymptotic'
}

/** An exact p-value takes time in proportion to n · m; this is some hundredths of a second. */
const PATHS_MAX = 10_000_000

/**
 * Two-sample Kolmogorov–Smirnov test (Smirnov 1939; Hodges 1958, doi:10.1007/BF02589501). The p-values are those of continuous
 * values, and too large (safe) where values repeat. `less` asks whether the first sample's distribution function lies below
 * (its values tend to be greater).
 *
 * @param a values in any order. @param b likewise.
 * @returns statistic NaN where a sample is empty.
 * @throws RangeError where a value is NaN.
 */
export function ks(a: ArrayLike<number>, b: ArrayLike<number>, options: KsOptions = {}): KsResult {
  const { alternative = 'two-sided', method = 'auto' } = options
  const [x, y] = [ascending(a), ascending(b)]
  if (x.length === 0 || y.length === 0) {
    return { statistic: Number.NaN, pValue: Number.NaN, location: Number.NaN, sign: 1, method: 'asymptotic' }
  }
  const found = distance(x, y, alternative)
  const isExact = method === 'exact' || (method === 'auto' && x.length * y.length <= PATHS_MAX)
  const pValue = isExact
    ? exact(x.length, y.length, found.statistic, alternative)
    : asymptotic(x.length, y.length, found.statistic, alternative)
  return { ...found, pValue, method: isExact ? 'exact' : 'asymptotic' }
}

/**
 * One-sample Kolmogorov–Smirnov test, two-sided: do the values come from a continuous distribution that was fixed without
 * looking at them? (Fitted parameters make the p-value too large.)
 *
 * @param lower the distribution function.
 */
export function ksOneSample(
  values: ArrayLike<number>,
  lower: (x: number) => number,
): { readonly statistic: number; readonly pValue: number } {
  const sorted = ascending(values)
  const n = sorted.length
  let statistic = n === 0 ? Number.NaN : 0
  for (let index = 0; index < n; index++) {
    const share = lower(sorted[index]!)
    statistic = Math.max(statistic, (index + 1) / n - share, share - index / n)
  }
  return { statistic, pValue: kolmogorovUpperOf(n, statistic) }
}

function ascending(values: ArrayLike<number>): Float64Array {
  const sorted = Float64Array.from(values).sort()
  // NaN comes last.
  if (Number.isNaN(sorted.at(-1))) throw new RangeError('Cannot compare samples: a value is NaN, wanted numbers')
  return sorted
}

type Distance = Pick<KsResult, 'statistic' | 'location' | 'sign'>

function distance(x: Float64Array, y: Float64Array, alternative: Alternative): Distance {
  let above: Distance = { statistic: -Infinity, location: Number.NaN, sign: 1 }
  let below: Distance = { statistic: -Infinity, location: Number.NaN, sign: -1 }
  let [i, j] = [0, 0]
  while (i < x.length || j < y.length) {
    const location = Math.min(x[i] ?? Infinity, y[j] ?? Infinity)
    while (i < x.length && x[i] === location) i++
    while (j < y.length && y[j] === location) j++
    const excess = i / x.length - j / y.length
    if (excess > above.statistic) above = { statistic: excess, location, sign: 1 }
    if (-excess > below.statistic) below = { statistic: -excess, location, sign: -1 }
  }
  const side =
    alternative === 'less' || (alternative === 'two-sided' && below.statistic > above.statistic) ? below : above
  return { ...side, statistic: Math.max(0, side.statistic) }
}

/**
 * Share of all orders of n + m values in which the path of the two counts strays as far as was seen: the probability that a
 * random path to (i, j) has, from those of its two predecessors. Sums of positive numbers keep their digits for any p-value
 * (Schröer and Trenkler 1995, doi:10.1016/0167-9473(94)00040-P, turned to the upper tail).
 */
function exact(n: number, m: number, statistic: number, alternative: Alternative): number {
  // Of multiples of 1 / nm, free of rounding.
  const far = Math.round(statistic * n * m)
  if (far === 0) return 1
  const isOutside = (i: number, j: number): boolean => {
    const excess = i * m - j * n
    if (alternative === 'two-sided') return Math.abs(excess) >= far
    return alternative === 'greater' ? excess >= far : -excess >= far
  }
  const strays = new Float64Array(m + 1)
  for (let j = 1; j <= m; j++) strays[j] = isOutside(0, j) ? 1 : strays[j - 1]!
  for (let i = 1; i <= n; i++) {
    if (isOutside(i, 0)) strays[0] = 1
    for (let j = 1; j <= m; j++) {
      strays[j] = isOutside(i, j) ? 1 : (i * strays[j]! + j * strays[j - 1]!) / (i + j)
    }
  }
  return strays[m]!
}

function asymptotic(n: number, m: number, statistic: number, alternative: Alternative): number {
  const [many, few] = [Math.max(n, m), Math.min(n, m)]
  const effective = (many / (many + few)) * few
  if (alternative === 'two-sided') return kolmogorovUpperOf(Math.max(1, roundHalfEven(effective)), statistic)
  // Hodges 1958, equation 5.3
  const z = Math.sqrt(effective) * statistic
  const correction = (2 * z * (many + 2 * few)) / Math.sqrt(many * few * (many + few)) / 3
  return Math.min(1, Math.exp(-2 * z * z - correction))
}

/** As NumPy rounds, so that a p-value is the one that SciPy shows. */
function roundHalfEven(x: number): number {
  const whole = Math.floor(x)
  return x - whole === 0.5 ? whole + (whole % 2) : Math.round(x)
}

import { isDone, nonZero, PARAMETER_MAX, type Tails } from './gamma.ts'
import { halfDeviance, stirlingError } from './saddle-point.ts'

/** Below, the fraction converges too slowly. */
const PARAMETER_MIN = 1e-3

/**
 * Regularised incomplete beta function I(x; a, b) and its complement: the tails of a beta distribution (DLMF 8.17; the
 * continued fraction of DiDonato and Morris 1992, equation 9, doi:10.1145/131766.131776, on the side of the mean where it
 * converges fast).
 *
 * @param a 10⁻³ or more. @param b likewise; together no more than 10¹².
 * @param x 0 … 1. @param rest 1 − x, by whoever can tell it without cancellation.
 * @returns NaN outside.
 */
export function betaTails(a: number, b: number, x: number, rest: number = 1 - x): Tails {
  if (!areParameters(a, b) || Number.isNaN(x)) return { lower: Number.NaN, upper: Number.NaN }
  if (x <= 0) return { lower: 0, upper: 1 }
  if (rest <= 0) return { lower: 1, upper: 0 }
  // (a + b) times how far x is below the mean
  const below = a * rest - b * x
  const power = powers(a, b, x, rest, below)
  if (below >= 0) {
    const lower = Math.min(1, power / fraction(a, b, x, below))
    return { lower, upper: 1 - lower }
  }
  const upper = Math.min(1, power / fraction(b, a, rest, -below))
  return { lower: 1 - upper, upper }
}

function areParameters(a: number, b: number): boolean {
  return a >= PARAMETER_MIN && b >= PARAMETER_MIN && a + b <= PARAMETER_MAX
}

/** xᵃ (1 − x)ᵇ / B(a, b) */
function powers(a: number, b: number, x: number, rest: number, below: number): number {
  const n = a + b
  const log =
    stirlingError(n) -
    stirlingError(a) -
    stirlingError(b) -
    halfDeviance(a, n * x, below) -
    halfDeviance(b, n * rest, -below)
  return Math.exp(log) * Math.sqrt(n / (2 * Math.PI * a * b)) * ((a / n) * b)
}

/** By Lentz's method as Thompson and Barnett (1986) modified it. */
function fraction(a: number, b: number, x: number, below: number): number {
  let value = (a * (below + 1)) / (a + 1)
  let c = value
  let d = 0
  for (let m = 1; ; m++) {
    const at = a + 2 * m - 1
    const above = ((a + m - 1) * (a + b + m - 1) * m * (b - m) * x * x) / (at * at)
    const beside = m + (m * (b - m) * x) / at + ((a + m) * (below + 1 + m * (2 - x))) / (at + 2)
    d = 1 / nonZero(beside + above * d)
    c = nonZero(beside + above / c)
    const change = d * c
    value *= change
    if (isDone(change)) return value
  }
}

/**
 * The x below which a beta variable is with probability `p`; within 1e−14 of it in relative terms or of the nearer end.
 *
 * @param p 0 … 1. @param a 10⁻³ or more. @param b likewise; together no more than 10¹².
 * @returns 0 … 1; NaN where the arguments are outside.
 */
export function betaQuantile(p: number, a: number, b: number): number {
  if (!(p >= 0 && p <= 1 && areParameters(a, b))) return Number.NaN
  if (p === 0 || p === 1) return p
  // On the log-odds of x the distribution has no ends, and both tails keep their digits.
  const odds = rising(
    t => {
      const { lower, upper } = betaTails(a, b, 1 / (1 + Math.exp(-t)), 1 / (1 + Math.exp(t)))
      return lower < upper ? Math.log(lower / p) : -Math.log(upper / (1 - p))
    },
    Math.log(a / b),
  )
  return 1 / (1 + Math.exp(-odds))
}

/** Where a function that rises from below zero to above it, crosses: brackets by doubling, then halves with regula falsi (Illinois). */
export function rising(f: (x: number) => number, start: number): number {
  let [low, high] = [start - 1, start + 1]
  for (let step = 2; f(low) > 0; step *= 2) low -= step
  for (let step = 2; f(high) < 0; step *= 2) high += step
  let [atLow, atHigh] = [f(low), f(high)]
  for (let round = 0; round < 200 && high - low > 1e-15 * Math.max(Math.abs(low), Math.abs(high)); round++) {
    const guess = (low * atHigh - high * atLow) / (atHigh - atLow)
    // Every third step halves: no shape of function makes it crawl.
    const x = round % 3 < 2 && guess > low && guess < high ? guess : (low + high) / 2
    if (x <= low || x >= high) break
    const at = f(x)
    if (at === 0) return x
    if (at < 0) {
      ;[low, atLow] = [x, at]
      atHigh /= 2
    } else {
      ;[high, atHigh] = [x, at]
      atLow /= 2
    }
  }
  return (low + high) / 2
}

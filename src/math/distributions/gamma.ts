import { halfDeviance, stirlingError } from './saddle-point.ts'

/** Both tails of a distribution at one point; each keeps its own relative accuracy where it is small. */
export interface Tails {
  readonly lower: number
  readonly upper: number
}

/** Below the smallest ratio that a continued fraction may reach, so that it does not divide by zero (Lentz 1976). */
const TINY = 1e-300
/** Sums take time in proportion to the root of their parameter: here, some hundredths of a second. */
export const PARAMETER_MAX = 1e12

/**
 * Regularised incomplete gamma functions P(shape, x) and Q(shape, x): the tails of a gamma distribution of scale 1 (DLMF 8.2,
 * 8.9; series below the mean, continued fraction above it).
 *
 * @param shape 0 < shape ≤ 10¹².
 * @param x ≥ 0.
 * @returns NaN outside.
 */
export function gammaTails(shape: number, x: number): Tails {
  if (!(shape > 0 && shape <= PARAMETER_MAX) || Number.isNaN(x)) return { lower: Number.NaN, upper: Number.NaN }
  if (x <= 0) return { lower: 0, upper: 1 }
  if (x === Infinity) return { lower: 1, upper: 0 }
  // x^shape e^−x / Γ(shape + 1)
  const scale = Math.exp(-stirlingError(shape) - halfDeviance(shape, x)) / Math.sqrt(2 * Math.PI * shape)
  if (x < shape + 1) {
    const lower = Math.min(1, scale * series(shape, x))
    return { lower, upper: 1 - lower }
  }
  const upper = Math.min(1, scale * shape * fraction(shape, x))
  return { lower: 1 - upper, upper }
}

/** Σ xᵏ / ((shape + 1) … (shape + k)) */
function series(shape: number, x: number): number {
  let term = 1
  let sum = 1
  for (let at = shape + 1; term > sum * 1e-17; at++) {
    term *= x / at
    sum += term
  }
  return sum
}

/** DLMF 8.9.2, by Lentz's method as Thompson and Barnett (1986) modified it. */
function fraction(shape: number, x: number): number {
  let b = x + 1 - shape
  let c = 1 / TINY
  let d = 1 / b
  let value = d
  for (let k = 1; ; k++) {
    const a = -k * (k - shape)
    b += 2
    d = 1 / nonZero(a * d + b)
    c = nonZero(b + a / c)
    const change = d * c
    value *= change
    if (isDone(change)) return value
  }
}

/** Whether a factor of a continued fraction is 1, but for rounding, which may go on for ever. */
export function isDone(factor: number): boolean {
  return !(Math.abs(factor - 1) > 3e-16)
}

/** The number, or one so small that it makes no difference, where zero would be divided by. */
export function nonZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value
}

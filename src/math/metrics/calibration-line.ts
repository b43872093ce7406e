/** Whether probabilities are what happens, by a line through their log-odds and by one test. */
import { normalLower, normalQuantile } from '../distributions/normal.ts'
import { type Estimate, LEVEL, requireLevel } from '../inference/estimate.ts'
import { requireSameLength } from './confusion.ts'

export interface CalibrationLine {
  /** Of the log-odds: 1 is right, less means that probabilities are too extreme (as of an overfitted model). */
  readonly slope: Estimate
  /** What to add to the log-odds where the slope is left at 1: 0 is right, more means that probabilities are too low. */
  readonly inTheLarge: Estimate
}

const ROUNDS_MAX = 100
/** Log-odds of certain answers, cut as those of `logLoss`. */
const LOG_ODDS_MAX = Math.log((1 - Number.EPSILON) / Number.EPSILON)

/**
 * Cox's recalibration (1958, doi:10.1093/biomet/45.3-4.562; Van Calster et al. 2019, doi:10.1186/s12916-019-1466-7): the
 * logistic regression of what happened on the log-odds of what was said, with Wald's intervals.
 *
 * @param labels 1 is positive, 0 negative.
 * @param probabilities of the positive class, 0 … 1.
 * @returns undefined where the line does not exist: a class is absent, all answers are equal, or a threshold tells the classes
 * apart without error.
 */
export function calibrationLine(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  level: number = LEVEL,
): CalibrationLine | undefined {
  requireLevel(level)
  requireSameLength(labels, probabilities)
  const odds = Float64Array.from(probabilities, logOdds)
  const line = fit(labels, odds, true)
  const shift = fit(labels, odds, false)
  if (line === undefined || shift === undefined) return undefined
  const z = normalQuantile((1 + level) / 2)
  const estimate = (value: number, error: number): Estimate => ({
    value,
    low: value - z * error,
    high: value + z * error,
    level,
    method: 'Wald of the logistic regression',
    n: labels.length,
  })
  return { slope: estimate(line.slope, line.slopeError), inTheLarge: estimate(shift.shift, shift.shiftError) }
}

/**
 * Spiegelhalter's test (1986, doi:10.1002/sim.4780050506): Brier's score against what it would be, were the probabilities
 * right.
 *
 * @returns z, standard normal where they are right, and its two-sided p-value; NaN where every answer is 0, ½ or 1.
 */
export function spiegelhalter(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): { readonly z: number; readonly pValue: number } {
  requireSameLength(labels, probabilities)
  let [off, variance] = [0, 0]
  for (let row = 0; row < labels.length; row++) {
    const p = probabilities[row]!
    off += ((labels[row] === 1 ? 1 : 0) - p) * (1 - 2 * p)
    variance += (1 - 2 * p) ** 2 * p * (1 - p)
  }
  const z = variance > 0 ? off / Math.sqrt(variance) : Number.NaN
  return { z, pValue: 2 * normalLower(-Math.abs(z)) }
}

function logOdds(probability: number): number {
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(`Cannot judge calibration: an answer is ${probability}, wanted a probability`)
  }
  return Math.min(Math.max(Math.log(probability / (1 - probability)), -LOG_ODDS_MAX), LOG_ODDS_MAX)
}

interface Fit {
  readonly slope: number
  readonly slopeError: number
  readonly shift: number
  readonly shiftError: number
}

/** Maximum likelihood by Newton's method, steps halved while they do not help; the slope is left at 1 unless it is `free`. */
function fit(labels: ArrayLike<number>, odds: Float64Array, free: boolean): Fit | undefined {
  let [shift, slope] = [0, 1]
  let before = deviance(labels, odds, shift, slope)
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { g0, g1, h00, h01, h11 } = derivatives(labels, odds, shift, slope)
    const determinant = free ? h00 * h11 - h01 * h01 : h00
    // Too flat to hold a maximum: the classes are apart, or the answers all equal.
    if (!(determinant > 1e-10 * (free ? h00 * h11 : 1))) return undefined
    const stepOfShift = free ? (h11 * g0 - h01 * g1) / determinant : g0 / h00
    const stepOfSlope = free ? (h00 * g1 - h01 * g0) / determinant : 0
    const size = Math.abs(stepOfShift) + Math.abs(stepOfSlope)
    if (size < 1e-10 * (1 + Math.abs(shift) + Math.abs(slope))) {
      const [slopeError, shiftError] = free
        ? [Math.sqrt(h00 / determinant), Math.sqrt(h11 / determinant)]
        : [0, Math.sqrt(1 / h00)]
      return { slope, slopeError, shift, shiftError }
    }
    let share = 1
    let now = deviance(labels, odds, shift + stepOfShift, slope + stepOfSlope)
    while (!(now <= before * (1 + 1e-12)) && share > 1e-6) {
      share /= 2
      now = deviance(labels, odds, shift + share * stepOfShift, slope + share * stepOfSlope)
    }
    shift += share * stepOfShift
    slope += share * stepOfSlope
    before = now
  }
  return undefined
}

function derivatives(
  labels: ArrayLike<number>,
  odds: Float64Array,
  shift: number,
  slope: number,
): { g0: number; g1: number; h00: number; h01: number; h11: number } {
  let [g0, g1, h00, h01, h11] = [0, 0, 0, 0, 0]
  for (let row = 0; row < odds.length; row++) {
    const x = odds[row]!
    const p = 1 / (1 + Math.exp(-(shift + slope * x)))
    const off = (labels[row] === 1 ? 1 : 0) - p
    const weight = p * (1 - p)
    g0 += off
    g1 += off * x
    h00 += weight
    h01 += weight * x
    h11 += weight * x * x
  }
  return { g0, g1, h00, h01, h11 }
}

function deviance(labels: ArrayLike<number>, odds: Float64Array, shift: number, slope: number): number {
  let sum = 0
  for (let row = 0; row < odds.length; row++) {
    const eta = (labels[row] === 1 ? 1 : -1) * (shift + slope * odds[row]!)
    sum += Math.max(0, -eta) + Math.log1p(Math.exp(-Math.abs(eta)))
  }
  return sum
}

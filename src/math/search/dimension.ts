/**
 * One axis of a space that is searched. Values are numbers as a trial gets them; a choice is the number of its place in the
 * list, from 0. Models of the space work on the *axis* of a dimension: its logarithm where it says so, and half a step beyond
 * both ends where it goes in steps, so that the values at the ends are as likely as those between.
 */
export type Dimension = RangeDimension | ChoiceDimension

export interface RangeDimension {
  readonly kind: 'range'
  readonly low: number
  /** Not below `low`; with a step, a whole number of steps from it. */
  readonly high: number
  readonly log: boolean
  /** Undefined: every number of the range. */
  readonly step: number | undefined
}

export interface ChoiceDimension {
  readonly kind: 'choice'
  readonly count: number
}

/** Where the axis of a range begins and ends. */
export function axisOf({ low, high, log, step = 0 }: RangeDimension): { readonly from: number; readonly to: number } {
  const [from, to] = [low - step / 2, high + step / 2]
  return log ? { from: Math.log(from), to: Math.log(to) } : { from, to }
}

/** The place of a value on the axis of its range. */
export function toAxis({ log }: RangeDimension, value: number): number {
  return log ? Math.log(value) : value
}

/** The value of the range that is nearest to a place on its axis, and never beyond its ends. */
export function fromAxis({ low, high, log, step }: RangeDimension, place: number): number {
  const raw = log ? Math.exp(place) : place
  if (step === undefined) return Math.min(high, Math.max(low, raw))
  const steps = Math.min(Math.round((high - low) / step), Math.max(0, Math.round((raw - low) / step)))
  return onGrid(low, step, steps)
}

/**
 * `low + steps × step` without the dust that sums of decimal fractions gather: 0.1 + 2 × 0.1 is 0.3. Where a step is so small that
 * 14 digits do not tell it, the sum as it is.
 */
export function onGrid(low: number, step: number, steps: number): number {
  const value = low + steps * step
  if (steps === 0 || (Number.isInteger(low) && Number.isInteger(step))) return value
  const short = Number(value.toPrecision(14))
  return Math.abs(short - value) < step * 1e-3 ? short : value
}

/** The value at a share of a dimension's length, 0 ≤ `share` < 1. */
export function fromUnit(dimension: Dimension, share: number): number {
  if (dimension.kind === 'choice') return Math.min(dimension.count - 1, Math.floor(share * dimension.count))
  const { from, to } = axisOf(dimension)
  return fromAxis(dimension, from + share * (to - from))
}

/** The share at which a value lies; of a choice and of a step, the middle of what belongs to it. */
export function toUnit(dimension: Dimension, value: number): number {
  if (dimension.kind === 'choice') return (value + 0.5) / dimension.count
  const { from, to } = axisOf(dimension)
  return to === from ? 0.5 : (toAxis(dimension, value) - from) / (to - from)
}

/** Whether a dimension has one value only. */
export function isFixed(dimension: Dimension): boolean {
  return dimension.kind === 'choice' ? dimension.count === 1 : dimension.low === dimension.high
}

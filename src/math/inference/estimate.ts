/** An estimate with its interval of confidence. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
  /** Share of such intervals that hold the true value, such as 0.95. */
  readonly level: number
  /** How the interval was made, as `docs/statistics.md` names it. */
  readonly method: string
  /** Observations that the value rests on. */
  readonly n: number
}

export const LEVEL = 0.95

/** Throws a `RangeError` unless the level is between 0 and 1. */
export function requireLevel(level: number): void {
  if (!(level > 0 && level < 1))
    throw new RangeError(`Cannot make an interval: level is ${level}, wanted 0 < level < 1`)
}

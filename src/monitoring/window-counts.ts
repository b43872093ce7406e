/**
 * What was counted of a version in a window: traffic, latency, refusals, and how the values of its columns fell into the
 * bins of its reference profile. Windows of one version are added up slot by slot.
 */

export interface ColumnCounts {
  readonly name: string
  readonly kind: 'feature' | 'output'
  /** By slot, as `binning(profile)` numbers them. */
  readonly counts: readonly number[]
}

export interface WindowCounts {
  readonly model: string
  /** Empty for what was refused before a version was chosen. */
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly from: number
  /** Exclusive; of the last N predictions, the time of the last one. */
  readonly to: number
  /** Predictions: a batch of ten is ten. */
  readonly rows: number
  /** Answered calls: a batch is one. */
  readonly invocations: number
  /** Calls that were not answered, by `ProblemCode`. None are counted with the last N predictions. */
  readonly refusals: Readonly<Record<string, number>>
  /** Predictions by bucket of `LATENCY_LOWERS`, from the door to the record. */
  readonly latency: readonly number[]
  /** The columns of the reference profile that are not sensitive, features first; none without a profile. */
  readonly columns: readonly ColumnCounts[]
}

/** Each bound is so many times the one before: a bucket's middle is off by 2 % at most. */
const GROWTH = 1.04
const LATENCY_MS_MIN = 0.01
const LATENCY_MS_MAX = 600_000

/**
 * Lower bounds of the latency buckets, milliseconds, ascending. Stored counts rely on them: they never change. Made by
 * multiplication alone, so that all machines make the same ones.
 */
export const LATENCY_LOWERS: readonly number[] = latencyLowers()

function latencyLowers(): number[] {
  const lowers = [0]
  for (let bound = LATENCY_MS_MIN; bound < LATENCY_MS_MAX; bound *= GROWTH) lowers.push(Number(bound.toPrecision(6)))
  return lowers
}

import { studentQuantile, studentUpper } from '../distributions/student-t.ts'
import { LEVEL, requireLevel } from './estimate.ts'
import { momentsOf } from './moments.ts'

export interface TTestOptions {
  /** `welch` (the default) does not take the variances for equal; `student` does. */
  readonly variances?: 'welch' | 'student'
  /** Held against equal means: they differ; the first is less, or greater. */
  readonly alternative?: 'two-sided' | 'less' | 'greater'
  readonly level?: number
}

export interface TTestResult {
  readonly statistic: number
  readonly degreesOfFreedom: number
  readonly pValue: number
  /** Of the means, the first less the second, with its interval: open to one side for a one-sided alternative. */
  readonly difference: number
  readonly low: number
  readonly high: number
}

/**
 * Two-sample t test of equal means (Student 1908; Welch 1947, doi:10.1093/biomet/34.1-2.28).
 *
 * @param a two values or more. @param b likewise.
 * @throws RangeError for smaller samples.
 */
export function tTest(a: ArrayLike<number>, b: ArrayLike<number>, options: TTestOptions = {}): TTestResult {
  const { variances = 'welch', alternative = 'two-sided', level = LEVEL } = options
  requireLevel(level)
  if (a.length < 2 || b.length < 2) {
    throw new RangeError(`Cannot compare means: samples have ${a.length} and ${b.length} values, wanted two each`)
  }
  const [x, y] = [momentsOf(a.length, index => a[index]!), momentsOf(b.length, index => b[index]!)]
  const [ofX, ofY] = [x.variance / x.n, y.variance / y.n]
  const pooled = ((x.n - 1) * x.variance + (y.n - 1) * y.variance) / (x.n + y.n - 2)
  const isWelch = variances === 'welch'
  const error = Math.sqrt(isWelch ? ofX + ofY : pooled * (1 / x.n + 1 / y.n))
  // Satterthwaite's
  const welch = (ofX + ofY) ** 2 / (ofX ** 2 / (x.n - 1) + ofY ** 2 / (y.n - 1))
  const degreesOfFreedom = isWelch && error > 0 ? welch : x.n + y.n - 2
  const difference = x.mean - y.mean
  const statistic = difference / error
  const reach = (p: number): number => studentQuantile(p, degreesOfFreedom) * error
  const half = alternative === 'two-sided' ? reach((1 + level) / 2) : reach(level)
  return {
    statistic,
    degreesOfFreedom,
    pValue: pValueOf(statistic, degreesOfFreedom, alternative),
    difference,
    low: alternative === 'less' ? -Infinity : difference - half,
    high: alternative === 'greater' ? Infinity : difference + half,
  }
}

function pValueOf(
  statistic: number,
  degreesOfFreedom: number,
  alternative: NonNullable<TTestOptions['alternative']>,
): number {
  if (alternative === 'two-sided') return Math.min(1, 2 * studentUpper(Math.abs(statistic), degreesOfFreedom))
  return studentUpper(alternative === 'greater' ? statistic : -statistic, degreesOfFreedom)
}

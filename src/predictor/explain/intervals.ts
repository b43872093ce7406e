/** The intervals that local effects are added up over. */
import type { Background } from '../explainer.ts'

export function columnOf({ rows, count }: Background, feature: number, width: number): Float64Array {
  return Float64Array.from({ length: count }, (_, row) => rows[row * width + feature]!)
}

/**
 * The least value and the quantiles by which ALEPlot divides (type 1 of Hyndman and Fan: always a value of the sample).
 *
 * @param sorted ascending, finite.
 */
export function intervalEnds(sorted: Float64Array, intervals: number): Float64Array {
  if (!(Number.isInteger(intervals) && intervals >= 1)) throw problem(`${intervals} intervals, wanted at least 1`)
  const ends = Array.from(
    { length: intervals },
    (_, at) => sorted[Math.ceil((sorted.length * (at + 1)) / intervals) - 1]!,
  )
  return Float64Array.from(new Set([...sorted.subarray(0, 1), ...ends]))
}

/** The interval above `ends[n − 1]` and up to `ends[n]`; the first also has its lower end. */
export function intervalOf(ends: Float64Array, value: number): number | undefined {
  if (!(value >= ends[0]! && value <= ends.at(-1)!)) return undefined
  let [low, high] = [1, ends.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (value <= ends[middle]!) high = middle
    else low = middle + 1
  }
  return low
}

export function requireTwo(values: number): void {
  if (values < 2) throw problem(`the feature takes ${values} values, wanted at least 2`)
}

function problem(detail: string): RangeError {
  return new RangeError(`Cannot compute local effects: ${detail}`)
}

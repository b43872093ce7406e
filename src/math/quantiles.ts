/** Sample quantiles (Hyndman and Fan 1996, doi:10.1080/00031305.1996.10473566). */

/**
 * Quantile with linear interpolation between order statistics (type 7: NumPy's and R's default).
 *
 * @param sorted ascending, without NaN.
 * @param p 0 … 1.
 * @returns NaN for an empty sample.
 */
export function quantile(sorted: Float64Array, p: number): number {
  const at = position(sorted, p)
  const low = Math.floor(at)
  const [a, b] = [sorted[low] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN]
  // From the nearer end, as NumPy does: b − a may lose the last digits of either.
  const share = at - low
  return share < 0.5 ? a + (b - a) * share : b - (b - a) * (1 - share)
}

/** The order statistic at or below the same position: always a value of the sample (NumPy's `lower`). */
export function lowerQuantile(sorted: Float64Array, p: number): number {
  return sorted[Math.floor(position(sorted, p))] ?? Number.NaN
}

/** The values that are not missing (NaN), ascending. */
export function sortedValues(values: Float64Array): Float64Array {
  return values.filter(value => !Number.isNaN(value)).sort()
}

function position(sorted: Float64Array, p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`Cannot compute a quantile: p is ${p}, wanted 0 … 1`)
  return (sorted.length - 1) * p
}

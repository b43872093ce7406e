/**
 * Probability that Kolmogorov's limit of √n · D is greater than `x` (Kolmogorov 1933; of the two series, the one that
 * converges at once; Marsaglia, Tsang and Wang 2003, doi:10.18637/jss.v008.i18).
 *
 * @returns 0 … 1.
 */
export function kolmogorovUpper(x: number): number {
  if (!(x > 0)) return Number.isNaN(x) ? Number.NaN : 1
  if (x < 1) {
    let sum = 0
    for (let k = 1; k <= 9; k += 2) sum += Math.exp((-k * k * Math.PI * Math.PI) / (8 * x * x))
    return Math.max(0, 1 - (Math.sqrt(2 * Math.PI) / x) * sum)
  }
  let sum = 0
  for (let k = 5; k >= 1; k--) sum = Math.exp(-2 * k * k * x * x) - sum
  return Math.min(1, 2 * sum)
}

/**
 * The two terms by which Loader (2000, «Fast and accurate computation of binomial probabilities») writes gamma and beta
 * densities without the cancellation of log-gammas: relative errors stay near 1e−15 in the far tails and for large parameters.
 */

/** From here on, five terms of Stirling's series are exact to the last digit. */
const STIRLING_MIN = 16

/** ln Γ(n + 1) less Stirling's approximation of it, (n + ½) ln n − n + ½ ln 2π; for n > 0. */
export function stirlingError(n: number): number {
  let sum = 0
  let at = n
  // The error of n from that of n + 1, until the series holds.
  for (; at < STIRLING_MIN; at++) sum += (at + 0.5) * Math.log1p(1 / at) - 1
  const square = at * at
  const series = 1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square
  return sum + series / at
}

/**
 * x ln(x / mean) + mean − x: half the deviance of x under a mean; accurate where the two are close.
 *
 * @param difference x − mean, by whoever can tell it without cancellation.
 */
export function halfDeviance(x: number, mean: number, difference: number = x - mean): number {
  if (Math.abs(difference) >= 0.1 * (x + mean)) return x * Math.log(x / mean) - difference
  const ratio = difference / (x + mean)
  let sum = difference * ratio
  let term = 2 * x * ratio
  for (let order = 1; ; order++) {
    term *= ratio * ratio
    const next = sum + term / (2 * order + 1)
    if (!(Math.abs(next - sum) > 0)) return next
    sum = next
  }
}

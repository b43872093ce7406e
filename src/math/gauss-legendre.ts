/** Points and weights of Gauss–Legendre quadrature on 0 ≤ t ≤ 1. */
export interface Quadrature {
  /** Strictly between 0 and 1, ascending. */
  readonly points: Float64Array
  /** Positive; they sum to 1. */
  readonly weights: Float64Array
}

/**
 * The rule of `count` points, whose weighted sum is the integral over 0 … 1 of every polynomial of degree below 2 × `count`.
 *
 * The points are the roots of the Legendre polynomial, found by Newton's method from Tricomi's estimate (Davis and
 * Rabinowitz, Methods of Numerical Integration, 2nd ed., section 2.7).
 */
export function gaussLegendre(count: number): Quadrature {
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new RangeError(`Cannot make a quadrature: ${count} points, wanted a whole number of at least 1`)
  }
  const points = new Float64Array(count)
  const weights = new Float64Array(count)
  for (let index = 0; index < count - index; index++) {
    let x = Math.cos((Math.PI * (index + 0.75)) / (count + 0.5))
    let slope = 1
    // Converges quadratically; further rounds only move the last bit.
    for (let round = 0; round < 8; round++) {
      let [before, now] = [1, x]
      for (let degree = 2; degree <= count; degree++) {
        ;[before, now] = [now, ((2 * degree - 1) * x * now - (degree - 1) * before) / degree]
      }
      slope = (count * (before - x * now)) / (1 - x * x)
      const step = now / slope
      x -= step
      if (Math.abs(step) < 1e-15) break
    }
    const weight = 1 / ((1 - x * x) * slope * slope)
    points[index] = (1 - x) / 2
    points[count - 1 - index] = (1 + x) / 2
    weights[index] = weight
    weights[count - 1 - index] = weight
  }
  return { points, weights }
}

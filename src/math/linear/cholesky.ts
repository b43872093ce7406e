/**
 * Solves A x = b for a symmetric positive definite A (Golub and Van Loan, Matrix Computations, algorithm 4.2.1).
 *
 * @param matrix A, `size` × `size`, row-major; only the lower triangle is read.
 * @param sides one or more b, `count` × `size`, row-major.
 * @returns the x of each b; undefined where A is not positive definite as far as float64 can tell.
 */
export function solvePositive(
  matrix: Float64Array,
  size: number,
  sides: Float64Array,
  count: number,
): Float64Array | undefined {
  const factor = factored(matrix, size)
  if (factor === undefined) return undefined
  const solutions = sides.slice(0, count * size)
  for (let side = 0; side < count; side++) substitute(factor, size, solutions.subarray(side * size, (side + 1) * size))
  return solutions
}

/** The lower triangle L of A = L Lᵀ. */
function factored(matrix: Float64Array, size: number): Float64Array | undefined {
  const factor = matrix.slice(0, size * size)
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = factor[row * size + column]!
      for (let k = 0; k < column; k++) sum -= factor[row * size + k]! * factor[column * size + k]!
      if (row !== column) factor[row * size + column] = sum / factor[column * size + column]!
      // What rounding leaves of a pivot that should be 0.
      else if (sum > 1e-14 * matrix[row * size + row]!) factor[row * size + row] = Math.sqrt(sum)
      else return undefined
    }
  }
  return factor
}

/** Solves L Lᵀ x = b in place. */
function substitute(factor: Float64Array, size: number, x: Float64Array): void {
  for (let row = 0; row < size; row++) {
    let sum = x[row]!
    for (let k = 0; k < row; k++) sum -= factor[row * size + k]! * x[k]!
    x[row] = sum / factor[row * size + row]!
  }
  for (let row = size - 1; row >= 0; row--) {
    let sum = x[row]!
    for (let k = row + 1; k < size; k++) sum -= factor[k * size + row]! * x[k]!
    x[row] = sum / factor[row * size + row]!
  }
}

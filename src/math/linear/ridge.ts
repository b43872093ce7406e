import { solvePositive } from './cholesky.ts'

/** Weighted sums of products that a linear fit needs; those of parts may be added. */
export interface Products {
  /** Predictors, the intercept not counted. */
  readonly size: number
  readonly outputs: number
  /** Σ w x xᵀ where x ends in a 1: (`size` + 1)², row-major, lower triangle. */
  readonly matrix: Float64Array
  /** Σ w x y, by output. */
  readonly sides: Float64Array
  /** Σ w y², by output. */
  readonly squares: Float64Array
}

export interface RidgeFit {
  /** By output, then predictor. */
  readonly coefficients: Float64Array
  readonly intercepts: Float64Array
  /** Weighted share of the variance that the fit explains, by output; NaN where there is none to explain. */
  readonly rSquared: Float64Array
}

export function noProducts(size: number, outputs: number): Products {
  return {
    size,
    outputs,
    matrix: new Float64Array((size + 1) ** 2),
    sides: new Float64Array(outputs * (size + 1)),
    squares: new Float64Array(outputs),
  }
}

/** Adds one observation. */
export function addObservation(into: Products, x: Float64Array, y: Float64Array, weight: number): void {
  const { size, outputs, matrix, sides, squares } = into
  const width = size + 1
  for (let i = 0; i < width; i++) {
    const scaled = weight * (i === size ? 1 : x[i]!)
    for (let j = 0; j <= i; j++) matrix[i * width + j]! += scaled * (j === size ? 1 : x[j]!)
    for (let output = 0; output < outputs; output++) sides[output * width + i]! += scaled * y[output]!
  }
  for (let output = 0; output < outputs; output++) squares[output]! += weight * y[output]! * y[output]!
}

/** Adds what another part has. */
export function addProducts(into: Products, part: Products): void {
  for (const key of ['matrix', 'sides', 'squares'] as const) {
    for (let at = 0; at < into[key].length; at++) into[key][at]! += part[key][at]!
  }
}

/**
 * Ridge regression (Hoerl and Kennard 1970) by weighted least squares: minimises Σ w (y − a − x·b)² + `penalty` |b|². The
 * intercept is not penalised, as in scikit-learn's `Ridge`.
 *
 * @returns undefined where the penalty is 0 and the predictors depend on each other.
 */
export function ridge(products: Products, penalty: number): RidgeFit | undefined {
  const { size, outputs, sides } = products
  const width = size + 1
  const matrix = products.matrix.slice()
  for (let i = 0; i < size; i++) matrix[i * width + i]! += penalty
  const found = solvePositive(matrix, width, sides, outputs)
  if (found === undefined) return undefined
  const coefficients = new Float64Array(outputs * size)
  const intercepts = new Float64Array(outputs)
  const rSquared = new Float64Array(outputs)
  for (let output = 0; output < outputs; output++) {
    const solution = found.subarray(output * width, (output + 1) * width)
    coefficients.set(solution.subarray(0, size), output * size)
    intercepts[output] = solution[size]!
    rSquared[output] = rSquaredOf(products, output, solution)
  }
  return { coefficients, intercepts, rSquared }
}

function rSquaredOf({ size, matrix, sides, squares }: Products, output: number, solution: Float64Array): number {
  const width = size + 1
  let residual = squares[output]!
  for (let i = 0; i < width; i++) {
    residual -= 2 * solution[i]! * sides[output * width + i]!
    for (let j = 0; j < width; j++) {
      residual += solution[i]! * solution[j]! * matrix[Math.max(i, j) * width + Math.min(i, j)]!
    }
  }
  const total = squares[output]! - sides[output * width + size]! ** 2 / matrix[width * width - 1]!
  return total > 0 ? 1 - residual / total : Number.NaN
}

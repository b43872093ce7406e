export interface Eigen {
  /** Descending. */
  readonly values: Float64Array
  /** Unit vectors, one after the other in the order of the values. */
  readonly vectors: Float64Array
}

const SWEEPS_MAX = 60

/**
 * Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations,
 * section 8.5): slow for large matrices, exact to the last digits for small ones. The sign of a vector means nothing.
 *
 * @param matrix `size` × `size`, row-major, symmetric.
 */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const a = matrix.slice(0, size * size)
  const vectors = new Float64Array(size * size)
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1
  const scale = a.reduce((sum, value) => sum + value * value, 0)
  for (let sweep = 0; sweep < SWEEPS_MAX; sweep++) {
    let off = 0
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) off += a[p * size + q]! ** 2
    if (!(off > 1e-32 * scale)) break
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(a, vectors, size, p, q)
  }
  const order = Array.from({ length: size }, (_, i) => i).sort((i, j) => a[j * size + j]! - a[i * size + i]!)
  return {
    values: Float64Array.from(order, i => a[i * size + i]!),
    vectors: Float64Array.from(order.flatMap(i => [...vectors.subarray(i * size, (i + 1) * size)])),
  }
}

/** Makes the element (p, q) 0 by a rotation of these two coordinates. */
function rotate(a: Float64Array, vectors: Float64Array, size: number, p: number, q: number): void {
  const apq = a[p * size + q]!
  if (apq === 0) return
  const tau = (a[q * size + q]! - a[p * size + p]!) / (2 * apq)
  const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.hypot(1, tau))
  const c = 1 / Math.hypot(1, t)
  const s = t * c
  for (let k = 0; k < size; k++) {
    const [kp, kq] = [a[k * size + p]!, a[k * size + q]!]
    a[k * size + p] = c * kp - s * kq
    a[k * size + q] = s * kp + c * kq
  }
  for (let k = 0; k < size; k++) {
    const [pk, qk] = [a[p * size + k]!, a[q * size + k]!]
    a[p * size + k] = c * pk - s * qk
    a[q * size + k] = s * pk + c * qk
    const [vp, vq] = [vectors[p * size + k]!, vectors[q * size + k]!]
    vectors[p * size + k] = c * vp - s * vq
    vectors[q * size + k] = s * vp + c * vq
  }
}

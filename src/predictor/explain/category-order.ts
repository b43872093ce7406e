import { symmetricEigen } from '../../math/linear/symmetric-eigen.ts'
import type { Background } from '../explainer.ts'
import { requireBackground } from '../shap/rows.ts'
import { requireFeature } from './partial-dependence.ts'

/** More categories make the matrix of distances too large. */
const CATEGORIES_MAX = 200

/**
 * Categories in an order in which neighbours are alike, so that effects can be added up along it (Apley and Zhu 2020,
 * appendix E; R package `ALEPlot`). Two categories differ by the sum over all other features of the largest difference of
 * their distribution functions (numbers) or half the sum of the differences of their shares (categories); the order is the
 * first coordinate of classical scaling (Torgerson 1952). Missing values are left out. The order could as well be the other
 * way round; the category of the lowest number stands in the first half.
 *
 * @param categorical of each feature, whether its numbers are names of categories.
 * @returns the numbers of the categories that some row has. Throws `RangeError` for more than 200.
 */
export function categoryOrder(
  data: Background,
  width: number,
  feature: number,
  categorical: readonly boolean[],
): Float64Array {
  requireBackground(data, width)
  requireFeature(feature, width)
  const groups = new Map<number, number[]>()
  for (let row = 0; row < data.count; row++) {
    const value = data.rows[row * width + feature]!
    if (Number.isNaN(value)) continue
    const rows = groups.get(value)
    if (rows === undefined) groups.set(value, [row])
    else rows.push(row)
  }
  const codes = Float64Array.from(groups.keys()).sort()
  if (codes.length > CATEGORIES_MAX) {
    throw new RangeError(`Cannot order categories: there are ${codes.length}, wanted at most ${CATEGORIES_MAX}`)
  }
  if (codes.length < 3) return codes
  const distances = new Float64Array(codes.length ** 2)
  for (let column = 0; column < width; column++) {
    if (column === feature) continue
    const samples = Array.from(codes, code =>
      Float64Array.from(groups.get(code)!, row => data.rows[row * width + column]!)
        .filter(value => !Number.isNaN(value))
        .sort(),
    )
    addDistances(distances, samples, categorical[column] ?? false)
  }
  const along = firstCoordinate(distances, codes.length)
  const order = Array.from(codes, (_, at) => at).sort((a, b) => along[a]! - along[b]! || a - b)
  return Float64Array.from(order, at => codes[at]!)
}

/** @param samples sorted, by category. */
function addDistances(distances: Float64Array, samples: readonly Float64Array[], isCategorical: boolean): void {
  for (const [i, one] of samples.entries()) {
    for (let j = 0; j < i; j++) {
      const other = samples[j]!
      if (one.length === 0 || other.length === 0) continue
      const distance = distanceOf(one, other, isCategorical)
      distances[i * samples.length + j]! += distance
      distances[j * samples.length + i]! += distance
    }
  }
}

/** Kolmogorov–Smirnov distance of two sorted samples, or the total variation of their shares. */
function distanceOf(one: Float64Array, other: Float64Array, isCategorical: boolean): number {
  let [i, j, largest, sum] = [0, 0, 0, 0]
  while (i < one.length || j < other.length) {
    const value = Math.min(one[i] ?? Number.POSITIVE_INFINITY, other[j] ?? Number.POSITIVE_INFINITY)
    const [fromI, fromJ] = [i, j]
    while (i < one.length && one[i]! === value) i++
    while (j < other.length && other[j]! === value) j++
    largest = Math.max(largest, Math.abs(i / one.length - j / other.length))
    sum += Math.abs((i - fromI) / one.length - (j - fromJ) / other.length)
  }
  return isCategorical ? sum / 2 : largest
}

/** Of classical scaling: the eigenvector of the largest eigenvalue of the doubly centred squared distances. */
function firstCoordinate(distances: Float64Array, size: number): Float64Array {
  const squares = distances.map(distance => distance * distance)
  const means = Float64Array.from({ length: size }, (_, i) => {
    return squares.subarray(i * size, (i + 1) * size).reduce((sum, square) => sum + square, 0) / size
  })
  const mean = means.reduce((sum, value) => sum + value, 0) / size
  const centred = squares.map((square, at) => (means[Math.floor(at / size)]! + means[at % size]! - square - mean) / 2)
  const first = symmetricEigen(centred, size).vectors.slice(0, size)
  return first[0]! > 0 ? first.map(value => -value) : first
}

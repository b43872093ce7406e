/**
 * What the leaves of a chunk contribute, for every pattern of its tests: the numbers behind the table kernels.
 *
 * A leaf with the value v gives feature i of its path v × (o_i − z_i) × ∫₀¹ ∏_{j≠i} (z_j + (o_j − z_j) t) dt, where z is the
 * share of the training rows that pass the decisions on a feature, and o whether this row does (see shap/tree-shap.ts). The
 * o are bits of the pattern, or conjunctions of them.
 */
import type { Quadrature } from '../../math/gauss-legendre.ts'
import type { Chunk, ChunkLeaf } from './shap-chunks.ts'

/** Numbers in a row of a table: as many features as a chunk may have. */
export const SLOTS = 8

/** Which feature each slot stands for. At most `SLOTS`. */
export function slotsOf({ leaves }: Chunk): number[] {
  return [...new Set(leaves.flatMap(({ features }) => features.map(({ feature }) => feature)))]
}

/** Numbers in the table of a chunk. */
export function tableLength({ tests }: Chunk): number {
  return SLOTS << tests.length
}

/**
 * Fills `table[pattern × SLOTS + slot]`.
 *
 * @param worth of each leaf of the chunk.
 * @param slotOf which slot a feature has.
 * @param rules by number of features on a path, the quadrature that is exact for it.
 */
export function fillTable(
  chunk: Chunk,
  worth: (node: number) => number,
  slotOf: (feature: number) => number,
  rules: (features: number) => Quadrature,
  table: Float32Array,
): void {
  const sums = new Float64Array(table.length)
  const barred = new Int32Array(1 << chunk.tests.length)
  for (const leaf of chunk.leaves) {
    const size = leaf.features.length
    const given = leafContributions(leaf, worth(leaf.node), rules(size))
    const slots = Int32Array.from(leaf.features, ({ feature }) => slotOf(feature))
    barFeatures(leaf, barred)
    for (let pattern = 0; pattern < barred.length; pattern++) {
      const from = ((1 << size) - 1 - barred[pattern]!) * size
      for (let index = 0; index < size; index++) sums[pattern * SLOTS + slots[index]!]! += given[from + index]!
    }
  }
  table.set(sums)
}

/** By pattern: bit i where the row does not pass feature i of the leaf's path. From patterns of the first tests to those of one more. */
function barFeatures({ features }: ChunkLeaf, barred: Int32Array): void {
  barred[0] = 0
  for (let bit = 1; bit < barred.length; bit <<= 1) {
    let [ifFailed, ifPassed] = [0, 0]
    for (const [index, { pass, fail }] of features.entries()) {
      if ((pass & bit) !== 0) ifFailed |= 1 << index
      if ((fail & bit) !== 0) ifPassed |= 1 << index
    }
    for (let pattern = 0; pattern < bit; pattern++) {
      barred[pattern + bit] = barred[pattern]! | ifPassed
      barred[pattern]! |= ifFailed
    }
  }
}

/**
 * `[passed × features + index]`: what the leaf gives each of its features, for every set of them that a row passes.
 *
 * At a point t the product over all features is divided by the factor of one: by z + (1 − z) t where the row passes it; where
 * it does not, by z (1 − t), which with the z of (0 − z) leaves −1 / (1 − t), the same for all of them.
 */
function leafContributions({ features }: ChunkLeaf, worth: number, { points, weights }: Quadrature): Float64Array {
  const size = features.length
  const out = new Float64Array(size << size)
  const products = new Float64Array(1 << size)
  const gains = new Float64Array(size)
  for (let point = 0; point < points.length; point++) {
    const t = points[point]!
    products[0] = weights[point]! * worth
    for (let index = 0; index < size; index++) {
      const z = features[index]!.share
      const passing = z + (1 - z) * t
      const bit = 1 << index
      for (let passed = 0; passed < bit; passed++) {
        products[passed + bit] = products[passed]! * passing
        products[passed]! *= z * (1 - t)
      }
      gains[index] = (1 - z) / passing
    }
    for (let passed = 0; passed < products.length; passed++) {
      const product = products[passed]!
      const loss = product / (t - 1)
      const from = passed * size
      for (let index = 0; index < size; index++) {
        out[from + index]! += ((passed >> index) & 1) === 1 ? product * gains[index]! : loss
      }
    }
  }
  return out
}

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
  const patterns = 1 << chunk.tests.length
  const sums = new Float64Array(patterns * SLOTS)
  for (const leaf of chunk.leaves) {
    const size = leaf.features.length
    const given = leafContributions(leaf, worth(leaf.node), rules(size))
    const slots = leaf.features.map(({ feature }) => slotOf(feature))
    for (let pattern = 0; pattern < patterns; pattern++) {
      const from = passedBy(leaf, pattern) * size
      for (let index = 0; index < size; index++) sums[pattern * SLOTS + slots[index]!]! += given[from + index]!
    }
  }
  table.set(sums)
}

/** Bit i: whether the row passes feature i of the leaf's path. */
function passedBy({ features }: ChunkLeaf, pattern: number): number {
  let passed = 0
  for (let index = 0; index < features.length; index++) {
    const { pass, fail } = features[index]!
    if ((pattern & pass) === pass && (pattern & fail) === 0) passed |= 1 << index
  }
  return passed
}

/** `[passed × features + index]`: what the leaf gives each of its features, for every set of them that a row passes. */
function leafContributions({ features }: ChunkLeaf, worth: number, { points, weights }: Quadrature): Float64Array {
  const size = features.length
  const out = new Float64Array(size << size)
  const factors = new Float64Array(size)
  for (let passed = 0; passed < 1 << size; passed++) {
    const from = passed * size
    for (let point = 0; point < points.length; point++) {
      const t = points[point]!
      let product = weights[point]! * worth
      for (let index = 0; index < size; index++) {
        const { share } = features[index]!
        factors[index] = ((passed >> index) & 1) === 1 ? share + (1 - share) * t : share * (1 - t)
        product *= factors[index]!
      }
      if (product === 0) addExcluding(out, from, factors, weights[point]! * worth)
      else for (let index = 0; index < size; index++) out[from + index]! += product / factors[index]!
    }
    for (let index = 0; index < size; index++) {
      out[from + index]! *= ((passed >> index) & 1) - features[index]!.share
    }
  }
  return out
}

/** Adds to each place the product of all factors but its own, where some factor is 0. */
function addExcluding(out: Float64Array, from: number, factors: Float64Array, start: number): void {
  for (let index = 0; index < factors.length; index++) {
    let product = start
    for (let other = 0; other < factors.length; other++) if (other !== index) product *= factors[other]!
    out[from + index]! += product
  }
}

/** What the training rows that reached each node (`cover`) say of a forest. */
import type { Forest } from '../forest.ts'
import { leafWorth, treesOf } from './forest-trees.ts'

/**
 * Whether a forest says how many training rows reached each node, in numbers that shares can be made of, and its leaves are
 * numbers: of lines in leaves nobody has said what an unknown feature is worth, and LightGBM explains none.
 */
export function hasCover({ cover, lines }: Forest): boolean {
  return lines === undefined && (cover?.every(rows => rows >= 0 && rows < Number.POSITIVE_INFINITY) ?? false)
}

/**
 * By node, its share of the rows of its parent; 1 for roots. Below a node that no row reached both sides count half: the
 * way there has the share 0, so that only a row that takes it sees them.
 */
export function coverShares(forest: Forest): Float64Array {
  const { feature, child, cover } = forest
  const shares = new Float64Array(feature.length).fill(1)
  for (let node = 0; node < feature.length; node++) {
    if (feature[node]! < 0) continue
    const reached = cover![node]!
    for (const next of [child[node]!, child[node]! + 1]) shares[next] = reached > 0 ? cover![next]! / reached : 0.5
  }
  return shares
}

/** Mean margin of each output over the training rows, as the shares tell. */
export function expectedMargins(forest: Forest, shares: Float64Array): Float64Array {
  const expected = Float64Array.from(forest.base)
  const reach = (tree: ReturnType<typeof treesOf>[number], node: number, share: number): void => {
    if (share === 0) return
    if (forest.feature[node]! < 0) {
      for (let offset = 0; offset < tree.outputs; offset++) {
        expected[tree.output + offset]! += share * leafWorth(forest, tree, node, offset)
      }
      return
    }
    for (const next of [forest.child[node]!, forest.child[node]! + 1]) reach(tree, next, share * shares[next]!)
  }
  for (const tree of treesOf(forest)) reach(tree, tree.root, 1)
  return expected
}

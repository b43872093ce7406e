/** A forest seen tree by tree, as explanations need it. */
import { CATEGORICAL, type Forest, inSet, MISSING_LEFT, NAN_IS_ZERO } from '../forest.ts'
import { isMissing } from '../seek-leaves.ts'

export interface ForestTree {
  readonly root: number
  /** First output that the tree adds to, and how many (one, but for vector leaves). */
  readonly output: number
  readonly outputs: number
  /** What each of its leaves counts for. */
  readonly weight: number
}

/** Who shares a margin. */
export interface Players {
  readonly count: number
  /** By column of the forest. */
  readonly of: Int32Array
}

/** Each column for itself. */
export function columnsOf({ features }: Forest): Players {
  return { count: features.length, of: Int32Array.from(features, (_, column) => column) }
}

export function treesOf({ roots, groups, weights, leafVectors, base }: Forest): ForestTree[] {
  return Array.from(roots, (root, tree) => ({
    root,
    output: leafVectors === undefined ? (groups?.[tree] ?? 0) : 0,
    outputs: leafVectors === undefined ? 1 : base.length,
    weight: weights?.[tree] ?? 1,
  }))
}

/** What a leaf adds to the output `tree.output + offset`. */
export function leafWorth(forest: Forest, tree: ForestTree, leaf: number, offset: number): number {
  const { leafVectors, child, value } = forest
  return tree.weight * (leafVectors === undefined ? value[leaf]! : leafVectors[child[leaf]! + offset]!)
}

/** The decision of an inner node, by every rule of the form; `x` is rounded to the forest's precision already. */
export function goesLeft({ flags, sets, value }: Forest, node: number, x: number): boolean {
  const flag = flags[node]!
  const seen = Number.isNaN(x) && (flag & NAN_IS_ZERO) !== 0 ? 0 : x
  if (isMissing(seen, flag)) return (flag & MISSING_LEFT) !== 0
  if ((flag & CATEGORICAL) !== 0) return inSet(sets, value[node]!, seen)
  return seen < value[node]!
}

/** The most different features on a way from the root of a tree to a leaf. */
export function mostFeaturesOnPath({ feature, child }: Forest, root: number): number {
  const seen = new Map<number, number>()
  let most = 0
  const visit = (node: number): void => {
    const column = feature[node]!
    if (column < 0) {
      most = Math.max(most, seen.size)
      return
    }
    const before = seen.get(column) ?? 0
    seen.set(column, before + 1)
    visit(child[node]!)
    visit(child[node]! + 1)
    if (before === 0) seen.delete(column)
    else seen.set(column, before)
  }
  visit(root)
  return most
}

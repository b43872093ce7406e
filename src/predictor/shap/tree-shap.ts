/**
 * Exact path-dependent TreeSHAP in float64: the reference that every faster kernel is held against.
 *
 * **The game** (Lundberg et al. 2020, "From local explanations to global understanding with explainable AI for trees",
 * Algorithm 1): a coalition S of features is worth what a tree answers on average where, at a split on a feature of S, the
 * row decides, and at any other both sides are taken, weighted by their shares of the training rows (`cover`). Contributions
 * are the Shapley values of that game: the numbers of `shap.TreeExplainer` with `feature_perturbation="tree_path_dependent"`,
 * of XGBoost's `pred_contribs` and of LightGBM's `pred_contrib`.
 *
 * **The way.** A leaf is worth its value times, for each feature j of its path, `o` (1 where the row passes all splits on j,
 * else 0) if j is in S, and `z` (the product of the shares at those splits) if not. The Shapley weights of such a product are
 * an integral: feature i gets
 *
 *     value × (o_i − z_i) × ∫₀¹ ∏_{j≠i} (z_j + (o_j − z_j) t) dt
 *
 * a polynomial in t of a degree below the number of features on the path, so Gauss–Legendre points of half that number
 * integrate it exactly (cf. Yu et al. 2022, "Linear TreeShap"). At each point the product is carried down the tree and the
 * sum over leaves up again: leaves × points steps a row, where the EXTEND and UNWIND of Algorithm 2 take
 * leaves × features². All factors are positive, so that nothing cancels. UNWIND subtracts: on paths of
 * 40 features it loses half of the digits, on paths of 60 all.
 */
import { gaussLegendre, type Quadrature } from '../../math/gauss-legendre.ts'
import type { Explainer } from '../explainer.ts'
import { type Forest, forestBytes } from '../forest.ts'
import { coverShares, expectedMargins } from './cover-shares.ts'
import {
  columnsOf,
  type ForestTree,
  goesLeft,
  leafWorth,
  mostFeaturesOnPath,
  type Players,
  treesOf,
} from './forest-trees.ts'
import { readRow, requireRoom } from './rows.ts'

/**
 * @param forest one that `hasCover`.
 * @param players features, where the forest's columns are made of them: then rows have its columns, and contributions are
 *   those of the features, a coalition knowing all columns of a feature or none.
 */
export function treeShap(forest: Forest, players: Players = columnsOf(forest)): Explainer {
  const { base, features, precision } = forest
  const [outputs, width, size] = [base.length, features.length, players.count]
  const shares = coverShares(forest)
  const walk = walker(forest, shares, players)
  const trees = treesOf(forest).map(tree => ({ tree, rule: ruleFor(forest, tree) }))
  const row = new Float64Array(width)
  return {
    method: 'tree-shap',
    outputCount: outputs,
    featureCount: size,
    bias: expectedMargins(forest, shares),
    bytes: forestBytes(forest) + shares.byteLength,
    explain(rows, count, out) {
      requireRoom(rows, count * width, out, count * outputs * size)
      out.fill(0, 0, count * outputs * size)
      for (let index = 0; index < count; index++) {
        readRow(rows, index * width, precision, row)
        for (const { tree, rule } of trees) {
          for (let offset = 0; offset < tree.outputs; offset++) {
            const start = (index * outputs + tree.output + offset) * size
            walk(tree, offset, rule, row, out.subarray(start, start + size))
          }
        }
      }
    },
  }
}

/** The points that integrate every path of a tree exactly. */
function ruleFor(forest: Forest, tree: ForestTree): Quadrature {
  const count = Math.max(1, Math.ceil(mostFeaturesOnPath(forest, tree.root) / 2))
  const rule = rules.get(count) ?? gaussLegendre(count)
  rules.set(count, rule)
  return rule
}

/** By number of points: at most half the depth that a tree may have. */
const rules = new Map<number, Quadrature>()

/** Adds the contributions to one output of one tree. */
type Walk = (tree: ForestTree, offset: number, rule: Quadrature, row: Float64Array, out: Float64Array) => void

function walker(forest: Forest, shares: Float64Array, players: Players): Walk {
  const { feature, child, features, depth } = forest
  /** Of each feature on the way: the product of shares (z), and whether the row passes (o). */
  const share = new Float64Array(players.count).fill(1)
  const pass = new Float64Array(players.count).fill(1)
  /** By level and point: the product over the features of the way; the worth times it, summed over the leaves below. */
  const room = (depth + 1) * Math.max(1, Math.ceil(Math.min(depth, features.length) / 2))
  const products = new Float64Array(room)
  const sums = new Float64Array(room)
  return (tree, offset, { points, weights }, row, out) => {
    const size = points.length
    /** Carries the products from one level to the next, where the factor of one feature is another. */
    const carry = (at: number, z: number, o: number, nextZ: number, nextO: number): void => {
      for (let index = at; index < at + size; index++) {
        const t = points[index - at]!
        products[index + size] = (products[index]! * (nextZ + (nextO - nextZ) * t)) / (z + (o - z) * t)
      }
    }
    /** Adds up the leaves below; answers what the feature has in them, less what splits further up gave it for them. */
    const credit = (at: number, z: number, o: number, nextZ: number, nextO: number): number => {
      let credited = 0
      for (let index = at; index < at + size; index++) {
        const t = points[index - at]!
        const sum = sums[index + size]!
        const part = (nextO - nextZ) / (nextZ + (nextO - nextZ) * t) - (o - z) / (z + (o - z) * t)
        credited += weights[index - at]! * sum * part
        sums[index]! += sum
      }
      return credited
    }
    /** Fills `sums` from `at` to `at + size`, the place of the node's level. */
    const visit = (node: number, at: number): void => {
      const column = feature[node]!
      if (column < 0) {
        const worth = leafWorth(forest, tree, node, offset)
        for (let index = at; index < at + size; index++) sums[index] = worth * products[index]!
        return
      }
      sums.fill(0, at, at + size)
      const player = players.of[column]!
      const [z, o] = [share[player]!, pass[player]!]
      const taken = child[node]! + (goesLeft(forest, node, row[column]!) ? 0 : 1)
      for (const next of [child[node]!, child[node]! + 1]) {
        const nextZ = z * shares[next]!
        const nextO = next === taken ? o : 0
        if (nextZ === 0 && nextO === 0) continue // whatever is known, nothing gets there
        carry(at, z, o, nextZ, nextO)
        share[player] = nextZ
        pass[player] = nextO
        visit(next, at + size)
        out[player]! += credit(at, z, o, nextZ, nextO)
      }
      share[player] = z
      pass[player] = o
    }
    products.fill(1, 0, size)
    visit(tree.root, 0)
  }
}

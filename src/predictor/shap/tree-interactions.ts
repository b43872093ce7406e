/**
 * Exact SHAP interaction values in float64, of the path-dependent game that `treeShap` explains (Lundberg et al. 2020,
 * section "SHAP interaction values"; Fujimoto et al. 2006): what two features have in an answer only together.
 *
 * For one leaf, with o, z and t as in `treeShap`, the value of the pair i ≠ j is
 *
 *     ½ × value × (o_i − z_i) (o_j − z_j) × ∫₀¹ ∏_{k≠i,j} (z_k + (o_k − z_k) t) dt
 *
 * each of the two cells having half. The diagonal has what is left of the contribution of a feature: rows of the matrix sum
 * to the contributions, the matrix to the margin less the bias. Costs leaves × features of a path² × points a row.
 */
import { gaussLegendre } from '../../math/gauss-legendre.ts'
import type { Forest } from '../forest.ts'
import { coverShares, expectedMargins } from './cover-shares.ts'
import { type ForestTree, goesLeft, leafWorth, mostFeaturesOnPath, treesOf } from './forest-trees.ts'
import { readRow, requireRoom } from './rows.ts'

export interface InteractionExplainer {
  readonly outputCount: number
  readonly featureCount: number
  /** Expected margin of each output. */
  readonly bias: Float64Array
  /**
   * @param rows `count` × `featureCount`, row-major; NaN is a missing value.
   * @param out receives symmetric matrices: `out[((row × outputCount + output) × featureCount + i) × featureCount + j]`.
   */
  explain(rows: Float64Array, count: number, out: Float64Array): void
}

/** @param forest one that `hasCover`. */
export function treeInteractions(forest: Forest): InteractionExplainer {
  const { base, features, precision } = forest
  const [outputs, width] = [base.length, features.length]
  const shares = coverShares(forest)
  const way: Way = { columns: [], share: new Float64Array(width).fill(1), pass: new Float64Array(width).fill(1) }
  const walks = treesOf(forest).map(tree => walker(forest, tree, shares, way))
  const row = new Float64Array(width)
  return {
    outputCount: outputs,
    featureCount: width,
    bias: expectedMargins(forest, shares),
    explain(rows, count, out) {
      requireRoom(rows, count * width, out, count * outputs * width * width)
      out.fill(0, 0, count * outputs * width * width)
      for (let index = 0; index < count; index++) {
        readRow(rows, index * width, precision, row)
        const matrices = out.subarray(index * outputs * width * width, (index + 1) * outputs * width * width)
        for (const walk of walks) walk(row, matrices)
      }
    },
  }
}

/** The features met on the way to a node; by feature, z and o as they stand there. */
interface Way {
  readonly columns: number[]
  readonly share: Float64Array
  readonly pass: Float64Array
}

/** Adds the matrices of one tree. */
function walker(forest: Forest, tree: ForestTree, shares: Float64Array, way: Way) {
  const { feature, child } = forest
  const { columns, share, pass } = way
  const addLeaf = leafAdder(forest, tree, way)
  return (row: Float64Array, matrices: Float64Array): void => {
    const visit = (node: number): void => {
      const column = feature[node]!
      if (column < 0) {
        addLeaf(node, matrices)
        return
      }
      const [z, o] = [share[column]!, pass[column]!]
      const isNew = !columns.includes(column)
      if (isNew) columns.push(column)
      const taken = child[node]! + (goesLeft(forest, node, row[column]!) ? 0 : 1)
      for (const next of [child[node]!, child[node]! + 1]) {
        share[column] = z * shares[next]!
        pass[column] = next === taken ? o : 0
        if (share[column] !== 0 || pass[column] !== 0) visit(next)
      }
      share[column] = z
      pass[column] = o
      if (isNew) columns.pop()
    }
    visit(tree.root)
  }
}

function leafAdder(forest: Forest, tree: ForestTree, { columns, share, pass }: Way) {
  const width = forest.features.length
  const most = mostFeaturesOnPath(forest, tree.root)
  const { points, weights } = gaussLegendre(Math.max(1, Math.ceil(most / 2)))
  const parts = new Float64Array(most)
  return (leaf: number, matrices: Float64Array): void => {
    for (let point = 0; point < points.length; point++) {
      let product = weights[point]!
      for (const [slot, column] of columns.entries()) {
        const gain = pass[column]! - share[column]!
        const factor = share[column]! + gain * points[point]!
        product *= factor
        parts[slot] = gain / factor
      }
      for (let offset = 0; offset < tree.outputs; offset++) {
        const start = (tree.output + offset) * width * width
        const worth = product * leafWorth(forest, tree, leaf, offset)
        for (const [i, column] of columns.entries()) {
          const line = start + column * width
          matrices[line + column]! += worth * parts[i]!
          for (const [j, other] of columns.entries()) {
            if (i === j) continue
            const half = (worth * parts[i]! * parts[j]!) / 2
            matrices[line + other]! += half
            matrices[line + column]! -= half
          }
        }
      }
    }
  }
}

/**
 * Exact interventional TreeSHAP in float64.
 *
 * **The game**: a coalition S of features is worth what the forest answers on average over the rows of a background where
 * the features of S are taken from the row explained (Janzing et al. 2020, "Feature relevance quantification in explainable
 * AI: a causal problem"). Unlike the path-dependent game, a feature that the trees do not use gets exactly 0 whatever it
 * goes with; unlike it, rows are made up that may never occur.
 *
 * **The way** (Lundberg et al. 2020, Algorithm 3): against one background row only those leaves count that each split on the
 * way reaches from one row or the other. Where a such feature must come from the row explained in x cases and from the
 * background in b, the leaf gives each of the x features its value times (x − 1)! b! / (x + b)!, and takes from each of the b
 * its value times x! (b − 1)! / (x + b)!. Both are summed on the way up. Costs background rows × leaves reached a row.
 */
import type { Background, Explainer } from '../explainer.ts'
import { type Forest, forestBytes } from '../forest.ts'
import {
  columnsOf,
  type ForestTree,
  goesLeft,
  leafWorth,
  mostFeaturesOnPath,
  type Players,
  treesOf,
} from './forest-trees.ts'
import { readRow, requireBackground, requireRoom } from './rows.ts'

/**
 * Throws `RangeError` where the background has no rows, or the forest has lines in its leaves.
 *
 * @param background rows of the forest's columns.
 * @param players features, where the forest's columns are made of them: then rows have its columns, and contributions are
 *   those of the features, all columns of a feature coming from the same row.
 */
export function interventionalTreeShap(
  forest: Forest,
  background: Background,
  players: Players = columnsOf(forest),
): Explainer {
  const { base, features, precision } = forest
  const [outputs, width, size] = [base.length, features.length, players.count]
  requireBackground(background, width)
  if (forest.lines !== undefined) throw new RangeError('Cannot explain: leaves are lines, wanted numbers')
  const others = Array.from({ length: background.count }, (_, index) => {
    const other = new Float64Array(width)
    readRow(background.rows, index * width, precision, other)
    return other
  })
  const trees = treesOf(forest)
  const walk = walker(forest, trees, players)
  const row = new Float64Array(width)
  return {
    method: 'interventional-tree-shap',
    outputCount: outputs,
    featureCount: size,
    bias: meanMargins(forest, trees, others),
    bytes: forestBytes(forest) + others.length * width * 8,
    explain(rows, count, out) {
      requireRoom(rows, count * width, out, count * outputs * size)
      out.fill(0, 0, count * outputs * size)
      for (let index = 0; index < count; index++) {
        readRow(rows, index * width, precision, row)
        const parts = out.subarray(index * outputs * size, (index + 1) * outputs * size)
        for (const other of others) walk(row, other, parts)
        for (let part = 0; part < parts.length; part++) parts[part]! /= others.length
      }
    },
  }
}

function meanMargins(forest: Forest, trees: readonly ForestTree[], rows: readonly Float64Array[]): Float64Array {
  const mean = Float64Array.from(forest.base)
  for (const tree of trees) {
    for (const row of rows) {
      let node = tree.root
      while (forest.feature[node]! >= 0) {
        node = forest.child[node]! + (goesLeft(forest, node, row[forest.feature[node]!]!) ? 0 : 1)
      }
      for (let offset = 0; offset < tree.outputs; offset++) {
        mean[tree.output + offset]! += leafWorth(forest, tree, node, offset) / rows.length
      }
    }
  }
  return mean
}

/** Where a feature that the two rows take to different sides comes from, once the way has chosen. */
const OPEN = 0
const FROM_ROW = 1
const FROM_OTHER = 2

/** Adds the contributions of all trees against one row of the background, by output and feature. */
function walker(forest: Forest, trees: readonly ForestTree[], players: Players) {
  const { feature, child } = forest
  const size = trees.reduce((most, { root }) => Math.max(most, mostFeaturesOnPath(forest, root)), 0) + 1
  const shapleyWeights = weightTable(size)
  const chosen = new Uint8Array(players.count)
  return (row: Float64Array, other: Float64Array, out: Float64Array): void => {
    let [tree, offset, start] = [trees[0]!, 0, 0]
    /** What the leaves below give each feature that comes from the row, and take from each that comes from the other. */
    let [given, taken] = [0, 0]
    const visit = (node: number, x: number, b: number): void => {
      const column = feature[node]!
      if (column < 0) {
        const worth = leafWorth(forest, tree, node, offset)
        given = x === 0 ? 0 : worth * shapleyWeights[(x - 1) * size + b]!
        taken = b === 0 ? 0 : worth * shapleyWeights[x * size + b - 1]!
        return
      }
      const rowNext = child[node]! + (goesLeft(forest, node, row[column]!) ? 0 : 1)
      const otherNext = child[node]! + (goesLeft(forest, node, other[column]!) ? 0 : 1)
      const player = players.of[column]!
      if (rowNext === otherNext || chosen[player] !== OPEN) {
        visit(chosen[player] === FROM_OTHER ? otherNext : rowNext, x, b)
        return
      }
      chosen[player] = FROM_ROW
      visit(rowNext, x + 1, b)
      out[start + player]! += given
      const [givenThere, takenThere] = [given, taken]
      chosen[player] = FROM_OTHER
      visit(otherNext, x, b + 1)
      out[start + player]! -= taken
      chosen[player] = OPEN
      given += givenThere
      taken += takenThere
    }
    for (tree of trees) {
      for (offset = 0; offset < tree.outputs; offset++) {
        start = (tree.output + offset) * players.count
        visit(tree.root, 0, 0)
      }
    }
  }
}

/** At `a × size + b`: a! b! / (a + b + 1)!. */
function weightTable(size: number): Float64Array {
  const table = new Float64Array(size * size)
  for (let a = 0; a < size; a++) {
    table[a * size] = 1 / (a + 1)
    for (let b = 1; b < size; b++) table[a * size + b] = (table[a * size + b - 1]! * b) / (a + b + 1)
  }
  return table
}

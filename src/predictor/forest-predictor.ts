/**
 * The scalar path from a row to its answers: the reference that every faster kernel is held against. It allocates nothing
 * per row.
 */
import { type Forest, forestBytes, type LeafLines } from './forest.ts'
import { answering } from './link.ts'
import { headOf, type MarginPredictor, requireRoom } from './predictor.ts'
import { isPlain, readMissing, seekAny, seekPlain } from './seek-leaves.ts'

const f32 = Math.fround

/** Adds what the leaves are worth to the sums. */
type AddLeaves = (leaves: Int32Array, sums: Float64Array, row: Float64Array) => void

/** Writes the sums of `count` rows: see `MarginPredictor.margin`. */
export type Margins = MarginPredictor['margin']

/** @param margins a faster way to the same sums. */
export function forestPredictor(forest: Forest, margins: Margins = scalarMargins(forest)): MarginPredictor {
  const { features, base, precision } = forest
  const width = features.length
  const outputs = base.length
  const margin = (rows: Float64Array, count: number, out: Float64Array): void => {
    requireRoom(rows, count * width, out, count * outputs)
    margins(rows, count, out)
  }
  const { outputCount, predict } = answering(forest, precision, width, outputs)
  return {
    ...headOf(forest),
    outputCount,
    marginCount: outputs,
    bytes: forestBytes(forest),
    margin,
    predict(rows: Float64Array, count: number, out: Float64Array): void {
      requireRoom(rows, count * width, out, count * outputCount)
      predict(margin, rows, count, out)
    },
  }
}

/** Row by row, in plain JavaScript. */
export function scalarMargins(forest: Forest): Margins {
  const { features, base, precision } = forest
  const width = features.length
  const outputs = base.length
  const row = new Float64Array(3 * width)
  const sums = new Float64Array(outputs)
  const leaves = new Int32Array(forest.roots.length)
  const plain = isPlain(forest)
  const seek = plain ? seekPlain(forest, forest.depth) : seekAny(forest)
  const addLeaves = adder(forest)
  const single = precision === 'float32'

  return (rows, count, out) => {
    for (let index = 0; index < count; index++) {
      const from = index * width
      for (let column = 0; column < width; column++)
        row[column] = single ? f32(rows[from + column]!) : rows[from + column]!
      if (plain) readMissing(row, width)
      seek(row, leaves)
      for (let output = 0; output < outputs; output++) sums[output] = base[output]!
      addLeaves(leaves, sums, row)
      for (let output = 0; output < outputs; output++) out[index * outputs + output] = sums[output]!
    }
  }
}

function adder(forest: Forest): AddLeaves {
  if (forest.lines !== undefined) return addLines(forest, forest.lines)
  if (forest.leafVectors !== undefined) return addVectors(forest, forest.leafVectors)
  if (forest.weights !== undefined || forest.base.length > 1) return addWeighted(forest)
  return forest.precision === 'float32' ? add32(forest) : add64(forest)
}

/** A line that a missing value spoils gives way to the leaf's value. */
function addLines({ value, child, weights, groups }: Forest, lines: LeafLines): AddLeaves {
  const { starts, constants, features, coefficients } = lines
  return (leaves, sums, row) => {
    for (let tree = 0; tree < leaves.length; tree++) {
      const leaf = leaves[tree]!
      const at = child[leaf]!
      let worth = at < 0 ? value[leaf]! : constants[at]!
      if (at >= 0) {
        for (let term = starts[at]!; term < starts[at + 1]!; term++) {
          const x = row[features[term]!]!
          if (Number.isNaN(x)) {
            worth = value[leaf]!
            break
          }
          worth += coefficients[term]! * x
        }
      }
      const group = groups?.[tree] ?? 0
      sums[group] = sums[group]! + (weights === undefined ? worth : worth * weights[tree]!)
    }
  }
}

/** One output, no weights. */
function add32({ value }: Forest): AddLeaves {
  const worth = Float32Array.from(value)
  return (leaves, sums) => {
    let sum = f32(sums[0]!)
    for (let tree = 0; tree < leaves.length; tree++) sum = f32(sum + worth[leaves[tree]!]!)
    sums[0] = sum
  }
}

function add64({ value }: Forest): AddLeaves {
  return (leaves, sums) => {
    let sum = sums[0]!
    for (let tree = 0; tree < leaves.length; tree++) sum += value[leaves[tree]!]!
    sums[0] = sum
  }
}

function addWeighted({ value, weights, groups, precision }: Forest): AddLeaves {
  const single = precision === 'float32'
  return (leaves, sums) => {
    for (let tree = 0; tree < leaves.length; tree++) {
      const group = groups?.[tree] ?? 0
      const leaf = value[leaves[tree]!]!
      const worth = weights === undefined ? leaf : leaf * weights[tree]!
      sums[group] = single ? f32(sums[group]! + f32(worth)) : sums[group]! + worth
    }
  }
}

function addVectors({ child, weights, precision }: Forest, vectors: Float64Array): AddLeaves {
  const single = precision === 'float32'
  return (leaves, sums) => {
    for (let tree = 0; tree < leaves.length; tree++) {
      const start = child[leaves[tree]!]!
      for (let output = 0; output < sums.length; output++) {
        const leaf = vectors[start + output]!
        const worth = weights === undefined ? leaf : leaf * weights[tree]!
        sums[output] = single ? f32(sums[output]! + f32(worth)) : sums[output]! + worth
      }
    }
  }
}

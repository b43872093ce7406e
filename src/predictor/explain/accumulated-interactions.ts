/**
 * Accumulated local effects of two features together, without what each has alone (Apley and Zhu 2020, section 2.3 and
 * appendix B; R package `ALEPlot`): how the change of the answer with one feature changes with the other, for the rows that
 * are in each cell of a grid, added up along both.
 */
import { sortedValues } from '../../math/quantiles.ts'
import type { Background } from '../explainer.ts'
import { requireBackground } from '../shap/rows.ts'
import { type Answering, answerEach, type Effort } from './answering.ts'
import { columnOf, intervalEnds, intervalOf, requireTwo } from './intervals.ts'
import { requireFeature } from './partial-dependence.ts'

export interface LocalInteractionsOptions extends Effort {
  /** Intervals of each feature, with about as many rows each; 20 unless it is said, at most 64. */
  readonly intervals?: number
  /** Ends of the intervals of each feature instead, ascending. */
  readonly ends?: readonly [Float64Array, Float64Array]
}

export interface LocalInteractions {
  /** Ends of the intervals of each feature. */
  readonly values: readonly [Float64Array, Float64Array]
  /** `(output × values of the first + i) × values of the second + j`. */
  readonly effects: Float64Array
  /** Rows by cell, `first interval × intervals of the second + second interval`; what has none takes its nearest neighbour's. */
  readonly counts: Int32Array
  readonly rowsAsked: number
}

const INTERVALS_MAX = 64

/** Rejects with a `RangeError` where there are no rows, or one of the features does not take two values. */
export async function accumulatedLocalInteractions(
  model: Answering,
  data: Background,
  features: readonly [number, number],
  options: LocalInteractionsOptions = {},
): Promise<LocalInteractions> {
  const [width, outputs, { rows }] = [model.features.length, model.outputCount, data]
  requireBackground(data, width)
  const axes = features.map((feature, axis) => axisOf(data, feature, axis, width, options)) as [Axis, Axis]
  const [first, second] = axes
  const size = (second.ends.length - 1) * (first.ends.length - 1)
  const counts = new Int32Array(size)
  const changes = new Float64Array(outputs * size)
  const inside = Array.from({ length: data.count }, (_, row) => row).filter(
    row => first.places[row]! > 0 && second.places[row]! > 0,
  )
  await answerEach(
    model,
    4 * inside.length,
    (index, made) => {
      const row = inside[index >> 2]!
      made.set(rows.subarray(row * width, (row + 1) * width))
      // The four corners of the cell: the lower end of an axis for a 0 bit.
      for (const [bit, { ends, places }] of axes.entries()) {
        made[features[bit]!] = ends[places[row]! - 1 + ((index >> bit) & 1)]!
      }
    },
    (index, answers) => {
      const row = inside[index >> 2]!
      const cell = (first.places[row]! - 1) * (second.ends.length - 1) + second.places[row]! - 1
      if (index % 4 === 0) counts[cell]!++
      const sign = index % 4 === 0 || index % 4 === 3 ? 1 : -1
      for (let output = 0; output < outputs; output++) changes[output * size + cell]! += sign * answers[output]!
    },
    options,
  )
  const [K, L] = [first.ends.length, second.ends.length]
  const effects = new Float64Array(outputs * K * L)
  const neighbours = nearestCells(counts, first.ends, second.ends)
  for (let output = 0; output < outputs; output++) {
    const means = Float64Array.from(neighbours, cell => changes[output * size + cell]! / counts[cell]!)
    effects.set(centred(added(means, K, L), counts, K, L), output * K * L)
  }
  return { values: [first.ends, second.ends], effects, counts, rowsAsked: 4 * inside.length }
}

interface Axis {
  readonly ends: Float64Array
  /** By row: its interval, from 1 on; 0 where its value is missing, or outside. */
  readonly places: Int32Array
}

function axisOf(
  data: Background,
  feature: number,
  axis: number,
  width: number,
  { ends: given, intervals = 20 }: LocalInteractionsOptions,
): Axis {
  requireFeature(feature, width)
  const column = columnOf(data, feature, width)
  const ends = given?.[axis] ?? intervalEnds(sortedValues(column).filter(Number.isFinite), intervals)
  requireTwo(ends.length)
  if (ends.length > INTERVALS_MAX + 1) {
    throw new RangeError(`Cannot compute local effects: ${ends.length - 1} intervals, wanted at most ${INTERVALS_MAX}`)
  }
  return { ends: ends.slice(), places: Int32Array.from(column, value => intervalOf(ends, value) ?? 0) }
}

/** By cell: itself where it has rows, else the nearest that has, in shares of the range of each feature. */
function nearestCells(counts: Int32Array, first: Float64Array, second: Float64Array): Int32Array {
  const width = second.length - 1
  const centre = (ends: Float64Array, at: number): number => (ends[at]! + ends[at + 1]!) / 2 / (ends.at(-1)! - ends[0]!)
  const x = Float64Array.from(counts, (_, cell) => centre(first, Math.floor(cell / width)))
  const y = Float64Array.from(counts, (_, cell) => centre(second, cell % width))
  const filled = Array.from(counts.keys()).filter(cell => counts[cell]! > 0)
  return counts.map((count, cell) => {
    if (count > 0) return cell
    let [best, least] = [-1, Number.POSITIVE_INFINITY]
    for (const other of filled) {
      const distance = (x[other]! - x[cell]!) ** 2 + (y[other]! - y[cell]!) ** 2
      if (distance < least) [best, least] = [other, distance]
    }
    return best
  })
}

/** Adds changes up along both axes: K × L sums of (K − 1) × (L − 1) changes. */
function added(changes: Float64Array, K: number, L: number): Float64Array {
  const sums = new Float64Array(K * L)
  for (let i = 1; i < K; i++) {
    for (let j = 1; j < L; j++) {
      const before = sums[(i - 1) * L + j]! + sums[i * L + j - 1]! - sums[(i - 1) * L + j - 1]!
      sums[i * L + j] = before + changes[(i - 1) * (L - 1) + j - 1]!
    }
  }
  return sums
}

/** Takes from the sums what each feature has alone, and then their mean over the rows. */
function centred(sums: Float64Array, counts: Int32Array, K: number, L: number): Float64Array {
  const at = (i: number, j: number): number => sums[i * L + j]!
  const rowsIn = (i: number, j: number): number => counts[(i - 1) * (L - 1) + j - 1]!
  const along = (length: number, across: number, change: (i: number, j: number) => [number, number]): Float64Array => {
    const effects = new Float64Array(length)
    for (let i = 1; i < length; i++) {
      let [sum, rows] = [0, 0]
      for (let j = 1; j < across; j++) {
        const [step, count] = change(i, j)
        sum += step * count
        rows += count
      }
      effects[i] = effects[i - 1]! + (rows === 0 ? 0 : sum / rows)
    }
    return effects
  }
  const first = along(K, L, (i, j) => [(at(i, j) - at(i - 1, j) + at(i, j - 1) - at(i - 1, j - 1)) / 2, rowsIn(i, j)])
  const second = along(L, K, (j, i) => [(at(i, j) - at(i, j - 1) + at(i - 1, j) - at(i - 1, j - 1)) / 2, rowsIn(i, j)])
  const alone = sums.map((sum, cell) => sum - first[Math.floor(cell / L)]! - second[cell % L]!)
  let [total, rows] = [0, 0]
  for (let i = 1; i < K; i++) {
    for (let j = 1; j < L; j++) {
      const corners = [i * L + j, (i - 1) * L + j, i * L + j - 1, (i - 1) * L + j - 1]
      total += (rowsIn(i, j) * corners.reduce((sum, corner) => sum + alone[corner]!, 0)) / 4
      rows += rowsIn(i, j)
    }
  }
  return alone.map(effect => effect - total / rows)
}

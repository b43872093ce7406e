/**
 * KernelSHAP: Shapley values of any model, by asking it (Lundberg and Lee 2017, "A unified approach to interpreting model
 * predictions"). The game is the interventional one: a coalition of features is worth what the model answers on average over
 * the rows of a background where the features of the coalition are taken from the row explained. The values are the weighted
 * least squares fit of the worths by a sum over members, weights being the Shapley kernel; it is exact where all coalitions
 * are asked for.
 */
import { solvePositive } from '../../math/linear/cholesky.ts'
import type { Background } from '../explainer.ts'
import { requireBackground } from '../shap/rows.ts'
import { type Answering, answerEach, type SampledEffort } from './answering.ts'
import { type Coalitions, coalitionsOf } from './coalitions.ts'

export interface KernelShapOptions extends SampledEffort {
  /** Coalitions to ask for; 2,048 + 2 × features unless it is said. Each costs as many rows as the background has. */
  readonly budget?: number
}

export interface KernelExplanation {
  readonly method: 'kernel-shap'
  /** What the model answers for the row, by output. */
  readonly answers: Float64Array
  /** Its mean answer over the background, by output. */
  readonly bias: Float64Array
  /** `output × features + feature`; `bias` and the contributions to an output sum to the answer. */
  readonly contributions: Float64Array
  /**
   * Standard error of each contribution from sampling coalitions, by the jackknife over batches; 0 where all were asked for.
   * That the background is a sample too is not in it.
   */
  readonly standardErrors: Float64Array
  /** Whether all coalitions were asked for. */
  readonly isExact: boolean
  /** Rows that the model was asked for. */
  readonly rowsAsked: number
}

/** More features that differ from the background make the least squares too large. */
const PLAYERS_MAX = 512

/** Rejects with a `RangeError` where the background is empty, or the budget or the features do not fit. */
export async function kernelShap(
  model: Answering,
  background: Background,
  row: Float64Array,
  options: KernelShapOptions,
): Promise<KernelExplanation> {
  const [width, outputs] = [model.features.length, model.outputCount]
  requireBackground(background, width)
  if (row.length !== width) throw new RangeError(`Cannot explain: the row has ${row.length} values, wanted ${width}`)
  const players = playersOf(background, row)
  const plan = planFor(players.length, options)
  const none = new Uint8Array(players.length)
  const sets = [none, ...plan.members]
  const worths = new Float64Array(sets.length * outputs)
  const answers = new Float64Array(outputs)
  await answerEach(
    model,
    sets.length * background.count + 1,
    (index, mixed) => {
      const set = sets[Math.floor(index / background.count)]
      if (set === undefined) return mixed.set(row)
      const start = (index % background.count) * width
      mixed.set(background.rows.subarray(start, start + width))
      for (const [player, column] of players.entries()) if (set[player] === 1) mixed[column] = row[column]!
    },
    (index, answer) => {
      const set = Math.floor(index / background.count)
      if (set === sets.length) answers.set(answer)
      else for (let output = 0; output < outputs; output++) worths[set * outputs + output]! += answer[output]!
    },
    options,
  )
  for (let at = 0; at < worths.length; at++) worths[at]! /= background.count
  const bias = worths.slice(0, outputs)
  const fitted = fit(plan, players.length, worths.subarray(outputs), bias, answers)
  return {
    method: 'kernel-shap',
    answers,
    bias,
    contributions: spread(fitted.values, players, width, outputs),
    standardErrors: spread(fitted.errors, players, width, outputs),
    isExact: plan.batches === 0,
    rowsAsked: sets.length * background.count + 1,
  }
}

/** Features in which the row differs from some row of the background: the others get 0. */
function playersOf({ rows, count }: Background, row: Float64Array): number[] {
  const players: number[] = []
  for (let column = 0; column < row.length; column++) {
    for (let other = 0; other < count; other++) {
      if (Object.is(rows[other * row.length + column], row[column])) continue
      players.push(column)
      break
    }
  }
  return players
}

function planFor(players: number, { budget = 2048 + 2 * players, random }: KernelShapOptions): Coalitions {
  if (players > PLAYERS_MAX) {
    throw new RangeError(
      `Cannot explain: ${players} features differ from the background, wanted at most ${PLAYERS_MAX}`,
    )
  }
  if (!(Number.isInteger(budget) && budget >= 2 * players)) {
    throw new RangeError(`Cannot explain: the budget is ${budget} coalitions, wanted at least ${2 * players}`)
  }
  return players < 2 ? { members: [], terms: [], batches: 0 } : coalitionsOf(players, budget, random)
}

/** From one number a player to one a feature. */
function spread(values: Float64Array, players: readonly number[], width: number, outputs: number): Float64Array {
  const all = new Float64Array(outputs * width)
  for (let output = 0; output < outputs; output++) {
    for (const [player, column] of players.entries()) {
      all[output * width + column] = values[output * players.length + player]!
    }
  }
  return all
}

interface Fitted {
  /** `output × players + player` */
  readonly values: Float64Array
  readonly errors: Float64Array
}

/** Normal equations: Σ weight × members × membersᵀ, and Σ weight × members × (worth − bias) for each output. */
interface Equations {
  readonly matrix: Float64Array
  readonly sides: Float64Array
}

function fit(plan: Coalitions, size: number, worths: Float64Array, bias: Float64Array, answers: Float64Array): Fitted {
  const totals = answers.map((answer, output) => answer - bias[output]!)
  if (size < 2)
    return { values: size === 0 ? new Float64Array(0) : totals, errors: new Float64Array(size * totals.length) }
  const certain = equations(size, totals.length)
  const sampled = Array.from({ length: plan.batches }, () => equations(size, totals.length))
  for (const { coalition, weight, batch } of plan.terms) {
    const into = batch < 0 ? certain : sampled[batch]!
    addTerm(into, plan.members[coalition]!, weight, worths.subarray(coalition * totals.length), bias)
  }
  const values = solve(
    summed([certain, ...sampled], () => 1),
    size,
    totals,
  )
  const errors = new Float64Array(values.length)
  if (plan.batches === 0) return { values, errors }
  // Delete-a-group jackknife: the others stand for the one left out.
  const scale = plan.batches / (plan.batches - 1)
  const without = sampled.map((_, left) =>
    solve(
      summed([certain, ...sampled], part => (part === 0 ? 1 : part - 1 === left ? 0 : scale)),
      size,
      totals,
    ),
  )
  for (let at = 0; at < values.length; at++) {
    const mean = without.reduce((sum, found) => sum + found[at]!, 0) / plan.batches
    const squares = without.reduce((sum, found) => sum + (found[at]! - mean) ** 2, 0)
    errors[at] = Math.sqrt(squares / scale)
  }
  return { values, errors }
}

function equations(size: number, outputs: number): Equations {
  return { matrix: new Float64Array(size * size), sides: new Float64Array(outputs * size) }
}

function addTerm(
  { matrix, sides }: Equations,
  set: Uint8Array,
  weight: number,
  worths: Float64Array,
  bias: Float64Array,
) {
  const inside: number[] = []
  for (let player = 0; player < set.length; player++) if (set[player] === 1) inside.push(player)
  for (const i of inside) {
    for (const j of inside) {
      if (j > i) break
      matrix[i * set.length + j]! += weight
    }
    for (let output = 0; output < bias.length; output++) {
      sides[output * set.length + i]! += weight * (worths[output]! - bias[output]!)
    }
  }
}

function summed(parts: readonly Equations[], weightOf: (part: number) => number): Equations {
  const [first] = parts
  const sum = equations(Math.sqrt(first!.matrix.length), 0)
  const sides = new Float64Array(first!.sides.length)
  for (const [part, equation] of parts.entries()) {
    const weight = weightOf(part)
    if (weight === 0) continue
    for (let at = 0; at < sum.matrix.length; at++) sum.matrix[at]! += weight * equation.matrix[at]!
    for (let at = 0; at < sides.length; at++) sides[at]! += weight * equation.sides[at]!
  }
  return { matrix: sum.matrix, sides }
}

/** Least squares under the condition that the values of an output sum to its total. */
function solve({ matrix, sides }: Equations, size: number, totals: Float64Array): Float64Array {
  const all = new Float64Array(sides.length + size).fill(1)
  all.set(sides)
  // Positive definite, since all coalitions of one player are among the terms.
  const found = solvePositive(matrix, size, all, totals.length + 1) ?? all.fill(Number.NaN)
  const ones = found.subarray(sides.length)
  const onesSum = ones.reduce((sum, value) => sum + value, 0)
  const values = found.slice(0, sides.length)
  for (const [output, total] of totals.entries()) {
    const part = values.subarray(output * size, (output + 1) * size)
    const excess = (part.reduce((sum, value) => sum + value, 0) - total) / onesSum
    for (let at = 0; at < size; at++) part[at]! -= excess * ones[at]!
  }
  return values
}

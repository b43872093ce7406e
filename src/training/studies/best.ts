/** What a study has found: the best trial, or of several objectives the front of those that none is better than. */
import { Problem } from '../../errors.ts'
import { hypervolume } from '../../math/search/pareto.ts'
import type { StudyDefinition } from './definition.ts'
import { bestOf } from './rank.ts'
import { lossesOf, type Trial } from './trial.ts'

export interface Best {
  readonly trials: readonly Trial[]
  /** What the front dominates up to the reference point; the more, the better. */
  readonly hypervolume?: number
}

/** Trials that are complete: number, and values in the order of the objectives. */
export type Outcomes = readonly { readonly number: number; readonly values: readonly number[] }[]

/** @param reference a value for each objective, worse than what shall count: `0.5,200`. */
export function bestNumbers(
  definition: StudyDefinition,
  outcomes: Outcomes,
  reference: string | undefined,
): { readonly numbers: readonly number[]; readonly hypervolume?: number } {
  const limit = reference === undefined ? undefined : lossesOf(definition, pointOf(reference, definition))
  const judged = outcomes.map(({ number, values }) => ({ number, losses: lossesOf(definition, values) }))
  const best = bestOf(judged)
  const numbers = best.map(({ number }) => number)
  if (limit === undefined) return { numbers }
  const front = best.map(({ losses }) => losses)
  return { numbers, hypervolume: hypervolume(front, limit) }
}

function pointOf(reference: string, { objectives }: StudyDefinition): number[] {
  const point = reference.split(',').map(text => (text.trim() === '' ? Number.NaN : Number(text)))
  if (point.length === objectives.length && point.every(Number.isFinite)) return point
  const problem = `is ${reference}, wanted ${objectives.length} numbers with commas between them`
  throw new Problem('invalid', `Cannot measure the front: reference ${problem}`, {
    fields: [{ field: 'reference', problem }],
  })
}

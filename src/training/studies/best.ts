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

/** @param reference a value for each objective, worse than what shall count: `0.5,200`. */
export function bestTrials(definition: StudyDefinition, trials: readonly Trial[], reference: string | undefined): Best {
  const judged = trials.map(trial => ({
    trial,
    losses: lossesOf(
      definition,
      definition.objectives.map(({ name }) => Number(trial.values![name])),
    ),
  }))
  const best = bestOf(judged)
  const found = best.map(({ trial }) => trial)
  if (reference === undefined) return { trials: found }
  const point = reference.split(',').map(text => (text.trim() === '' ? Number.NaN : Number(text)))
  const count = definition.objectives.length
  if (point.length !== count || !point.every(Number.isFinite)) {
    const problem = `is ${reference}, wanted ${count} numbers with commas between them`
    throw new Problem('invalid', `Cannot measure the front: reference ${problem}`, {
      fields: [{ field: 'reference', problem }],
    })
  }
  const limit = lossesOf(definition, point)
  return {
    trials: found,
    hypervolume: hypervolume(
      best.map(({ losses }) => losses),
      limit,
    ),
  }
}

/** Telling what came of a trial, and adding trials by hand. */
import { Problem } from '../../errors.ts'
import { type StudyDefinition, TRIALS_MAX } from './definition.ts'
import { judgeSettings, type Settings } from './space.ts'
import type { StudyChange, TrialChange } from './store.ts'
import type { TrialsRow } from './tables.ts'
import { sent, type Told, type Trial, trialOf, valuesOf } from './trial.ts'

export interface TellRequest extends Told {
  /** Default: `complete`. */
  readonly state?: 'complete' | 'pruned' | 'failed'
  /** Of a trial that failed: try it again, while the study allows. */
  readonly retry?: boolean
  readonly error?: string
  /** The attempt that is told of: refused where another has begun since. */
  readonly attempt?: number
}

/** A trial that somebody wants tried, or, with values, has tried. */
export interface NewTrial extends Told {
  readonly params: Settings
}

export async function tell(
  change: StudyChange,
  definition: StudyDefinition,
  number: number,
  request: TellRequest,
  now: number,
): Promise<Trial> {
  const row = await change.trial(number)
  const cannot = `Cannot tell trial ${number} of ${definition.name}`
  if (row === undefined) throw new Problem('not_found', `${cannot}: there is no such trial`)
  if (request.attempt !== undefined && request.attempt !== row.attempt) {
    const found = request.attempt < row.attempt ? 'another worker has taken it over since' : 'it was not begun so often'
    throw new Problem('conflict', `${cannot}: ${found} (attempt ${request.attempt} told, ${row.attempt} known)`)
  }
  const outcome = outcomeOf(definition, request)
  if (row.finished_at !== null) {
    // Who had no answer tells again, and is told that it is known.
    if (row.state === outcome.state && row.outcome === outcome.outcome) return trialOf(row, definition)
    throw new Problem('conflict', `${cannot}: it is ${row.state} already, and what is told differs`)
  }
  if (row.state === 'waiting') throw new Problem('conflict', `${cannot}: nobody has asked for it yet`)
  const { revision } = change.study
  const isAgain = outcome.state === 'failed' && request.retry === true && row.attempt < definition.attempts
  const next: TrialChange = isAgain
    ? { state: 'waiting', lease_until: null, error: outcome.error, revision }
    : { ...outcome, lease_until: null, finished_at: now, revision }
  await change.change(number, next)
  return trialOf({ ...row, ...next }, definition)
}

function outcomeOf(
  definition: StudyDefinition,
  { state = 'complete', error, retry, attempt: _, ...told }: TellRequest,
): Pick<TrialsRow, 'state' | 'outcome' | 'error'> {
  if (state !== 'complete') {
    const field = told.value === undefined ? 'values' : 'value'
    if (told.value !== undefined || told.values !== undefined)
      throw misplaced(field, `belongs to no trial that is ${state}`)
    if (state === 'pruned' && (error !== undefined || retry !== undefined)) {
      throw misplaced(error === undefined ? 'retry' : 'error', 'belongs to no trial that is pruned')
    }
    return { state, outcome: null, error: error ?? null }
  }
  if (error !== undefined || retry !== undefined) {
    throw misplaced(error === undefined ? 'retry' : 'error', 'belongs to a trial that failed')
  }
  return completed(definition, told)
}

function misplaced(field: string, problem: string): Problem {
  return new Problem('invalid', `Cannot tell the trial: ${field} ${problem}`, { fields: [{ field, problem }] })
}

/** A value that is no number can be compared with nothing: such a trial has failed. */
function completed(definition: StudyDefinition, told: Told): Pick<TrialsRow, 'state' | 'outcome' | 'error'> {
  const values = valuesOf(definition, told)
  const strange = values.findIndex(Number.isNaN)
  if (strange !== -1) {
    return { state: 'failed', outcome: null, error: `The value of ${definition.objectives[strange]!.name} was NaN` }
  }
  return { state: 'complete', outcome: JSON.stringify(values.map(sent)), error: null }
}

export async function addTrial(
  change: StudyChange,
  definition: StudyDefinition,
  { params, ...told }: NewTrial,
  now: number,
): Promise<Trial> {
  const { study } = change
  const fields = judgeSettings(definition.space, params)
  if (fields.length > 0) {
    const { field, problem } = fields[0]!
    throw new Problem('invalid', `Cannot add the trial: ${field} ${problem}`, { fields })
  }
  const most = definition.trials ?? TRIALS_MAX
  if (study.trials >= most) {
    throw new Problem('conflict', `Cannot add the trial: ${definition.name} has its ${most} trials already`)
  }
  const isTold = told.value !== undefined || told.values !== undefined
  const begun = isTold ? { ...completed(definition, told), attempt: 1, started_at: now, finished_at: now } : UNTRIED
  const row: TrialsRow = {
    study: study.id,
    number: study.trials,
    params: JSON.stringify(params),
    trace: null,
    worker: null,
    lease_until: null,
    last_step: null,
    last_value: null,
    created_at: now,
    revision: study.revision,
    ...begun,
  }
  await change.add([row])
  return trialOf(row, definition)
}

const UNTRIED = {
  state: 'waiting',
  outcome: null,
  error: null,
  attempt: 0,
  started_at: null,
  finished_at: null,
} as const

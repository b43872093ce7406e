/** Asking for trials: first those that somebody left, then those that wait, then new ones. */
import { type StudyDefinition, TRIALS_MAX } from './definition.ts'
import type { GrowingHistory } from './history.ts'
import type { StudyChange } from './store.ts'
import { suggest } from './suggest.ts'
import type { TrialsRow } from './tables.ts'
import { type Trial, trialOf } from './trial.ts'

export interface AskRequest {
  /** How many at most. */
  readonly count: number
  /** Who will try them; people read it. */
  readonly worker?: string
}

export interface Asked {
  readonly trials: readonly Trial[]
  /** Every trial there shall be has been tried: whoever asks again is given nothing. */
  readonly done: boolean
}

const SILENT = 'Its worker was not heard of in time, and it was begun as often as the study allows'

export async function ask(
  change: StudyChange,
  definition: StudyDefinition,
  history: GrowingHistory,
  { count, worker }: AskRequest,
  now: number,
): Promise<Asked> {
  const { revision } = change.study
  const taken = {
    state: 'running' as const,
    worker: worker ?? null,
    lease_until: now + definition.heartbeatMs,
    started_at: now,
    last_step: null,
    last_value: null,
    revision,
  }
  const given: TrialsRow[] = []
  // Those that are given up make room for others, so it is looked again until there are enough or no more.
  for (let open = await change.open(now, count); open.length > 0; ) {
    for (const row of open) {
      if (row.attempt < definition.attempts || row.state === 'waiting') {
        const begun = { ...taken, attempt: row.attempt + 1 }
        await change.change(row.number, begun)
        given.push({ ...row, ...begun })
      } else {
        await change.change(row.number, {
          state: 'failed',
          finished_at: now,
          lease_until: null,
          error: SILENT,
          revision,
        })
      }
    }
    if (given.length >= count) break
    open = await change.open(now, count - given.length)
  }
  const added = newTrials(change, definition, history, count - given.length, { ...taken, created_at: now })
  await change.add(added)
  const trials = [...given, ...added].map(row => trialOf(row, definition))
  const isOver = change.study.trials + added.length >= (definition.trials ?? TRIALS_MAX)
  return { trials, done: trials.length === 0 && isOver && history.running.size === 0 }
}

function newTrials(
  { study }: StudyChange,
  definition: StudyDefinition,
  history: GrowingHistory,
  wanted: number,
  begun: Pick<
    TrialsRow,
    'state' | 'worker' | 'lease_until' | 'started_at' | 'created_at' | 'last_step' | 'last_value' | 'revision'
  >,
): TrialsRow[] {
  const left = (definition.trials ?? TRIALS_MAX) - study.trials
  const rows: TrialsRow[] = []
  for (let i = 0; i < Math.min(wanted, left); i++) {
    const number = study.trials + i
    const { params, trace } = suggest(definition, history, number)
    rows.push({
      ...begun,
      study: study.id,
      number,
      params: JSON.stringify(params),
      trace: trace === undefined ? null : JSON.stringify(trace),
      outcome: null,
      attempt: 1,
      error: null,
      finished_at: null,
    })
    // The next of the same answer knows of this one.
    history.expect(rows.at(-1)!)
  }
  return rows
}

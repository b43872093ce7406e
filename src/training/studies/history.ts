/** What a study has learned so far, in memory: read from the database in the order in which it became known. */
import type { StudyDefinition } from './definition.ts'
import { placeOf, type Settings } from './space.ts'
import type { TrialState, TrialsRow } from './tables.ts'
import { lossesOf, type SentNumber } from './trial.ts'

export interface KnownTrial {
  readonly number: number
  readonly state: TrialState
  /** Of each parameter, in the order of the space, the number that its dimension knows the value by; NaN where it has none. */
  readonly places: Float64Array
  /** The less, the better; of trials that are complete. */
  readonly losses: readonly number[] | undefined
  readonly lastStep: number | undefined
  /** The less, the better. */
  readonly lastLoss: number | undefined
  /** What the sampler left. */
  readonly trace: unknown
}

export interface History {
  /** Up to where it was read. */
  readonly revision: number
  /** Trials that somebody works on. */
  readonly running: ReadonlyMap<number, KnownTrial>
  /** Those that are over, in the order in which that became known, which is the same for everybody who reads the study. */
  readonly finished: readonly KnownTrial[]
}

export interface GrowingHistory extends History {
  take(rows: readonly TrialsRow[], revision: number): void
  /** A trial that is just being given out, and will be read as such. */
  expect(row: TrialsRow): void
}

export function openHistory(definition: StudyDefinition): GrowingHistory {
  const running = new Map<number, KnownTrial>()
  const finished: KnownTrial[] = []
  let known = 0
  return {
    get revision(): number {
      return known
    },
    running,
    finished,
    expect: row => void running.set(row.number, knownTrial(row, definition)),
    take(rows, revision): void {
      for (const row of rows) {
        const trial = knownTrial(row, definition)
        if (row.state === 'running') running.set(row.number, trial)
        else {
          running.delete(row.number)
          if (row.finished_at !== null) finished.push(trial)
        }
      }
      known = revision
    },
  }
}

function knownTrial(row: TrialsRow, definition: StudyDefinition): KnownTrial {
  const { space, objectives } = definition
  const params = JSON.parse(row.params) as Settings
  const places = Float64Array.from(space.parameters, parameter =>
    Object.hasOwn(params, parameter.name) ? (placeOf(parameter, params[parameter.name]!) ?? Number.NaN) : Number.NaN,
  )
  const outcome = row.outcome === null ? undefined : (JSON.parse(row.outcome) as SentNumber[]).map(Number)
  const sign = objectives[0]!.direction === 'maximize' ? -1 : 1
  return {
    number: row.number,
    state: row.state,
    places,
    losses: outcome && lossesOf(definition, outcome),
    lastStep: row.last_step ?? undefined,
    lastLoss: row.last_value === null ? undefined : sign * Number(row.last_value),
    trace: row.trace === null ? undefined : (JSON.parse(row.trace) as unknown),
  }
}

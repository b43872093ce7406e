/**
 * Studies: who wants to try a point asks for one, tries it, and tells what came of it. Workers may be many, in as many
 * processes as share the database; one that dies loses nothing but its own try.
 */
import { Problem } from '../../errors.ts'
import type { ChangeRecord } from '../../ledger/record.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Database } from '../../platform/database.ts'
import type { Ids } from '../../platform/ids.ts'
import { enqueue } from '../../platform/outbox.ts'
import type { Actor } from '../../route.ts'
import { type Asked, type AskRequest, ask } from './ask.ts'
import { type Best, bestNumbers } from './best.ts'
import { type GivenStudy, readStudy, type StudyDefinition } from './definition.ts'
import { type GrowingHistory, openHistory } from './history.ts'
import { type ReportAnswer, type ReportRequest, report } from './report.ts'
import { type AnyTransaction, type StudyChange, type StudyStore, studyStore, type TrialFilter } from './store.ts'
import type { StudiesRow, TrialState } from './tables.ts'
import { addTrial, type NewTrial, type TellRequest, tell } from './tell.ts'
import { type SentNumber, sent, type Trial, trialOf } from './trial.ts'

export interface StudyInfo {
  readonly name: string
  readonly study: GivenStudy
  readonly seed: number
  readonly createdAt: number
  readonly createdBy: string
  readonly trials: Readonly<Record<TrialState, number>>
}

export interface TrialWithReports extends Trial {
  readonly reports: readonly { readonly attempt: number; readonly step: number; readonly value: SentNumber }[]
}

export interface Studies {
  /** The same study again is the one that is there; another of its name is a `conflict`. */
  create(given: GivenStudy, actor: Actor): Promise<{ readonly study: StudyInfo; readonly created: boolean }>
  list(after: string, limit: number): Promise<readonly StudyInfo[]>
  find(name: string): Promise<StudyInfo>
  delete(name: string, actor: Actor): Promise<void>
  ask(name: string, request: AskRequest): Promise<Asked>
  tell(name: string, number: number, request: TellRequest): Promise<Trial>
  add(name: string, trial: NewTrial): Promise<Trial>
  /** Also a sign of life; without a step nothing but that. */
  report(name: string, number: number, request: ReportRequest): Promise<ReportAnswer>
  trials(name: string, filter: TrialFilter): Promise<readonly Trial[]>
  trial(name: string, number: number): Promise<TrialWithReports>
  /** The best trial, or the front; `reference` as in `bestNumbers`. */
  best(name: string, reference?: string): Promise<Best>
}

export interface StudiesParts {
  readonly db: Database
  readonly clock: Clock
  readonly ids: Ids
}

/** A study, read once: definitions never change. */
interface OpenStudy {
  readonly definition: StudyDefinition
  readonly history: GrowingHistory
}

/** Trials that are kept in memory, of all studies together; of the one that is asked, all. */
const KNOWN_TRIALS_MAX = 200_000

export function openStudies({ db, clock, ids }: StudiesParts): Studies {
  const store = studyStore(db)
  const opened = openedStudies()
  const changed = async <T>(name: string, work: (change: StudyChange, open: OpenStudy) => Promise<T>): Promise<T> => {
    const done = await store.locked(name, async change => ({ value: await work(change, opened(change.study)) }))
    if (done === undefined) throw noStudy(name)
    return done.value
  }
  const found = async (name: string): Promise<StudiesRow> => {
    const row = await store.find(name)
    if (row === undefined) throw noStudy(name)
    return row
  }
  return {
    create: (given, actor) => create({ db, clock, ids, store }, given, actor),
    async list(after, limit) {
      const rows = await store.list(after, limit)
      return await Promise.all(rows.map(row => infoOf(row, store)))
    },
    find: async name => infoOf(await found(name), store),
    async delete(name, actor) {
      const deleted = await store.delete(name, (tx, row) =>
        record(tx, { clock, ids }, { action: 'study:deleted', row, actor }),
      )
      if (!deleted) throw noStudy(name)
    },
    ask: (name, request) =>
      changed(name, async (change, { definition, history }) => {
        history.take(await change.since(history.revision), change.study.revision - 1)
        return await ask(change, definition, history, request, clock.now())
      }),
    tell: (name, number, request) =>
      changed(name, (change, { definition }) => tell(change, definition, number, request, clock.now())),
    add: (name, trial) => changed(name, (change, { definition }) => addTrial(change, definition, trial, clock.now())),
    async report(name, number, request) {
      const row = await found(name)
      return await report(store, row.id, opened(row).definition, number, request, clock.now())
    },
    async trials(name, filter) {
      const row = await found(name)
      const { definition } = opened(row)
      return (await store.trials(row.id, filter)).map(trial => trialOf(trial, definition))
    },
    async trial(name, number) {
      const row = await found(name)
      return await trialWithReports(store, row.id, opened(row).definition, number)
    },
    async best(name, reference) {
      const row = await found(name)
      const { definition } = opened(row)
      const { numbers, ...volume } = bestNumbers(definition, await store.outcomes(row.id), reference)
      const trials = await store.numbered(row.id, numbers)
      return { trials: trials.map(trial => trialOf(trial, definition)), ...volume }
    },
  }
}

interface Writing extends StudiesParts {
  readonly store: StudyStore
}

async function create(
  { store, clock, ids }: Writing,
  given: GivenStudy,
  actor: Actor,
): Promise<{ study: StudyInfo; created: boolean }> {
  const id = ids.next()
  // The last characters of an id are chance.
  const { seed, name } = readStudy(given, Number.parseInt(id.slice(-8), 16))
  const at = { created_at: clock.now(), created_by: actor.id }
  const row = { id, name, given: JSON.stringify(given), seed, ...at, trials: 0, revision: 0 }
  const change = { action: 'study:created', row, actor }
  if (await store.create(row, tx => record(tx, { clock, ids }, change))) {
    return { study: await infoOf(row, store), created: true }
  }
  const there = await store.find(name)
  if (there === undefined || !isSame(JSON.parse(there.given), given)) {
    const found = `${name} exists with another definition; choose another name, or delete it first`
    throw new Problem('conflict', `Cannot create the study: ${found}`)
  }
  return { study: await infoOf(there, store), created: false }
}

async function record(
  tx: AnyTransaction,
  { clock, ids }: Pick<StudiesParts, 'clock' | 'ids'>,
  { action, row, actor }: { action: string; row: StudiesRow; actor: Actor },
): Promise<void> {
  const at = clock.now()
  const told = { action, target: `study:${row.name}`, detail: { id: row.id } }
  const change: ChangeRecord = { kind: 'change', id: ids.next(), at, actor: actor.id, ...told }
  await enqueue(tx, { id: change.id, topic: 'change', payload: JSON.stringify(change), at })
}

async function trialWithReports(
  store: StudyStore,
  study: string,
  definition: StudyDefinition,
  number: number,
): Promise<TrialWithReports> {
  const row = await store.trial(study, number)
  if (row === undefined) {
    throw new Problem('not_found', `Cannot show the trial: ${definition.name} has no trial ${number}`)
  }
  const reports = await store.reports(study, number)
  const told = reports.map(({ attempt, step, value }) => ({ attempt, step, value: sent(Number(value)) }))
  return { ...trialOf(row, definition), reports: told }
}

function noStudy(name: string): Problem {
  return new Problem('not_found', `Cannot find the study: there is none of the name ${name}`)
}

async function infoOf(row: StudiesRow, store: StudyStore): Promise<StudyInfo> {
  const { id, name, given, seed, created_at: createdAt, created_by: createdBy } = row
  const study = JSON.parse(given) as GivenStudy
  return { name, study, seed, createdAt, createdBy, trials: await store.counts(id) }
}

/** Whatever the order of members, but the order of a list, and of the parameters, means something. */
function isSame(a: GivenStudy, b: GivenStudy): boolean {
  const text = (given: GivenStudy): string => JSON.stringify(Object.entries(given).sort(([x], [y]) => (x < y ? -1 : 1)))
  return text(a) === text(b)
}

/** Opens studies when they are asked for, and forgets those that were not asked for longest. */
function openedStudies(): (row: StudiesRow) => OpenStudy {
  const open = new Map<string, OpenStudy>()
  return row => {
    let study = open.get(row.id)
    if (study === undefined) {
      const definition = readStudy(JSON.parse(row.given) as GivenStudy, row.seed)
      study = { definition, history: openHistory(definition) }
      let known = row.trials
      for (const other of open.values()) known += other.history.finished.length
      for (const [id, { history }] of open) {
        if (known <= KNOWN_TRIALS_MAX) break
        known -= history.finished.length
        open.delete(id)
      }
    }
    open.delete(row.id)
    open.set(row.id, study)
    return study
  }
}

import type { Kysely, Transaction } from 'kysely'
import { type Database, isUniqueViolation, tables } from '../../platform/database.ts'
import type { Outcomes } from './best.ts'
import type { ReportsRow, StudiesRow, StudyTables, TrialState, TrialsRow } from './tables.ts'
import type { SentNumber } from './trial.ts'

/** What is changed of a trial; `revision` where its state changes. */
export type TrialChange = Partial<Omit<TrialsRow, 'study' | 'number' | 'created_at' | 'params' | 'trace'>>

export interface TrialFilter {
  readonly state?: TrialState | undefined
  /** Only those after this number. */
  readonly after?: number | undefined
  readonly limit: number
}

/**
 * Keeps studies and their trials.
 *
 * Duties: of all processes that share the database one at a time changes a study in `locked`, and each sees what those before it
 * left; what a transaction did is there whole or not at all; a study that is deleted leaves nothing, and nothing is added to it.
 */
export interface StudyStore {
  /** False where the name is taken. `also` is written with it. */
  create(study: StudiesRow, also: Work): Promise<boolean>
  find(name: string): Promise<StudiesRow | undefined>
  /** By name. */
  list(after: string, limit: number): Promise<readonly StudiesRow[]>
  /** Changes a study while nobody else does; undefined where there is none of this name. */
  locked<T>(name: string, work: (change: StudyChange) => Promise<T>): Promise<T | undefined>
  /** Reports of one trial, beside others' asking and telling. */
  reporting<T>(study: string, work: (reporting: Reporting) => Promise<T>): Promise<T>
  /** False where it is not there. */
  delete(name: string, also: (tx: AnyTransaction, study: StudiesRow) => Promise<void>): Promise<boolean>
  trial(study: string, number: number): Promise<TrialsRow | undefined>
  trials(study: string, filter: TrialFilter): Promise<readonly TrialsRow[]>
  /** Of trials that are complete, by number. */
  outcomes(study: string): Promise<Outcomes>
  /** These, by number. */
  numbered(study: string, numbers: readonly number[]): Promise<readonly TrialsRow[]>
  counts(study: string): Promise<Readonly<Record<TrialState, number>>>
  reports(study: string, number: number): Promise<readonly ReportsRow[]>
}

// biome-ignore lint/suspicious/noExplicitAny: a transaction of the database, which knows no slice's tables
export type AnyTransaction = Transaction<any>
type Work = (tx: AnyTransaction) => Promise<void>

export interface StudyChange {
  readonly study: StudiesRow
  /** Trials whose state changed after a revision and before this change, in the order in which they did. */
  since(revision: number): Promise<readonly TrialsRow[]>
  trial(number: number): Promise<TrialsRow | undefined>
  /** Trials that wait for a worker, and then those whose worker was not heard of in time. */
  open(now: number, limit: number): Promise<readonly TrialsRow[]>
  /** Adds trials and counts them. */
  add(trials: readonly TrialsRow[]): Promise<void>
  change(number: number, change: TrialChange): Promise<void>
}

export interface Reporting {
  /** The trial after the change; undefined, and unchanged, unless it runs and, where given, this attempt does. */
  alive(number: number, attempt: number | undefined, until: number): Promise<TrialsRow | undefined>
  find(number: number): Promise<TrialsRow | undefined>
  changeLast(number: number, step: number, value: number): Promise<void>
  own(number: number, attempt: number): Promise<readonly ReportsRow[]>
  add(report: Omit<ReportsRow, 'study'>): Promise<void>
  /** What complete trials reported at a step in their last attempt. */
  atStep(step: number): Promise<number[]>
  complete(): Promise<number>
  /** Adds to a rung, and returns all that is on it. */
  climb(bracket: number, rung: number, number: number, value: number): Promise<number[]>
}

export function studyStore(db: Database): StudyStore {
  const sql = tables<StudyTables>(db)
  const ofTrials = (study: string) => sql.selectFrom('study_trials').selectAll().where('study', '=', study)
  return {
    create: (study, also) => create(db, study, also),
    find: name => sql.selectFrom('studies').selectAll().where('name', '=', name).executeTakeFirst(),
    list: (after, limit) =>
      sql.selectFrom('studies').selectAll().where('name', '>', after).orderBy('name').limit(limit).execute(),
    locked: (name, work) =>
      db.sql.transaction().execute(async tx => {
        const study = await lock(tx, name)
        return study && (await work(changeOf(tx, study)))
      }),
    reporting: (study, work) => db.sql.transaction().execute(tx => work(reportingOf(tables<StudyTables>(tx), study))),
    delete: (name, also) => remove(db, name, also),
    trial: (study, number) => ofTrials(study).where('number', '=', number).executeTakeFirst(),
    trials(study, { state, after = -1, limit }) {
      const later = ofTrials(study).where('number', '>', after)
      const some = state === undefined ? later : later.where('state', '=', state)
      return some.orderBy('number').limit(limit).execute()
    },
    async outcomes(study) {
      const complete = sql.selectFrom('study_trials').select(['number', 'outcome']).where('study', '=', study)
      const rows = await complete.where('state', '=', 'complete').orderBy('number').execute()
      return rows.map(({ number, outcome }) => ({ number, values: (JSON.parse(outcome!) as SentNumber[]).map(Number) }))
    },
    async numbered(study, numbers) {
      const rows: TrialsRow[] = []
      for (let i = 0; i < numbers.length; i += ROWS_AT_ONCE) {
        const some = ofTrials(study).where('number', 'in', numbers.slice(i, i + ROWS_AT_ONCE))
        rows.push(...(await some.orderBy('number').execute()))
      }
      return rows
    },
    async counts(study) {
      const states = sql.selectFrom('study_trials').where('study', '=', study).groupBy('state')
      const rows = await states.select(['state', count => count.fn.countAll<number>().as('count')]).execute()
      const none = { waiting: 0, running: 0, complete: 0, pruned: 0, failed: 0 }
      return { ...none, ...Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)])) }
    },
    reports(study, number) {
      const reports = sql
        .selectFrom('study_reports')
        .selectAll()
        .where('study', '=', study)
        .where('number', '=', number)
      return reports.orderBy('attempt').orderBy('step').execute()
    },
  }
}

async function create(db: Database, study: StudiesRow, also: Work): Promise<boolean> {
  try {
    await db.sql.transaction().execute(async tx => {
      await tables<StudyTables>(tx).insertInto('studies').values(study).execute()
      await also(tx)
    })
    return true
  } catch (error) {
    if (isUniqueViolation(error)) return false
    throw error
  }
}

/** Waits for whoever changes the study, on both engines: SQLite has one writer, PostgreSQL locks the row until we commit. */
async function lock(tx: AnyTransaction, name: string): Promise<StudiesRow | undefined> {
  const counted = tables<StudyTables>(tx)
    .updateTable('studies')
    .set(eb => ({ revision: eb('revision', '+', 1) }))
  return await counted.where('name', '=', name).returningAll().executeTakeFirst()
}

async function remove(
  db: Database,
  name: string,
  also: (tx: AnyTransaction, study: StudiesRow) => Promise<void>,
): Promise<boolean> {
  return await db.sql.transaction().execute(async tx => {
    const study = await lock(tx, name)
    if (study === undefined) return false
    const sql = tables<StudyTables>(tx)
    // Trials first: whoever reports holds the row of a trial, and is through before the reports go.
    await sql.deleteFrom('study_trials').where('study', '=', study.id).execute()
    await sql.deleteFrom('study_reports').where('study', '=', study.id).execute()
    await sql.deleteFrom('study_rungs').where('study', '=', study.id).execute()
    await sql.deleteFrom('studies').where('id', '=', study.id).execute()
    await also(tx, study)
    return true
  })
}

/** SQLite takes no more than 32,766 values in a statement. */
const ROWS_AT_ONCE = 500

function changeOf(tx: AnyTransaction, study: StudiesRow): StudyChange {
  const sql = tables<StudyTables>(tx)
  const trials = () => sql.selectFrom('study_trials').selectAll().where('study', '=', study.id)
  return {
    study,
    since(revision) {
      const later = trials().where('revision', '>', revision).where('revision', '<', study.revision)
      return later.orderBy('revision').orderBy('number').execute()
    },
    trial: number => trials().where('number', '=', number).executeTakeFirst(),
    async open(now, limit) {
      const open = trials().where('finished_at', 'is', null)
      const waiting = await open.where('state', '=', 'waiting').orderBy('number').limit(limit).execute()
      const silent = open.where('state', '=', 'running').where('lease_until', '<=', now)
      return [
        ...waiting,
        ...(await silent
          .orderBy('number')
          .limit(limit - waiting.length)
          .execute()),
      ]
    },
    async add(rows) {
      for (let i = 0; i < rows.length; i += ROWS_AT_ONCE) {
        await sql
          .insertInto('study_trials')
          .values(rows.slice(i, i + ROWS_AT_ONCE))
          .execute()
      }
      const count = sql.updateTable('studies').set(eb => ({ trials: eb('trials', '+', rows.length) }))
      await count.where('id', '=', study.id).execute()
    },
    async change(number, change) {
      const changed = sql.updateTable('study_trials').set(change).where('study', '=', study.id)
      await changed.where('number', '=', number).execute()
    },
  }
}

function reportingOf(sql: Kysely<StudyTables>, study: string): Reporting {
  const trial = (number: number) =>
    sql.updateTable('study_trials').where('study', '=', study).where('number', '=', number)
  return {
    async alive(number, attempt, until) {
      let running = trial(number).set({ lease_until: until }).where('state', '=', 'running')
      if (attempt !== undefined) running = running.where('attempt', '=', attempt)
      return await running.returningAll().executeTakeFirst()
    },
    find(number) {
      const trials = sql.selectFrom('study_trials').selectAll().where('study', '=', study)
      return trials.where('number', '=', number).executeTakeFirst()
    },
    async changeLast(number, step, value) {
      await trial(number)
        .set({ last_step: step, last_value: String(value) })
        .execute()
    },
    own(number, attempt) {
      const reports = sql.selectFrom('study_reports').selectAll().where('study', '=', study)
      return reports.where('number', '=', number).where('attempt', '=', attempt).orderBy('step').execute()
    },
    async add(report) {
      await sql
        .insertInto('study_reports')
        .values({ study, ...report })
        .execute()
    },
    async atStep(step) {
      const rows = await sql
        .selectFrom('study_reports as r')
        .innerJoin('study_trials as t', join =>
          join.onRef('t.study', '=', 'r.study').onRef('t.number', '=', 'r.number').onRef('t.attempt', '=', 'r.attempt'),
        )
        .select('r.value')
        .where('r.study', '=', study)
        .where('r.step', '=', step)
        .where('t.state', '=', 'complete')
        .execute()
      return rows.map(({ value }) => Number(value))
    },
    async complete() {
      const rows = sql.selectFrom('study_trials').where('study', '=', study).where('state', '=', 'complete')
      const { count } = await rows.select(eb => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
      return Number(count)
    },
    async climb(bracket, rung, number, value) {
      const row = { study, bracket, rung, number, value: String(value) }
      const added = sql.insertInto('study_rungs').values(row)
      // A trial begun again climbs again: what counts is what its last attempt brought.
      const key = ['study', 'bracket', 'rung', 'number'] as const
      await added.onConflict(conflict => conflict.columns(key).doUpdateSet({ value: row.value })).execute()
      const all = sql.selectFrom('study_rungs').select('value').where('study', '=', study)
      const on = await all.where('bracket', '=', bracket).where('rung', '=', rung).execute()
      return on.map(row => Number(row.value))
    },
  }
}

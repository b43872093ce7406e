/**
 * Work that is to be done later, or again until it succeeds, kept in a table of the metadata database. A worker takes a job
 * on a lease; where the worker dies the lease runs out and another takes the job. So a job may be started more than once,
 * and its work must bear that; while nobody dies, each is done once.
 */
import type { Kysely } from 'kysely'
import { type Database, isUniqueViolation, type Migrations, tables } from './database.ts'

export interface NewJob {
  readonly id: string
  /** Says which handler does it. */
  readonly kind: string
  /** Becomes JSON. */
  readonly payload?: unknown
  /** While a job with this key is waiting or running, another is not taken in. */
  readonly uniqueKey?: string
  /** Now; milliseconds since the epoch. */
  readonly at: number
  /** Not to be started before then; default: `at`. */
  readonly runAt?: number
  /** How often it may be started; default 8, which with the usual back-off is about an hour of trying. */
  readonly attemptsMax?: number
}

/** A job as the worker has it who leased it. */
export interface Job {
  readonly id: string
  readonly kind: string
  readonly payload: unknown
  /** 1 at the first time. */
  readonly attempt: number
  readonly attemptsMax: number
  /** Token of the lease. */
  readonly lease: string
}

export type JobState = 'waiting' | 'running' | 'dead'

/** A job as an operator sees it. One that was done is gone. */
export interface JobInfo {
  readonly id: string
  readonly kind: string
  readonly payload: unknown
  readonly state: JobState
  readonly runAt: number
  readonly attempts: number
  readonly attemptsMax: number
  readonly createdAt: number
  /** Why the last attempt failed. */
  readonly error?: string
  readonly deadAt?: number
}

export interface LeaseRequest {
  readonly kinds: readonly string[]
  readonly limit: number
  /** Unique to this request. */
  readonly token: string
  readonly now: number
  readonly leaseMs: number
}

/**
 * Keeps the jobs.
 *
 * Duties: of all workers of all processes that ask at the same time, one gets a job. Who holds a lease keeps the job until
 * the lease runs out; afterwards the old holder can change nothing of it. A job is started `attemptsMax` times at most, then
 * it is dead, and stays to be looked at.
 */
export interface JobStore {
  /** False, and nothing is stored, where the unique key (or the id) is taken. */
  enqueue(job: NewJob): Promise<boolean>
  /** Takes up to `limit` jobs that are due, or whose lease ran out, the longest due first. */
  lease(request: LeaseRequest): Promise<readonly Job[]>
  /** Holds a job longer. False where the lease was lost. */
  extend(job: Job, until: number): Promise<boolean>
  /** The job is done and goes. False where the lease was lost. */
  done(job: Job): Promise<boolean>
  /** An attempt failed: the job comes again at `retryAt`, or is dead where that was its last. False where the lease was lost. */
  fail(job: Job, failure: { readonly error: string; readonly retryAt: number; readonly now: number }): Promise<boolean>
  /** Gives a job back as if it had not been started. False where the lease was lost. */
  giveBack(job: Job): Promise<boolean>
  /** The jobs in the order they come to be started; dead ones last, the latest dead first. */
  list(
    filter?: { readonly state?: JobState; readonly kind?: string; readonly limit?: number },
    now?: number,
  ): Promise<readonly JobInfo[]>
  /** Lets a dead job start over. False where it is not dead, or its unique key is taken by now. */
  revive(id: string, now: number): Promise<boolean>
  /**
   * Whether a turn of the schedule has come: true for one caller in each period of `everyMs` (periods start at the epoch).
   * The first call ever only starts the schedule. Turns that nobody came for are not made up for.
   */
  isDue(schedule: string, everyMs: number, now: number): Promise<boolean>
}

interface JobsRow {
  readonly id: string
  readonly kind: string
  readonly payload: string
  readonly unique_key: string | null
  readonly run_at: number
  /** How often it was started. */
  readonly attempts: number
  readonly attempts_max: number
  /** Who holds it, and until when; null while nobody does. */
  readonly lease: string | null
  readonly lease_until: number | null
  readonly error: string | null
  readonly dead_at: number | null
  readonly created_at: number
}

interface JobTables {
  readonly jobs: JobsRow
  readonly schedules: { readonly name: string; readonly next_at: number }
}

export const jobsMigrations: Migrations = {
  slice: 'jobs',
  steps: {
    '001_jobs': async db => {
      await db.schema
        .createTable('jobs')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('kind', 'text', column => column.notNull())
        .addColumn('payload', 'text', column => column.notNull())
        .addColumn('unique_key', 'text')
        .addColumn('run_at', 'bigint', column => column.notNull())
        .addColumn('attempts', 'integer', column => column.notNull())
        .addColumn('attempts_max', 'integer', column => column.notNull())
        .addColumn('lease', 'text')
        .addColumn('lease_until', 'bigint')
        .addColumn('error', 'text')
        .addColumn('dead_at', 'bigint')
        .addColumn('created_at', 'bigint', column => column.notNull())
        .execute()
      const live = (name: string) =>
        db.schema
          .createIndex(name)
          .on('jobs')
          .where('dead_at' as never, 'is', null)
      await live('jobs_unique').unique().column('unique_key').execute()
      await live('jobs_due').columns(['run_at', 'id']).execute()
      await db.schema
        .createTable('schedules')
        .addColumn('name', 'text', column => column.primaryKey())
        .addColumn('next_at', 'bigint', column => column.notNull())
        .execute()
    },
  },
}

const ATTEMPTS_MAX = 8
const LIST_MAX = 1_000
const ERROR_CHARACTERS_MAX = 2_000

/** Adds a job in a transaction, with which it comes to be or not. False where the unique key (or the id) is taken. */
// biome-ignore lint/suspicious/noExplicitAny: a transaction of whatever tables the caller changes.
export async function enqueueJob(tx: Kysely<any>, job: NewJob): Promise<boolean> {
  const row: JobsRow = {
    id: job.id,
    kind: job.kind,
    payload: JSON.stringify(job.payload ?? null),
    unique_key: job.uniqueKey ?? null,
    run_at: job.runAt ?? job.at,
    attempts: 0,
    attempts_max: job.attemptsMax ?? ATTEMPTS_MAX,
    lease: null,
    lease_until: null,
    error: null,
    dead_at: null,
    created_at: job.at,
  }
  const insert = tables<JobTables>(tx)
    .insertInto('jobs')
    .values(row)
    .onConflict(conflict => conflict.doNothing())
  return (await insert.executeTakeFirstOrThrow()).numInsertedOrUpdatedRows === 1n
}

export function jobStore(db: Database): JobStore {
  const sql = tables<JobTables>(db)
  const held = ({ id, lease }: Job) => sql.updateTable('jobs').where('id', '=', id).where('lease', '=', lease)
  return {
    enqueue: job => enqueueJob(db.sql, job),
    lease: request => lease(db, request),
    async extend(job, until): Promise<boolean> {
      return isOne(await held(job).set({ lease_until: until }).executeTakeFirst())
    },
    async done({ id, lease }): Promise<boolean> {
      const { numDeletedRows } = await sql
        .deleteFrom('jobs')
        .where('id', '=', id)
        .where('lease', '=', lease)
        .executeTakeFirst()
      return numDeletedRows === 1n
    },
    async fail(job, { error, retryAt, now }): Promise<boolean> {
      const isLast = job.attempt >= job.attemptsMax
      const next = isLast ? { dead_at: now } : { run_at: retryAt }
      const free = { lease: null, lease_until: null, error: error.slice(0, ERROR_CHARACTERS_MAX) }
      return isOne(
        await held(job)
          .set({ ...free, ...next })
          .executeTakeFirst(),
      )
    },
    async giveBack(job): Promise<boolean> {
      return isOne(
        await held(job)
          .set({ lease: null, lease_until: null, attempts: job.attempt - 1 })
          .executeTakeFirst(),
      )
    },
    list: (filter = {}, now = Number.MAX_SAFE_INTEGER) => list(sql, filter, now),
    revive: (id, now) => revive(db, id, now),
    isDue: (schedule, everyMs, now) => isDue(sql, schedule, everyMs, now),
  }
}

function isOne(result: { readonly numUpdatedRows: bigint }): boolean {
  return result.numUpdatedRows === 1n
}

const LEASE_LOST = 'Whoever worked on it is gone: the lease of the last attempt ran out'

async function lease(db: Database, { kinds, limit, token, now, leaseMs }: LeaseRequest): Promise<Job[]> {
  if (kinds.length === 0 || limit <= 0) return []
  return await db.sql.transaction().execute(async tx => {
    const sql = tables<JobTables>(tx)
    // SQLite has one writer. On PostgreSQL, what another worker is just taking is passed over rather than waited for.
    const live = sql.selectFrom('jobs').select('id').where('dead_at', 'is', null).where('kind', 'in', kinds)
    const free = db.engine === 'postgres' ? live.forUpdate().skipLocked() : live
    const abandoned = await free
      .where('lease_until', '<=', now)
      .whereRef('attempts', '>=', 'attempts_max')
      .limit(limit)
      .execute()
    if (abandoned.length > 0) {
      const died = { dead_at: now, lease: null, lease_until: null, error: LEASE_LOST }
      await sql.updateTable('jobs').set(died).where('id', 'in', idsOf(abandoned)).execute()
    }
    const due = await free
      .where('run_at', '<=', now)
      .where(where => where.or([where('lease_until', 'is', null), where('lease_until', '<=', now)]))
      .whereRef('attempts', '<', 'attempts_max')
      .orderBy('run_at')
      .orderBy('id')
      .limit(limit)
      .execute()
    if (due.length === 0) return []
    const rows = await sql
      .updateTable('jobs')
      .set(set => ({ lease: token, lease_until: now + leaseMs, attempts: set('attempts', '+', 1) }))
      .where('id', 'in', idsOf(due))
      .returningAll()
      .execute()
    return rows.sort(byTurn).map(row => jobOf(row, token))
  })
}

function idsOf(rows: readonly { readonly id: string }[]): string[] {
  return rows.map(({ id }) => id)
}

function byTurn(a: JobsRow, b: JobsRow): number {
  return a.run_at - b.run_at || (a.id < b.id ? -1 : 1)
}

function jobOf(row: JobsRow, token: string): Job {
  const { id, kind, payload, attempts, attempts_max } = row
  return { id, kind, payload: JSON.parse(payload), attempt: attempts, attemptsMax: attempts_max, lease: token }
}

async function list(
  sql: Kysely<JobTables>,
  { state, kind, limit = LIST_MAX }: { readonly state?: JobState; readonly kind?: string; readonly limit?: number },
  now: number,
): Promise<JobInfo[]> {
  let rows = sql.selectFrom('jobs').selectAll()
  if (kind !== undefined) rows = rows.where('kind', '=', kind)
  if (state === 'dead') rows = rows.where('dead_at', 'is not', null)
  if (state === 'waiting' || state === 'running') rows = rows.where('dead_at', 'is', null)
  if (state === 'waiting')
    rows = rows.where(where => where.or([where('lease', 'is', null), where('lease_until', '<=', now)]))
  if (state === 'running') rows = rows.where('lease_until', '>', now)
  const ordered = rows.orderBy(order => order.case().when('dead_at', 'is', null).then(0).else(1).end())
  const found = await ordered.orderBy('dead_at', 'desc').orderBy('run_at').orderBy('id').limit(limit).execute()
  return found.map(row => infoOf(row, now))
}

function infoOf(row: JobsRow, now: number): JobInfo {
  const isRunning = row.lease_until !== null && row.lease_until > now
  return {
    id: row.id,
    kind: row.kind,
    payload: JSON.parse(row.payload),
    state: row.dead_at !== null ? 'dead' : isRunning ? 'running' : 'waiting',
    runAt: row.run_at,
    attempts: row.attempts,
    attemptsMax: row.attempts_max,
    createdAt: row.created_at,
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.dead_at === null ? {} : { deadAt: row.dead_at }),
  }
}

async function revive(db: Database, id: string, now: number): Promise<boolean> {
  try {
    const sql = tables<JobTables>(db)
    const dead = sql.updateTable('jobs').where('id', '=', id).where('dead_at', 'is not', null)
    return isOne(await dead.set({ dead_at: null, attempts: 0, run_at: now }).executeTakeFirst())
  } catch (error) {
    if (isUniqueViolation(error)) return false
    throw error
  }
}

async function isDue(sql: Kysely<JobTables>, name: string, everyMs: number, now: number): Promise<boolean> {
  const next = (Math.floor(now / everyMs) + 1) * everyMs
  const moved = sql.updateTable('schedules').set({ next_at: next }).where('name', '=', name).where('next_at', '<=', now)
  if (isOne(await moved.executeTakeFirst())) return true
  const first = sql.insertInto('schedules').values({ name, next_at: next })
  await first.onConflict(conflict => conflict.doNothing()).execute()
  return false
}

import { sql, type Transaction } from 'kysely'
import type { Database } from '../../platform/database.ts'

// biome-ignore lint/suspicious/noExplicitAny: statements name their tables themselves
export type Writing = Transaction<any>

/** Does a write in a transaction; what it returns is durable. It may run more than once, and leaves nothing where it throws. */
export type Write = <T>(work: (tx: Writing) => Promise<T>) => Promise<T>

interface Queued {
  readonly work: (tx: Writing) => Promise<unknown>
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** Writes in one transaction: as many as wait, so that the disk is waited for once and nobody waits long. */
const GROUP_MAX = 200

/**
 * Commits writes that come at the same time together: the disk is waited for once, however many there are. Each has a savepoint
 * of its own, so that one that fails takes no other along; where the transaction as a whole fails, each is tried alone.
 */
export function groupCommit(db: Database): Write {
  const queue: Queued[] = []
  let isBusy = false

  const drain = async (): Promise<void> => {
    isBusy = true
    while (queue.length > 0) await commit(db, queue.splice(0, GROUP_MAX))
    isBusy = false
  }
  return work =>
    new Promise((resolve, reject) => {
      queue.push({ work, resolve, reject })
      if (!isBusy) void drain()
    })
}

async function commit(db: Database, group: readonly Queued[]): Promise<void> {
  if (group.length === 1) return await alone(db, group[0]!)
  let outcomes: Outcome[]
  try {
    outcomes = await db.sql.transaction().execute(async tx => {
      const all: Outcome[] = []
      for (const { work } of group) all.push(await saved(tx, work))
      return all
    })
  } catch {
    for (const queued of group) await alone(db, queued)
    return
  }
  for (const [at, outcome] of outcomes.entries()) {
    if ('error' in outcome) group[at]!.reject(outcome.error)
    else group[at]!.resolve(outcome.value as never)
  }
}

async function alone(db: Database, { work, resolve, reject }: Queued): Promise<void> {
  try {
    resolve((await db.sql.transaction().execute(work)) as never)
  } catch (error) {
    reject(error)
  }
}

async function saved(tx: Writing, work: Queued['work']): Promise<Outcome> {
  await sql`savepoint one`.execute(tx)
  try {
    const value = await work(tx)
    await sql`release savepoint one`.execute(tx)
    return { value }
  } catch (error) {
    await sql`rollback to savepoint one`.execute(tx)
    await sql`release savepoint one`.execute(tx)
    return { error }
  }
}

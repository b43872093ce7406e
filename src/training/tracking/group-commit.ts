import { sql, type Transaction } from 'kysely'
import type { Database } from '../../platform/database.ts'

// biome-ignore lint/suspicious/noExplicitAny: statements name their tables themselves
export type Writing = Transaction<any>

/** Does a write in a transaction; what it returns is durable. It may run more than once, and leaves nothing where it throws. */
export type Write = <T>(work: (tx: Writing) => Promise<T>) => Promise<T>

export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** Does many planned writes of one transaction together: the outcome of each, one that failed having left nothing. */
export type Together<Plan> = (tx: Writing, plans: readonly Plan[]) => Promise<readonly Outcome[]>

export interface Writes<Plan> {
  readonly write: Write
  /** As `write`, for what says beforehand what it has to read: many of these are one. */
  readonly put: <T>(plan: Plan) => Promise<T>
}

interface Queued<Plan> {
  readonly work: ((tx: Writing) => Promise<unknown>) | { readonly plan: Plan }
  readonly weight: number
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/**
 * Writes in one transaction, and rows in it, about: as many as wait, so that the disk is waited for once, and not so many that those
 * who are answered could not have the next ready meanwhile.
 */
const GROUP_MAX = 256
const WEIGHT_MAX = 4_000

/**
 * Commits writes that come at the same time together: the disk is waited for once, however many there are. Each has a savepoint
 * of its own, or is planned, so that one that fails takes no other along; where the transaction as a whole fails, each is tried
 * alone. They are done in the order they came.
 */
export function groupCommit<Plan extends { readonly weight: number }>(
  db: Database,
  together: Together<Plan>,
): Writes<Plan> {
  const queue: Queued<Plan>[] = []
  let isBusy = false

  const drain = async (): Promise<void> => {
    isBusy = true
    while (queue.length > 0) await commit(db, queue.splice(0, fitting(queue)), together)
    isBusy = false
  }
  const queued = <T>(work: Queued<Plan>['work'], weight: number): Promise<T> =>
    new Promise((resolve, reject) => {
      queue.push({ work, weight, resolve, reject })
      if (!isBusy) void drain()
    })
  return { write: work => queued(work, 1), put: plan => queued({ plan }, plan.weight) }
}

/** How many of those that wait go into the next transaction: at least one. */
function fitting(queue: readonly { readonly weight: number }[]): number {
  let [count, weight] = [1, queue[0]!.weight]
  while (count < queue.length && count < GROUP_MAX) {
    weight += queue[count]!.weight
    if (weight > WEIGHT_MAX) break
    count++
  }
  return count
}

async function commit<Plan>(db: Database, group: readonly Queued<Plan>[], together: Together<Plan>): Promise<void> {
  let outcomes: readonly Outcome[]
  try {
    outcomes = await db.sql.transaction().execute(tx => inOrder(tx, group, together))
  } catch (error) {
    if (group.length === 1) group[0]!.reject(error)
    else for (const queued of group) await commit(db, [queued], together)
    return
  }
  for (const [at, outcome] of outcomes.entries()) {
    if ('error' in outcome) group[at]!.reject(outcome.error)
    else group[at]!.resolve(outcome.value as never)
  }
}

/** Planned writes that follow one another are done together. One that is all there is needs no savepoint. */
async function inOrder<Plan>(
  tx: Writing,
  group: readonly Queued<Plan>[],
  together: Together<Plan>,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  while (outcomes.length < group.length) {
    const { work } = group[outcomes.length]!
    if (typeof work === 'function') {
      outcomes.push(group.length === 1 ? { value: await work(tx) } : await saved(tx, work))
      continue
    }
    const plans: Plan[] = []
    for (const next of group.slice(outcomes.length)) {
      if (typeof next.work === 'function') break
      plans.push(next.work.plan)
    }
    outcomes.push(...(await together(tx, plans)))
  }
  return outcomes
}

async function saved(tx: Writing, work: (tx: Writing) => Promise<unknown>): Promise<Outcome> {
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

import type { Transaction } from 'kysely'
import { Problem } from '../errors.ts'
import type { ChangeRecord } from '../ledger/record.ts'
import { type Database, tables } from '../platform/database.ts'
import { enqueue } from '../platform/outbox.ts'
import { retired, type Standing, type StandingChange } from './standing.ts'
import type { AliasesRow, RegistryTables } from './tables.ts'
import type { Alias, ModelVersion } from './version.ts'

export interface StoredVersion {
  readonly version: ModelVersion
  readonly digest: string
}

/** An alias as it was last changed; without `version` it was removed. */
export interface AliasState {
  readonly model: string
  readonly alias: string
  readonly version?: string
  readonly movedAt: number
  readonly movedBy: string
}

/** What changed after a revision, oldest first. */
export interface RegistryChanges {
  readonly revision: number
  readonly versions: readonly ModelVersion[]
  readonly aliases: readonly AliasState[]
  readonly standings: readonly StandingChange[]
}

// biome-ignore lint/suspicious/noExplicitAny: a transaction of the database, which knows no slice's tables
export type AnyTransaction = Transaction<any>

/** Writes along with a change: it stands if, and only if, the change does. */
export type InTransaction = (tx: AnyTransaction) => Promise<void>

/** Made for a change that happens: the records that go with it to the ledger. */
export type RecordsOf<T> = (change: T) => readonly ChangeRecord[]

/**
 * Keeps models, versions and aliases.
 *
 * Duties: a version, once added, is never changed or removed; names of models differ by more than case; a change and its
 * records are written together or not at all; of two changes at once the later decides on what the earlier left, also
 * across processes that share the database; revisions become visible in their order, so that `since` misses nothing.
 */
export interface RegistryStore {
  find(model: string, version: string): Promise<StoredVersion | undefined>
  /**
   * Adds a version, and its model if it is the first: then `alias`, where it is given, is pointed at it. Where it is there already, nothing is
   * written: the one that is there comes back if the digests are equal, else `conflict` is thrown.
   */
  add(
    added: StoredVersion,
    alias: string | undefined,
    records: RecordsOf<{ readonly isFirst: boolean }>,
    also?: InTransaction,
  ): Promise<{ readonly version: ModelVersion; readonly created: boolean }>
  /**
   * Points an alias at a version that exists; `not_found` where it does not. Where it points there, nothing is written.
   * `allowed` is asked in the same turn, right before: what it throws comes out, and nothing moves.
   */
  setAlias(
    moved: Alias,
    records: RecordsOf<{ readonly from: string | undefined }>,
    allowed?: InTransaction,
  ): Promise<Alias>
  /** Throws `not_found` where there is no such alias. */
  removeAlias(removed: Omit<Alias, 'version'>, records: RecordsOf<{ readonly from: string }>): Promise<void>
  since(revision: number): Promise<RegistryChanges>
}

export function registryStore(db: Database): RegistryStore {
  const change = <T>(work: (tx: AnyTransaction, revision: number) => Promise<T>): Promise<T> => inTurn(db, work)

  return {
    find: (model, version) => findVersion(db, model, version),
    add: (added, alias, records, also) =>
      change(async (tx, revision) => {
        const { model, version, registeredAt, registeredBy } = added.version
        const there = await findVersion(tx, model, version)
        if (there !== undefined) return { version: requireSame(there, added), created: false }
        const isFirst = await addModel(tx, model, registeredAt)
        const sql = tables<RegistryTables>(tx)
        const body = JSON.stringify(added.version)
        await sql.insertInto('versions').values({ model, version, digest: added.digest, body, revision }).execute()
        if (isFirst && alias !== undefined)
          await putAlias(tx, { model, alias, version, movedAt: registeredAt, movedBy: registeredBy }, revision)
        await record(tx, records({ isFirst }))
        await also?.(tx)
        return { version: added.version, created: true }
      }),
    setAlias: (moved, records, allowed) =>
      change(async (tx, revision) => {
        const { model, alias, version } = moved
        if ((await findVersion(tx, model, version)) === undefined) throw noVersion(model, version)
        const standing = await standingOf(tx, model, version)
        if (standing?.state === 'retired') throw retired(standing, `move the alias ${alias} to`)
        const from = await aliasOf(tx, model, alias)
        if (from?.version === version) return { ...moved, movedAt: from.moved_at, movedBy: from.moved_by }
        await allowed?.(tx)
        await putAlias(tx, moved, revision)
        await record(tx, records({ from: from?.version ?? undefined }))
        return moved
      }),
    removeAlias: (removed, records) =>
      change(async (tx, revision) => {
        const from = (await aliasOf(tx, removed.model, removed.alias))?.version ?? undefined
        if (from === undefined)
          throw new Problem('not_found', `Cannot remove the alias: ${removed.model} has no alias ${removed.alias}`)
        await putAlias(tx, removed, revision)
        await record(tx, records({ from }))
      }),
    since: revision => changesSince(db, revision),
  }
}

/** Changes the registry, after all changes that began before. */
export function inTurn<T>(
  db: Pick<Database, 'sql'>,
  work: (tx: AnyTransaction, revision: number) => Promise<T>,
): Promise<T> {
  return db.sql.transaction().execute(async tx => await work(tx, await nextRevision(tx)))
}

/** Waits for the writers before, on both engines: SQLite has one writer, PostgreSQL locks the row until we commit. */
async function nextRevision(tx: AnyTransaction): Promise<number> {
  const sql = tables<RegistryTables>(tx)
  const counted = sql.updateTable('registry_revision').set(eb => ({ value: eb('value', '+', 1) }))
  const { value } = await counted.where('id', '=', 1).returning('value').executeTakeFirstOrThrow()
  return value
}

/** What versions a model has, in no order. */
export async function versionsOf(tx: AnyTransaction, model: string): Promise<string[]> {
  const rows = tables<RegistryTables>(tx).selectFrom('versions').select('version').where('model', '=', model)
  return (await rows.execute()).map(({ version }) => version)
}

/** As it is kept; undefined where there is none. */
export async function findVersion(
  db: Database | AnyTransaction,
  model: string,
  version: string,
): Promise<StoredVersion | undefined> {
  const row = await tables<RegistryTables>(db)
    .selectFrom('versions')
    .select(['digest', 'body'])
    .where('model', '=', model)
    .where('version', '=', version)
    .executeTakeFirst()
  return row && { version: JSON.parse(row.body) as ModelVersion, digest: row.digest }
}

function requireSame(there: StoredVersion, added: StoredVersion): ModelVersion {
  if (there.digest === added.digest) return there.version
  const { model, version, artifact } = added.version
  const what = there.version.artifact.sha256 === artifact.sha256 ? 'another manifest or other data' : 'another artifact'
  throw new Problem(
    'conflict',
    `Cannot register ${model}@${version}: it exists with ${what}, and versions never change; choose a new version`,
  )
}

async function addModel(tx: AnyTransaction, name: string, at: number): Promise<boolean> {
  const sql = tables<RegistryTables>(tx)
  const folded = name.toLowerCase()
  const there = await sql.selectFrom('models').select('name').where('folded', '=', folded).executeTakeFirst()
  if (there === undefined) {
    await sql.insertInto('models').values({ name, folded, created_at: at }).execute()
    return true
  }
  if (there.name === name) return false
  throw new Problem(
    'conflict',
    `Cannot register ${name}: a model is named ${there.name}, and names must differ by more than case`,
  )
}

/** As it is kept; undefined for a version in good standing. */
export async function standingOf(tx: AnyTransaction, model: string, version: string): Promise<Standing | undefined> {
  const all = tables<RegistryTables>(tx).selectFrom('standings').select('body')
  const row = await all.where('model', '=', model).where('version', '=', version).executeTakeFirst()
  return row === undefined || row.body === null ? undefined : (JSON.parse(row.body) as Standing)
}

async function aliasOf(tx: AnyTransaction, model: string, alias: string): Promise<AliasesRow | undefined> {
  const all = tables<RegistryTables>(tx).selectFrom('aliases').selectAll()
  return await all.where('model', '=', model).where('alias', '=', alias).executeTakeFirst()
}

async function putAlias(tx: AnyTransaction, state: AliasState, revision: number): Promise<void> {
  const { model, alias, version = null, movedAt: moved_at, movedBy: moved_by } = state
  const row = { model, alias, version, moved_at, moved_by, revision }
  await tables<RegistryTables>(tx)
    .insertInto('aliases')
    .values(row)
    .onConflict(conflict => conflict.columns(['model', 'alias']).doUpdateSet({ version, moved_at, moved_by, revision }))
    .execute()
}

export async function record(tx: AnyTransaction, records: readonly ChangeRecord[]): Promise<void> {
  for (const { id, at, ...rest } of records) {
    await enqueue(tx, { id, topic: 'change', payload: JSON.stringify({ id, at, ...rest }), at })
  }
}

/**
 * Four statements and no transaction, so that also a process may ask that has the database of another one. What is committed
 * in between comes now and with the next call again: the revision is read first, and versions after the aliases that may
 * point to them.
 */
async function changesSince(db: Database, after: number): Promise<RegistryChanges> {
  const sql = tables<RegistryTables>(db)
  const current = sql.selectFrom('registry_revision').select('value').where('id', '=', 1)
  const { value } = await current.executeTakeFirstOrThrow()
  if (value === after) return { revision: after, versions: [], aliases: [], standings: [] }
  const aliases = sql.selectFrom('aliases').selectAll().where('revision', '>', after).orderBy('revision')
  const moved = (await aliases.execute()).map(aliasState)
  const versions = sql.selectFrom('versions').select('body').where('revision', '>', after).orderBy('revision')
  const added = (await versions.execute()).map(row => JSON.parse(row.body) as ModelVersion)
  const standings = sql.selectFrom('standings').selectAll().where('revision', '>', after).orderBy('revision')
  const stood = (await standings.execute()).map(({ model, version, body }) => ({
    ...{ model, version },
    ...(body === null ? {} : { standing: JSON.parse(body) as Standing }),
  }))
  return { revision: value, versions: added, aliases: moved, standings: stood }
}

function aliasState({ model, alias, version, moved_at, moved_by }: AliasesRow): AliasState {
  return { model, alias, movedAt: moved_at, movedBy: moved_by, ...(version === null ? {} : { version }) }
}

function noVersion(model: string, version: string): Problem {
  return new Problem('not_found', `Cannot move the alias: there is no version ${model}@${version}`)
}

/**
 * Deprecation and retirement. A version never changes: what is said of it lies beside it, and each change of that is a record. Who
 * still calls a version is asked of the ledger, not of counters, which know nothing of before their start.
 */
import { Problem } from '../../errors.ts'
import type { VersionCaller } from '../../ledger/caller-question.ts'
import type { OpenedLedger } from '../../ledger/open-ledger.ts'
import type { Clock } from '../../platform/clock.ts'
import { type Database, tables } from '../../platform/database.ts'
import type { Ids } from '../../platform/ids.ts'
import { type Caller, changeRecord } from '../register.ts'
import { type Registry, versionIn } from '../registry.ts'
import type { Standing, StandingState } from '../standing.ts'
import { type AnyTransaction, findVersion, inTurn, record, standingOf } from '../store.ts'
import type { RegistryTables } from '../tables.ts'

export interface StandingParts {
  readonly db: Pick<Database, 'sql'>
  readonly registry: Pick<Registry, 'catalogue' | 'refresh'>
  readonly ledger: Pick<OpenedLedger, 'callers'>
  readonly clock: Clock
  readonly ids: Ids
}

/** A version, by number or alias. */
export interface Named {
  readonly model: string
  readonly reference: string
}

export interface Deprecation {
  readonly reason: string
  readonly successor?: string
  /** Milliseconds since the epoch, after now. */
  readonly sunsetAt?: number
}

export interface Retirement {
  readonly reason: string
  readonly successor?: string
  /** Nobody may have called it for so many days. */
  readonly quietDays?: number
  /** Also while somebody calls it. */
  readonly force?: boolean
}

export const QUIET_DAYS = 7
const DAY_MS = 86_400_000
const CALLERS_TOLD_MAX = 5

/** Who was answered by a version in the last days, those who called last first. Throws `not_found`. */
export async function callersSince(
  { registry, ledger, clock }: Pick<StandingParts, 'registry' | 'ledger' | 'clock'>,
  { model, reference }: Named,
  days: number,
): Promise<readonly VersionCaller[]> {
  const { version } = versionIn(registry.catalogue, model, reference)
  const until = clock.now() + 1
  return ledger.callers({ model, version, since: until - days * DAY_MS, until })
}

/**
 * Says that a version should not be called any more; it is served on. Said again, it is said anew: since then, with these words.
 * Throws `not_found`, `conflict` for a retired version, `invalid` for a successor that is not served and a day that is over.
 */
export async function deprecate(parts: StandingParts, named: Named, given: Deprecation, caller: Caller): Promise<void> {
  const { sunsetAt } = given
  if (sunsetAt !== undefined && sunsetAt <= parts.clock.now()) {
    const problem = `is ${new Date(sunsetAt).toISOString()}, wanted a time after now`
    throw new Problem('invalid', `Cannot deprecate ${named.model}@${named.reference}: sunsetAt ${problem}`, {
      fields: [{ field: 'sunsetAt', problem }],
    })
  }
  await change(parts, named, caller, { what: 'deprecate', state: 'deprecated', ...given })
}

/**
 * Takes a version out of service. Throws `conflict` while somebody called it within the quiet days (unless forced), while an alias
 * points at it, and where it is retired already; `not_found`; `invalid` for a successor that is not served.
 */
export async function retire(parts: StandingParts, named: Named, given: Retirement, caller: Caller): Promise<void> {
  const { force = false, quietDays = QUIET_DAYS, ...said } = given
  const version = versionIn(parts.registry.catalogue, named.model, named.reference)
  const callers = force ? [] : await callersSince(parts, named, quietDays)
  if (callers.length > 0) {
    const told = callers.slice(0, CALLERS_TOLD_MAX)
    const who = told.map(({ actor, calls, lastAt }) => `${actor} (${calls}, last ${new Date(lastAt).toISOString()})`)
    const more = callers.length > told.length ? ` and ${callers.length - told.length} more` : ''
    throw new Problem(
      'conflict',
      `Cannot retire ${version.model}@${version.version}: called within ${quietDays} days by ${who.join(', ')}${more}; tell them, or force it`,
    )
  }
  await change(parts, named, caller, { what: 'retire', state: 'retired', isForced: force, ...said })
}

/** Takes back a deprecation or a retirement. Throws `conflict` for a version in good standing, `not_found`. */
export async function restore(
  parts: StandingParts,
  named: Named,
  { reason }: { readonly reason: string },
  caller: Caller,
): Promise<void> {
  await change(parts, named, caller, { what: 'restore', reason })
}

interface Wanted extends Deprecation {
  readonly what: 'deprecate' | 'retire' | 'restore'
  /** Absent: good standing. */
  readonly state?: StandingState
  /** Whoever calls it was not asked for. */
  readonly isForced?: boolean
}

async function change(parts: StandingParts, named: Named, caller: Caller, wanted: Wanted): Promise<void> {
  const { registry, clock, db } = parts
  await registry.refresh() // another process may have registered the version a moment ago
  const { model, version } = versionIn(registry.catalogue, named.model, named.reference)
  const { what, state, reason, successor, sunsetAt } = wanted
  await inTurn(db, async (tx, revision) => {
    const before = await standingOf(tx, model, version)
    requirePossible({ model, version }, before, wanted)
    if (state === 'retired') await requireNoAlias(tx, model, version)
    if (successor !== undefined) await requireServed(tx, { model, version }, successor, what)
    const said = {
      ...(successor === undefined ? {} : { successor }),
      ...(sunsetAt === undefined ? {} : { sunsetAt }),
    }
    const standing: Standing | undefined = state && {
      ...{ model, version, state, reason, at: clock.now(), by: caller.by.id },
      ...said,
    }
    const body = standing === undefined ? null : JSON.stringify(standing)
    await tables<RegistryTables>(tx)
      .insertInto('standings')
      .values({ model, version, body, revision })
      .onConflict(conflict => conflict.columns(['model', 'version']).doUpdateSet({ body, revision }))
      .execute()
    const detail = {
      reason,
      ...(before === undefined ? {} : { from: before.state }),
      ...(wanted.isForced === true ? { forced: 'true' } : {}),
      ...(successor === undefined ? {} : { successor }),
      ...(sunsetAt === undefined ? {} : { sunset: new Date(sunsetAt).toISOString() }),
    }
    await record(tx, [changeRecord(parts, caller, `model:${state ?? 'restored'}`, { model, version }, detail)])
  })
  await registry.refresh()
}

type Which = Pick<Standing, 'model' | 'version'>

function requirePossible({ model, version }: Which, before: Standing | undefined, { what, state }: Wanted): void {
  const refused = (why: string): Problem => new Problem('conflict', `Cannot ${what} ${model}@${version}: ${why}`)
  if (state === undefined && before === undefined) throw refused('it is neither deprecated nor retired')
  if (before?.state === 'retired' && state !== undefined)
    throw refused(`it was retired on ${new Date(before.at).toISOString().slice(0, 10)}; restore it first`)
}

async function requireNoAlias(tx: AnyTransaction, model: string, version: string): Promise<void> {
  const all = tables<RegistryTables>(tx).selectFrom('aliases').select('alias').where('model', '=', model)
  const aliases = (await all.where('version', '=', version).orderBy('alias').execute()).map(({ alias }) => alias)
  if (aliases.length === 0) return
  throw new Problem(
    'conflict',
    `Cannot retire ${model}@${version}: ${aliases.join(', ')} ${aliases.length === 1 ? 'points' : 'point'} at it; move or remove ${aliases.length === 1 ? 'that alias' : 'those aliases'} first`,
  )
}

async function requireServed(tx: AnyTransaction, { model, version }: Which, next: string, what: string): Promise<void> {
  const found = await findVersion(tx, model, next)
  const isRetired = (await standingOf(tx, model, next))?.state === 'retired'
  if (found !== undefined && !isRetired && next !== version) return
  const is = found === undefined ? 'which is not registered' : isRetired ? 'which is retired' : 'the version itself'
  const problem = `is ${next}, ${is}; wanted another version of ${model} that is served`
  throw new Problem('invalid', `Cannot ${what} ${model}@${version}: successor ${problem}`, {
    fields: [{ field: 'successor', problem }],
  })
}

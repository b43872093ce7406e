/** Who is told of changes: of models, versions, aliases, approvals, keys and whatever else the ledger keeps as a change. */
import { randomBytes } from 'node:crypto'
import { Problem } from '../../errors.ts'
import { canonical } from '../../ledger/canonical.ts'
import { CHANGE_TOPIC } from '../../ledger/changes.ts'
import type { ChangeRecord } from '../../ledger/record.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keyring } from '../../platform/crypto.ts'
import { type Database, isUniqueViolation, tables } from '../../platform/database.ts'
import { requireWebAddress } from '../../platform/guarded-post.ts'
import type { Ids } from '../../platform/ids.ts'
import { enqueue } from '../../platform/outbox.ts'
import type { Actor } from '../../route.ts'
import type { WebhookRow, WebhookTables } from './tables.ts'

export interface Webhook {
  readonly id: string
  readonly name: string
  readonly url: string
  /** E.g. `alias:moved`; `alias:*` and `*` stand for several. */
  readonly actions: readonly string[]
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** Id of the actor. */
  readonly createdBy: string
}

export interface NewWebhook {
  readonly name: string
  readonly url: string
  readonly actions: readonly string[]
}

export interface WebhookParts {
  readonly db: Database
  readonly clock: Clock
  readonly ids: Ids
  readonly keyring: Pick<Keyring, 'seal' | 'open'>
  /** Whether machines of private networks, and this one, may be told. */
  readonly allowsPrivate: boolean
}

const PURPOSE = 'change-webhooks'
const SECRET_BYTES = 32
/** As https://www.standardwebhooks.com writes a secret. */
const SECRET_PREFIX = 'whsec_'
const NAME = /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/
const ACTION = /^(?:\*|[a-z][a-z-]*:(?:\*|[a-z][a-z-]*))$/
const ACTIONS_MAX = 50
const WEBHOOKS_MAX = 100

function refused(field: string, problem: string): Problem {
  return new Problem('invalid', `Cannot make the webhook: ${field} ${problem}`, { fields: [{ field, problem }] })
}

function judge({ name, url, actions }: NewWebhook, allowsPrivate: boolean): void {
  if (!NAME.test(name))
    throw refused('name', `is '${name.slice(0, 70)}', wanted up to 63 letters, digits, dots, dashes and underscores`)
  requireWebAddress(url, allowsPrivate)
  if (actions.length === 0 || actions.length > ACTIONS_MAX)
    throw refused('actions', `are ${actions.length}, wanted 1 to ${ACTIONS_MAX}`)
  for (const action of actions)
    if (!ACTION.test(action))
      throw refused('actions', `has '${action.slice(0, 70)}', wanted such as alias:moved, alias:* or *`)
}

/**
 * Makes a webhook. Its secret is told now and never again.
 *
 * @throws Problem `invalid`, or `exists` where one has the name.
 */
export async function createWebhook(
  parts: WebhookParts,
  wanted: NewWebhook,
  actor: Actor,
): Promise<{ readonly webhook: Webhook; readonly secret: string }> {
  const { db, clock, ids, keyring } = parts
  judge(wanted, parts.allowsPrivate)
  const id = ids.next()
  const key = randomBytes(SECRET_BYTES)
  const row: WebhookRow = {
    id,
    name: wanted.name,
    url: wanted.url,
    actions: `,${[...new Set(wanted.actions)].join(',')},`,
    secret: keyring.seal(PURPOSE, key, id).toString('base64'),
    created_at: clock.now(),
    created_by: actor.id,
  }
  try {
    await db.sql.transaction().execute(async tx => {
      const of = tables<WebhookTables>(tx)
      const { length } = await of.selectFrom('change_webhooks').select('id').execute()
      if (length >= WEBHOOKS_MAX)
        throw new Problem('conflict', `Cannot make the webhook: there are ${length} already, at most ${WEBHOOKS_MAX}`)
      await of.insertInto('change_webhooks').values(row).execute()
      await record(parts, tx, actor, 'webhook:created', row)
    })
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new Problem('conflict', `Cannot make the webhook: there is one named ${wanted.name}, delete it first`)
  }
  return { webhook: told(row), secret: SECRET_PREFIX + key.toString('base64') }
}

/** By name. */
export async function listWebhooks({ db }: Pick<WebhookParts, 'db'>): Promise<readonly Webhook[]> {
  const rows = await tables<WebhookTables>(db.sql).selectFrom('change_webhooks').selectAll().orderBy('name').execute()
  return rows.map(told)
}

/** @throws Problem `not_found`. */
export async function deleteWebhook(parts: WebhookParts, id: string, actor: Actor): Promise<Webhook> {
  return await parts.db.sql.transaction().execute(async tx => {
    const row = await readWebhook(tx, id)
    await tables<WebhookTables>(tx).deleteFrom('change_webhooks').where('id', '=', id).execute()
    await record(parts, tx, actor, 'webhook:deleted', row)
    return told(row)
  })
}

/** @throws Problem `not_found`. */
export async function readWebhook(db: Database['sql'], id: string): Promise<WebhookRow> {
  const row = await findWebhook(db, id)
  if (row === undefined) throw new Problem('not_found', `Cannot find the webhook ${id}: GET /webhooks lists all`)
  return row
}

export async function findWebhook(db: Database['sql'], id: string): Promise<WebhookRow | undefined> {
  return await tables<WebhookTables>(db)
    .selectFrom('change_webhooks')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
}

/** The key that messages are signed with. */
export function secretOf({ id, secret }: WebhookRow, keyring: Pick<Keyring, 'open'>): Buffer {
  return keyring.open(PURPOSE, Buffer.from(secret, 'base64'), id)
}

/** Whether a webhook wants to hear of an action. */
export function wants({ actions }: Pick<WebhookRow, 'actions'>, action: string): boolean {
  const all = [action, `${action.slice(0, action.indexOf(':'))}:*`, '*']
  return all.some(pattern => actions.includes(`,${pattern},`))
}

function told({ id, name, url, actions, created_at, created_by }: WebhookRow): Webhook {
  return { id, name, url, actions: actions.split(',').slice(1, -1), createdAt: created_at, createdBy: created_by }
}

async function record(
  { clock, ids }: WebhookParts,
  tx: Database['sql'],
  actor: Actor,
  action: string,
  { id, name, url, actions }: WebhookRow,
): Promise<void> {
  const at = clock.now()
  // Addresses may have tokens in their path or query: which machine is told is what matters.
  const detail = { name, host: new URL(url).host, actions: actions.split(',').slice(1, -1) }
  const change: ChangeRecord = {
    kind: 'change',
    id: ids.next(),
    at,
    actor: actor.id,
    action,
    target: `webhook:${id}`,
    detail,
  }
  await enqueue(tx, { id: change.id, topic: CHANGE_TOPIC, payload: canonical(change), at })
}

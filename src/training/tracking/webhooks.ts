/** Who is told what becomes of registered models, over MLflow's protocol: https://mlflow.org/docs/latest/ml/webhooks/ */
import { sql } from 'kysely'
import type { Keyring } from '../../platform/crypto.ts'
import { requireWebAddress } from '../../platform/guarded-post.ts'
import { PROMPT } from './facts.ts'
import {
  invalid,
  type Message,
  messages,
  missing,
  optionalText,
  paged,
  pageOffset,
  pageSize,
  shown,
  text,
} from './fields.ts'
import type { Writing } from './group-commit.ts'
import type { Reading, Tracking } from './tracking.ts'

export interface Hook {
  readonly id: string
  readonly name: string
  readonly url: string
  readonly description: string | null
  /** `model_version.created` and others, each between commas: `,a,b,`. */
  readonly events: string
  /** Sealed, base64. */
  readonly secret: string | null
  readonly status: string
  readonly created_at: number
  readonly updated_at: number
}

export interface HookParts extends Pick<Tracking, 'db' | 'clock' | 'ids'> {
  readonly keyring: Pick<Keyring, 'seal' | 'open'>
  /** Whether hooks may be machines of private networks. */
  readonly allowsPrivateHooks: boolean
}

const MADE = ['registered_model', 'model_version', 'prompt', 'prompt_version'].map(entity => `${entity}.created`)
const TAGGED = ['model_version_tag', 'prompt_tag', 'prompt_version_tag'].flatMap(on => [`${on}.set`, `${on}.deleted`])
const NAMED = ['model_version_alias', 'prompt_alias'].flatMap(on => [`${on}.created`, `${on}.deleted`])
const EVENTS: ReadonlySet<string> = new Set([...MADE, ...TAGGED, ...NAMED])
const PURPOSE = 'webhooks'

function eventOf(given: Message): string {
  const event = `${text(given, 'entity')}.${text(given, 'action')}`.toLowerCase()
  if (EVENTS.has(event)) return event
  throw invalid(`Cannot tell of ${shown(event)}: wanted one of ${[...EVENTS].join(', ')}`)
}

function eventsIn(from: Message): string {
  const events = messages(from, 'events').map(eventOf)
  if (events.length === 0) throw invalid("Cannot go on: the value of required parameter 'events' is missing")
  return `,${[...new Set(events)].join(',')},`
}

function nameIn(from: Message): string {
  const name = text(from, 'name')
  if (/^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/.test(name)) return name
  throw invalid(
    `Cannot name a webhook ${shown(name)}: wanted at most 63 letters, digits, dots, dashes and underscores, a letter or digit first and last`,
  )
}

function statusIn(from: Message): string {
  const status = optionalText(from, 'status') ?? 'ACTIVE'
  if (status === 'ACTIVE' || status === 'DISABLED') return status
  throw invalid(`Cannot use parameter 'status': found ${shown(status)}, wanted ACTIVE or DISABLED`)
}

function addressIn(from: Message, { allowsPrivateHooks }: HookParts): string {
  const url = text(from, 'url', 2_000)
  requireWebAddress(url, allowsPrivateHooks)
  return url
}

function sealedSecret(from: Message, { keyring }: HookParts, id: string): string | null {
  const secret = optionalText(from, 'secret', 1_000)
  return secret ? keyring.seal(PURPOSE, Buffer.from(secret), id).toString('base64') : null
}

/** What a hook's messages are signed with. */
export function secretOf({ id, secret }: Hook, keyring: Pick<Keyring, 'open'>): string | undefined {
  return secret === null ? undefined : keyring.open(PURPOSE, Buffer.from(secret, 'base64'), id).toString()
}

/** Everything but the secret, which nobody is told. */
function told({ id, name, url, description, events, status, created_at, updated_at }: Hook): Message {
  const pairs = events.split(',').filter(event => event !== '')
  return {
    webhook_id: id,
    name,
    url,
    events: pairs.map(event => {
      const [entity, action] = event.toUpperCase().split('.')
      return { entity, action }
    }),
    ...(description === null ? {} : { description }),
    status,
    creation_timestamp: created_at,
    last_updated_timestamp: updated_at,
  }
}

export async function readHook(db: Reading, id: string): Promise<Hook> {
  const { rows } = await sql<Hook>`select * from mlflow_webhooks where id = ${id}`.execute(db)
  if (rows[0] === undefined) throw missing(`a webhook with the id ${shown(id)}`)
  return rows[0]
}

export async function createHook(parts: HookParts, tx: Writing, from: Message): Promise<Message> {
  const now = parts.clock.now()
  const id = parts.ids.next()
  const hook: Hook = {
    id,
    name: nameIn(from),
    url: addressIn(from, parts),
    description: optionalText(from, 'description', 5_000) || null,
    events: eventsIn(from),
    secret: sealedSecret(from, parts, id),
    status: statusIn(from),
    created_at: now,
    updated_at: now,
  }
  await tx.insertInto('mlflow_webhooks').values(hook).execute()
  return { webhook: told(hook) }
}

export async function listHooks({ db }: HookParts, from: Message): Promise<Message> {
  const size = pageSize(from, 100, 1_000)
  const offset = pageOffset(from)
  const { rows } = await sql<Hook>`select * from mlflow_webhooks order by created_at desc, id desc
    limit ${size + 1} offset ${offset}`.execute(db.sql)
  const page = paged(rows, offset, size)
  return { webhooks: page.rows.map(told), ...page.next }
}

export async function getHook({ db }: HookParts, from: Message): Promise<Message> {
  return { webhook: told(await readHook(db.sql, text(from, 'webhook_id'))) }
}

export async function updateHook(parts: HookParts, tx: Writing, from: Message): Promise<Message> {
  const hook = await readHook(tx, text(from, 'webhook_id'))
  const given = (name: string): boolean => from[name] !== undefined && from[name] !== null
  const changed: Hook = {
    ...hook,
    name: given('name') ? nameIn(from) : hook.name,
    url: given('url') ? addressIn(from, parts) : hook.url,
    description: given('description') ? optionalText(from, 'description', 5_000) || null : hook.description,
    events: given('events') ? eventsIn(from) : hook.events,
    secret: given('secret') ? sealedSecret(from, parts, hook.id) : hook.secret,
    status: given('status') ? statusIn(from) : hook.status,
    updated_at: parts.clock.now(),
  }
  const { id: _, ...values } = changed
  await tx.updateTable('mlflow_webhooks').set(values).where('id', '=', hook.id).execute()
  return { webhook: told(changed) }
}

export async function deleteHook(_: HookParts, tx: Writing, from: Message): Promise<Message> {
  const { id } = await readHook(tx, text(from, 'webhook_id'))
  await sql`delete from mlflow_webhooks where id = ${id}`.execute(tx)
  return {}
}

/** Those that are to be told of an event. */
export async function hooksFor(tx: Reading, event: string): Promise<readonly { readonly id: string }[]> {
  const { rows } = await sql<{ id: string }>`select id from mlflow_webhooks
    where status = 'ACTIVE' and events like ${`%,${event},%`} order by id`.execute(tx)
  return rows
}

export async function isPrompt(tx: Reading, name: string): Promise<boolean> {
  const { rows } = await sql`select 1 from mlflow_facts
    where kind = 'registered-tag' and owner = ${name} and name = ${PROMPT} and value = 'true'`.execute(tx)
  return rows.length > 0
}

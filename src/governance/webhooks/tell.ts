/**
 * Webhooks are told of each change that stands in the ledger, at least once, by jobs: signed as https://www.standardwebhooks.com
 * has it, again and again until it is taken. A message is a CloudEvent (CloudEvents 1.0.2, JSON).
 */
import { createHmac } from 'node:crypto'
import type { ChangeRecord } from '../../ledger/record.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keyring } from '../../platform/crypto.ts'
import { type Database, tables } from '../../platform/database.ts'
import { guardedPost, type Posted } from '../../platform/guarded-post.ts'
import { type JobInfo, type JobStore, jobStore } from '../../platform/jobs.ts'
import type { JobHandler } from '../../platform/run-jobs.ts'
import type { Timers } from '../../platform/timers.ts'
import type { WebhookRow, WebhookTables } from './tables.ts'
import { findWebhook, readWebhook, secretOf, wants } from './webhooks.ts'

export const WEBHOOK_JOB = 'change-webhook'
/** With the back-off of jobs, about an hour of trying. */
const ATTEMPTS_MAX = 8
const LISTED_MAX = 1_000

interface Delivery {
  readonly webhook: string
  readonly change: ChangeRecord
}

/** What is waiting for a webhook, or was given up. */
export interface WaitingDelivery {
  /** Of the change, which is the `webhook-id` of the message. */
  readonly id: string
  readonly action: string
  readonly target: string
  readonly state: JobInfo['state']
  readonly attempts: number
  /** When it is tried next; milliseconds since the epoch. */
  readonly nextAt?: number
  /** Why the last try failed. */
  readonly error?: string
}

/** To be called for each change, also for one that comes again: a job is made once for each that waits for it. */
export function changeTeller(db: Database, clock: Clock): (change: ChangeRecord) => Promise<void> {
  const jobs = jobStore(db)
  return async change => {
    const rows = await tables<WebhookTables>(db.sql).selectFrom('change_webhooks').select(['id', 'actions']).execute()
    for (const row of rows) {
      if (!wants(row, change.action)) continue
      const payload: Delivery = { webhook: row.id, change }
      const id = `${change.id}/${row.id}`
      await jobs.enqueue({ id, kind: WEBHOOK_JOB, payload, at: clock.now(), attemptsMax: ATTEMPTS_MAX })
    }
  }
}

export interface SendParts {
  readonly db: Database
  readonly keyring: Pick<Keyring, 'open'>
  readonly clock: Clock
  readonly timers: Timers
  /** One try. */
  readonly timeoutMs: number
  readonly allowsPrivate: boolean
}

/** Sends what is to be told. A webhook that was deleted meanwhile is told nothing. */
export function webhookHandler(parts: SendParts): JobHandler {
  return async ({ payload }, signal) => {
    const { webhook, change } = payload as Delivery
    const row = await findWebhook(parts.db.sql, webhook)
    if (row === undefined) return
    const { status } = await send(parts, row, change, signal)
    if (status < 200 || status > 299) throw new Error(`The webhook ${row.name} answered ${status}`)
  }
}

async function send(
  { clock, keyring, timers, timeoutMs, allowsPrivate }: SendParts,
  row: WebhookRow,
  change: ChangeRecord,
  signal?: AbortSignal,
): Promise<Posted> {
  const body = JSON.stringify(eventOf(change))
  const at = String(Math.floor(clock.now() / 1_000))
  const signature = createHmac('sha256', secretOf(row, keyring)).update(`${change.id}.${at}.${body}`).digest('base64')
  const headers = {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'webhook-id': change.id,
    'webhook-timestamp': at,
    'webhook-signature': `v1,${signature}`,
  }
  const post = { url: row.url, headers, body, timeoutMs, allowsPrivate }
  return await guardedPost(signal === undefined ? post : { ...post, signal }, timers)
}

function eventOf(change: ChangeRecord): object {
  return {
    specversion: '1.0',
    id: change.id,
    source: 'urn:bellwether',
    type: `bellwether.${change.action.replace(':', '.')}`,
    subject: change.target,
    time: new Date(change.at).toISOString(),
    datacontenttype: 'application/json',
    data: change,
  }
}

/** What came of a try. */
export interface Tried {
  readonly status?: number
  /** The beginning of what was answered. */
  readonly answer?: string
  /** Why there was no answer. */
  readonly error?: string
}

/** Sends an example, at once and once. Throws `not_found`. */
export async function tryWebhook(parts: SendParts, id: string, change: ChangeRecord): Promise<Tried> {
  const row = await readWebhook(parts.db.sql, id)
  try {
    const { status, text } = await send(parts, row, change)
    return { status, answer: text }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/** What waits for a webhook or was given up, in the order it is tried. */
export async function waitingDeliveries(
  jobs: Pick<JobStore, 'list'>,
  webhook: string,
): Promise<readonly WaitingDelivery[]> {
  const all = await jobs.list({ kind: WEBHOOK_JOB, limit: LISTED_MAX })
  return all
    .filter(({ payload }) => (payload as Delivery).webhook === webhook)
    .map(({ payload, state, attempts, runAt, error }) => {
      const { id, action, target } = (payload as Delivery).change
      const next = state === 'dead' ? {} : { nextAt: runAt }
      return { id, action, target, state, attempts, ...next, ...(error === undefined ? {} : { error }) }
    })
}

import { Type } from 'typebox'
import type { ChangeRecord } from '../../ledger/record.ts'
import type { Clock } from '../../platform/clock.ts'
import type { WebhooksConfig } from '../../platform/config-webhooks.ts'
import type { Keyring } from '../../platform/crypto.ts'
import type { Database } from '../../platform/database.ts'
import type { Ids } from '../../platform/ids.ts'
import { jobStore } from '../../platform/jobs.ts'
import type { JobHandler } from '../../platform/run-jobs.ts'
import type { Timers } from '../../platform/timers.ts'
import type { AnyRoute } from '../../route.ts'
import { type SendParts, tryWebhook, WEBHOOK_JOB, waitingDeliveries, webhookHandler } from './tell.ts'
import {
  createWebhook,
  deleteWebhook,
  listWebhooks,
  type NewWebhook,
  readWebhook,
  type WebhookParts,
} from './webhooks.ts'

interface Parts {
  readonly db: Database
  readonly keyring: Keyring
  readonly clock: Clock
  readonly ids: Ids
  readonly timers: Timers
  readonly config: { readonly webhooks: WebhooksConfig }
}

const Webhook = Type.Object({
  id: Type.String(),
  name: Type.String(),
  url: Type.String(),
  actions: Type.Array(Type.String(), {
    description: 'Of the ledger: `alias:moved`; `alias:*` and `*` stand for several',
  }),
  createdAt: Type.Integer({ description: 'Milliseconds since the epoch' }),
  createdBy: Type.String({ description: 'Id of the actor' }),
})

const NewWebhookBody = Type.Object(
  {
    name: Type.String({ maxLength: 63, examples: ['releases'] }),
    url: Type.String({ maxLength: 2_000, examples: ['https://hooks.example/told'] }),
    actions: Type.Array(Type.String({ maxLength: 80, examples: ['alias:moved'] }), { minItems: 1, maxItems: 50 }),
  },
  { additionalProperties: false },
)

const Delivery = Type.Object({
  id: Type.String({ description: 'Of the change, and of the message: `webhook-id`' }),
  action: Type.String(),
  target: Type.String(),
  state: Type.Enum(['waiting', 'running', 'dead'], { description: '`dead`: given up' }),
  attempts: Type.Integer(),
  nextAt: Type.Optional(Type.Integer({ description: 'Milliseconds since the epoch' })),
  error: Type.Optional(Type.String({ description: 'Why the last try failed' })),
})

const Tried = Type.Object({
  status: Type.Optional(Type.Integer()),
  answer: Type.Optional(Type.String({ description: 'The beginning of it' })),
  error: Type.Optional(Type.String({ description: 'Why there was no answer' })),
})

const Id = Type.Object({ id: Type.String({ pattern: '^[0-9a-f-]{36}$' }) })
/** Who makes a webhook makes this server call another, and tells it what becomes of models and keys. */
const permission = 'webhook:manage'
const tag = 'Webhooks'

function split({ config, ...parts }: Parts): { readonly parts: WebhookParts; readonly sending: SendParts } {
  const allowsPrivate = config.webhooks.addresses === 'any'
  return {
    parts: { ...parts, allowsPrivate },
    sending: { ...parts, allowsPrivate, timeoutMs: config.webhooks.timeoutMs },
  }
}

/** @param recorded resolves when the changes made so far stand in the ledger. */
export function changeWebhookRoutes(given: Parts, recorded: () => Promise<void>): AnyRoute[] {
  const { parts, sending } = split(given)
  return [
    {
      method: 'GET',
      path: '/webhooks',
      permission,
      summary: 'All webhooks, without their secrets',
      tag,
      answers: { 200: Type.Object({ webhooks: Type.Array(Webhook) }) },
      handle: async () => ({ body: { webhooks: await listWebhooks(parts) } }),
    },
    {
      method: 'POST',
      path: '/webhooks',
      permission,
      summary: 'Have another server told of changes',
      description: 'The answer holds the secret that messages are signed with. It cannot be shown again.',
      tag,
      body: NewWebhookBody,
      answers: { 201: Type.Object({ webhook: Webhook, secret: Type.String() }) },
      problems: [409, 422],
      handle: async ({ body, actor }) => {
        const made = await createWebhook(parts, body as NewWebhook, actor)
        await recorded()
        return { status: 201, body: made }
      },
    },
    {
      method: 'DELETE',
      path: '/webhooks/:id',
      permission,
      summary: 'Tell a webhook nothing more',
      tag,
      params: Id,
      answers: { 200: Type.Object({ webhook: Webhook }) },
      problems: [404, 422],
      handle: async ({ params, actor }) => {
        const webhook = await deleteWebhook(parts, params['id']!, actor)
        await recorded()
        return { body: { webhook } }
      },
    },
    ...tellingRoutes(sending, given),
  ]
}

function tellingRoutes(sending: SendParts, { db, clock, ids }: Parts): AnyRoute[] {
  return [
    {
      method: 'POST',
      path: '/webhooks/:id/test',
      permission,
      summary: 'Send a webhook an example, at once and once',
      tag,
      params: Id,
      answers: { 200: Tried },
      problems: [404, 422],
      handle: async ({ params, actor }) => {
        const target = `webhook:${params['id']}`
        const example: ChangeRecord = {
          kind: 'change',
          id: ids.next(),
          at: clock.now(),
          actor: actor.id,
          action: 'webhook:tried',
          target,
        }
        return { body: await tryWebhook(sending, params['id']!, example) }
      },
    },
    {
      method: 'GET',
      path: '/webhooks/:id/deliveries',
      permission,
      summary: 'What a webhook has not taken yet',
      description: 'What was taken is not kept: the ledger has every change.',
      tag,
      params: Id,
      answers: { 200: Type.Object({ deliveries: Type.Array(Delivery) }) },
      problems: [404, 422],
      handle: async ({ params }) => {
        const { id } = await readWebhook(db.sql, params['id']!)
        return { body: { deliveries: await waitingDeliveries(jobStore(db), id) } }
      },
    },
  ]
}

/** Who sends what webhooks are to be told. */
export function changeWebhookHandlers(given: Parts): Readonly<Record<string, JobHandler>> {
  return { [WEBHOOK_JOB]: webhookHandler(split(given).sending) }
}

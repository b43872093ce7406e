/** What hooks are told: made with the change it tells of, in its transaction; sent by a job, signed, again and again until it is taken. */
import { createHmac } from 'node:crypto'
import type { Clock } from '../../platform/clock.ts'
import type { Keyring } from '../../platform/crypto.ts'
import type { Database } from '../../platform/database.ts'
import { guardedPost, type Posted } from '../../platform/guarded-post.ts'
import type { Ids } from '../../platform/ids.ts'
import { enqueueJob } from '../../platform/jobs.ts'
import type { JobHandler } from '../../platform/run-jobs.ts'
import type { Timers } from '../../platform/timers.ts'
import { factsOf, PROMPT } from './facts.ts'
import { invalid, type Message, messages, optionalText, text } from './fields.ts'
import type { Writing } from './group-commit.ts'
import type { Reading, Tracking } from './tracking.ts'
import { type Hook, hooksFor, isPrompt, readHook, secretOf } from './webhooks.ts'

export const HOOK_JOB = 'mlflow:webhook'
/** With the back-off of jobs, about an hour of trying. */
const ATTEMPTS_MAX = 8

interface Told {
  /** Without what it is about: `created` of `model_version` or `prompt_version`. */
  readonly of: readonly [model: string | undefined, prompt: string]
  readonly action: string
  readonly data: (from: Message, answer: Message, isPrompt: boolean) => Message
}

const PROMPT_TEXT = 'mlflow.prompt.text'
const named = (from: Message): Message => ({ name: from['name'] })
const versioned = (from: Message): Message => ({ ...named(from), version: String(from['version'] ?? '') })
/** Without those that make it a prompt, and its text. */
const OF_PROMPTS: ReadonlySet<string> = new Set([PROMPT, '_mlflow_prompt_type', PROMPT_TEXT])
const tagsOf = (from: Message, isPrompt: boolean): Message => {
  const tags = factsOf(from, 'tags', 'registry tag').filter(({ key }) => !isPrompt || !OF_PROMPTS.has(key))
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]))
}

/** What is told of, by the path of the change. */
const TOLD: Readonly<Record<string, Told>> = {
  'POST registered-models/create': {
    of: ['registered_model', 'prompt'],
    action: 'created',
    data: (from, _, isPrompt) => ({
      ...named(from),
      tags: tagsOf(from, isPrompt),
      description: from['description'] ?? '',
    }),
  },
  'POST model-versions/create': {
    of: ['model_version', 'prompt_version'],
    action: 'created',
    data: (from, answer, isPrompt) => {
      const [{ version, source, run_id: run } = {} as Message] = messages(answer, 'model_version')
      const tags = tagsOf(from, isPrompt)
      const made = { ...named(from), version, tags, description: from['description'] || null }
      if (!isPrompt) return { ...made, source, run_id: run || null }
      const template = factsOf(from, 'tags', 'registry tag').find(({ key }) => key === PROMPT_TEXT)?.value ?? null
      return { ...made, template }
    },
  },
  'POST model-versions/set-tag': {
    of: ['model_version_tag', 'prompt_version_tag'],
    action: 'set',
    data: from => ({ ...versioned(from), key: from['key'], value: from['value'] ?? '' }),
  },
  'DELETE model-versions/delete-tag': {
    of: ['model_version_tag', 'prompt_version_tag'],
    action: 'deleted',
    data: from => ({ ...versioned(from), key: from['key'] }),
  },
  'POST registered-models/set-tag': {
    of: [undefined, 'prompt_tag'],
    action: 'set',
    data: from => ({ ...named(from), key: from['key'], value: from['value'] ?? '' }),
  },
  'DELETE registered-models/delete-tag': {
    of: [undefined, 'prompt_tag'],
    action: 'deleted',
    data: from => ({ ...named(from), key: from['key'] }),
  },
  'POST registered-models/alias': {
    of: ['model_version_alias', 'prompt_alias'],
    action: 'created',
    data: from => ({ ...versioned(from), alias: from['alias'] }),
  },
  'DELETE registered-models/alias': {
    of: ['model_version_alias', 'prompt_alias'],
    action: 'deleted',
    data: from => ({ ...named(from), alias: from['alias'] }),
  },
}

/** Keeps what is to be told of a change, if anybody wants to hear it. To be called in its transaction, after it. */
export async function tellHooks(
  { clock, ids }: Pick<Tracking, 'clock' | 'ids'>,
  tx: Writing,
  change: string,
  from: Message,
  answer: Message,
): Promise<void> {
  const told = TOLD[change]
  if (told === undefined) return
  const ofPrompt = await isPrompt(tx, text(from, 'name'))
  const entity = ofPrompt ? told.of[1] : told.of[0]
  if (entity === undefined) return
  const event = `${entity}.${told.action}`
  const now = clock.now()
  for (const { id: hook } of await hooksFor(tx, event)) {
    const payload: Delivery = { hook, body: bodyOf(event, now, told.data(from, answer, ofPrompt)) }
    await enqueueJob(tx, { id: ids.next(), kind: HOOK_JOB, payload, at: now, attemptsMax: ATTEMPTS_MAX })
  }
}

interface Delivery {
  readonly hook: string
  /** The text that is sent, and signed. */
  readonly body: string
}

function bodyOf(event: string, now: number, data: Message): string {
  const [entity, action] = event.split('.')
  return JSON.stringify({ entity, action, timestamp: new Date(now).toISOString(), data })
}

export interface SendParts {
  readonly db: Pick<Database, 'sql'>
  readonly keyring: Pick<Keyring, 'open'>
  readonly clock: Clock
  readonly ids: Ids
  readonly timers: Timers
  /** One try. */
  readonly hookTimeoutMs: number
  readonly allowsPrivateHooks: boolean
}

/** Sends what is to be told. A hook that was deleted or put to rest meanwhile is told nothing. */
export function hookHandler(parts: SendParts): JobHandler {
  return async ({ id, payload }, signal) => {
    const { hook: wanted, body } = payload as Delivery
    const hook = await hookIfThere(parts.db.sql, wanted)
    if (hook?.status !== 'ACTIVE') return
    const { status } = await send(parts, hook, id, body, signal)
    if (status < 200 || status > 299) throw new Error(`The webhook ${hook.name} answered ${status}`)
  }
}

async function hookIfThere(db: Reading, id: string): Promise<Hook | undefined> {
  return await readHook(db, id).catch(() => undefined)
}

/** Signed as https://www.standardwebhooks.com has it, under the names that MLflow has for the headers. */
async function send(parts: SendParts, hook: Hook, id: string, body: string, signal?: AbortSignal): Promise<Posted> {
  const at = String(Math.floor(parts.clock.now() / 1_000))
  const secret = secretOf(hook, parts.keyring)
  const signature = secret && createHmac('sha256', secret).update(`${id}.${at}.${body}`).digest('base64')
  const headers = {
    'content-type': 'application/json',
    'x-mlflow-delivery-id': id,
    'x-mlflow-timestamp': at,
    ...(signature === undefined ? {} : { 'x-mlflow-signature': `v1,${signature}` }),
  }
  const post = { url: hook.url, headers, body, timeoutMs: parts.hookTimeoutMs, allowsPrivate: parts.allowsPrivateHooks }
  return await guardedPost(signal === undefined ? post : { ...post, signal }, parts.timers)
}

const EXAMPLE: Message = {
  name: 'example_model',
  version: '1',
  source: 'models:/123',
  run_id: 'abcd1234abcd5678',
  tags: { example_key: 'example_value' },
  description: 'An example',
  key: 'example_key',
  value: 'example_value',
  alias: 'example_alias',
  template: 'Hello {{name}}',
}
const NO_FIELDS: readonly string[] = []
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  registered_model: ['name', 'tags', 'description'],
  prompt: ['name', 'tags', 'description'],
  model_version: ['name', 'version', 'source', 'run_id', 'tags', 'description'],
  prompt_version: ['name', 'version', 'template', 'tags', 'description'],
  model_version_tag: ['name', 'version', 'key', 'value'],
  prompt_version_tag: ['name', 'version', 'key', 'value'],
  prompt_tag: ['name', 'key', 'value'],
  model_version_alias: ['name', 'alias', 'version'],
  prompt_alias: ['name', 'alias', 'version'],
}

/** Sends an example of the event that is asked for, or of the hook's first, at once and once. */
export async function tryHook(parts: SendParts, from: Message): Promise<Message> {
  const hook = await readHook(parts.db.sql, text(from, 'webhook_id'))
  const first = hook.events.split(',')[1]!
  const [given] = messages(from, 'event')
  const event = given === undefined ? first : `${text(given, 'entity')}.${text(given, 'action')}`.toLowerCase()
  const fields = FIELDS[event.split('.')[0]!] ?? NO_FIELDS
  if (fields.length === 0)
    throw invalid(`Cannot try the webhook: ${optionalText(given ?? {}, 'entity')} is nothing that is told of`)
  const isDeleted = event.endsWith('.deleted')
  const kept = fields.filter(field => !isDeleted || field !== 'value')
  const data = Object.fromEntries(kept.map(field => [field, EXAMPLE[field]]))
  try {
    const { status, text: said } = await send(parts, hook, parts.ids.next(), bodyOf(event, parts.clock.now(), data))
    return { result: { success: status < 400, response_status: status, response_body: said } }
  } catch (error) {
    return { result: { success: false, error_message: error instanceof Error ? error.message : String(error) } }
  }
}

import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { permits } from '../access/roles.ts'
import { Problem } from '../errors.ts'
import type { Answer, AnyRoute, Route, RouteRequest } from '../route.ts'
import type { LedgerQuery } from './ledger.ts'
import type { OpenedLedger } from './open-ledger.ts'
import type { Pseudonyms } from './pseudonyms.ts'
import { type LedgerRecord, type PredictionRecord, RECORD_KINDS } from './record.ts'
import type { Refusals } from './refusals.ts'
import type { SubjectKeys } from './subject-keys.ts'
import { parseWhere } from './where.ts'

export interface LedgerRouteParts {
  readonly ledger: OpenedLedger
  /** What waits of them is written before anything is read. */
  readonly refusals: Pick<Refusals, 'flush'>
  readonly seals: Pick<SubjectKeys, 'unseal'>
  readonly pseudonyms: Pick<Pseudonyms, 'subject'>
  /** What experts think of a prediction, oldest first. */
  readonly reviews: (prediction: PredictionRecord) => Promise<readonly unknown[]>
}

const LINES = 'application/x-ndjson'
const LIMIT_DEFAULT = 100
const LIMIT_MAX = 10_000

const RecordSchema = Type.Object(
  { id: Type.String(), at: Type.Integer(), kind: Type.String(), actor: Type.String() },
  { additionalProperties: true, description: 'A record; docs/ledger.md lists the members of each kind' },
)

const Head = Type.Object({
  size: Type.Integer({ description: 'Number of records under it' }),
  root: Type.String({ description: 'Root of the RFC 6962 tree, hex' }),
  at: Type.Integer({ description: 'Milliseconds since the epoch' }),
  previous: Type.String({ description: 'SHA-256 of the head before it, hex' }),
  keyId: Type.String(),
  signature: Type.String({ description: 'Ed25519 over the canonical JSON of the other members, base64' }),
})

const Id = Type.Object({ id: Type.String({ maxLength: 100, description: 'UUIDv7 of the record' }) })
const Time = (description: string) => Type.Optional(Type.Integer({ minimum: 0, description }))
const Name = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 500, description }))

const RecordsQuery = Type.Object(
  {
    kind: Type.Optional(Type.Union(RECORD_KINDS.map(kind => Type.Literal(kind)))),
    model: Name('Name of a model'),
    version: Name('Version of the model'),
    since: Time('Not before, milliseconds since the epoch'),
    until: Time('Before, milliseconds since the epoch'),
    subject: Name('Pseudonym of a subject, as records have it; the header Bellwether-Subject takes the id itself'),
    actor: Name('Id of the caller'),
    where: Name(
      'Of predictions: `contribution.balance > 0.1 and feature.age < 30`, or `feature = balance and contribution > 0.1`; also `output.NAME`',
    ),
    order: Type.Optional(Type.Union([Type.Literal('oldest'), Type.Literal('newest')], { default: 'newest' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT })),
    after: Type.Optional(Type.String({ maxLength: 40, description: '`next` of the page before' })),
    explain: Type.Optional(Type.Boolean({ description: 'Say which files were read, and how' })),
  },
  { additionalProperties: false },
)

const Span = Type.Object(
  {
    since: Type.Optional(Type.Integer({ minimum: 0, description: 'Index in the log of the first record' })),
    until: Type.Optional(Type.Integer({ minimum: 0, description: 'Index in the log of the first record left out' })),
  },
  { additionalProperties: false },
)

export function ledgerRoutes(parts: LedgerRouteParts): AnyRoute[] {
  return [...readingRoutes(parts), ...headRoutes(parts), ...proofRoutes(parts)]
}

function readingRoutes(parts: LedgerRouteParts): Route[] {
  return [
    {
      method: 'GET',
      path: '/predictions/:id',
      permission: 'prediction:read',
      summary: 'What was answered, to whom, from what',
      description:
        'The record of a prediction and what became of it. Sensitive features are opened for callers who may unseal them; `erased` says that their key was destroyed.',
      tag: 'Ledger',
      params: Id,
      answers: {
        200: Type.Object({
          record: RecordSchema,
          outcomes: Type.Array(RecordSchema, { description: 'Oldest first; the newest counts' }),
          reviews: Type.Array(Type.Object({}, { additionalProperties: true }), {
            description: 'What experts think of it, oldest first',
          }),
          sensitive: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
          erased: Type.Optional(Type.Boolean()),
        }),
      },
      problems: [404],
      handle: request => prediction(parts, request),
    },
    {
      method: 'GET',
      path: '/ledger/records',
      permission: 'ledger:read',
      summary: 'Records by kind, model, version, time, subject, caller',
      description: 'Newest first, unless `order` says otherwise. A page ends with `next` where there may be more.',
      tag: 'Ledger',
      query: RecordsQuery,
      answers: {
        200: Type.Object({
          records: Type.Array(RecordSchema),
          next: Type.Optional(Type.String()),
          plan: Type.Optional(Type.Object({}, { additionalProperties: true })),
        }),
      },
      problems: [422],
      handle: request => records(parts, request),
    },
  ]
}

const audit = { method: 'GET', tag: 'Audit' } as const

function headRoutes({ ledger, refusals }: LedgerRouteParts): Route[] {
  return [
    {
      ...audit,
      path: '/audit/head',
      permission: 'audit:read',
      summary: 'The signed head over all records until now',
      description: 'Keep it elsewhere: against it shows, later, whatever was changed or cut off.',
      answers: { 200: Head },
      handle: async () => {
        await refusals.flush()
        return { body: await ledger.head() }
      },
    },
    {
      ...audit,
      path: '/audit/heads',
      permission: 'audit:read',
      summary: 'All signed heads, one canonical JSON a line, oldest first',
      answers: { 200: 'text' },
      handle: async () => {
        await ledger.head() // the file is there from the first head on
        return { stream: createReadStream(ledger.headsPath), type: LINES }
      },
    },
    {
      ...audit,
      path: '/audit/keys',
      permission: 'audit:read',
      summary: 'The public keys that heads are signed with',
      answers: {
        200: Type.Object({
          format: Type.String(),
          ledger: Type.String({ description: 'Names the ledger' }),
          keys: Type.Array(Type.Object({ keyId: Type.String(), publicKey: Type.String() })),
        }),
      },
      handle: () => {
        const { keyId, publicKey } = ledger
        return { body: { format: 'bellwether-export/1', ledger: keyId, keys: [{ keyId, publicKey }] } }
      },
    },
  ]
}

function proofRoutes({ ledger, refusals }: LedgerRouteParts): Route[] {
  return [
    {
      ...audit,
      path: '/audit/proofs/:id',
      permission: 'audit:read',
      summary: 'Proof that a record is under the newest head',
      params: Id,
      answers: {
        200: Type.Object({
          format: Type.String(),
          record: Type.String({ description: 'Canonical JSON' }),
          index: Type.Integer(),
          path: Type.Array(Type.String(), { description: 'RFC 6962 audit path, leaf to root, hex' }),
          head: Head,
          publicKey: Type.String(),
        }),
      },
      problems: [404],
      handle: async ({ params }) => ({ body: await ledger.prove(params['id']!) }),
    },
    {
      ...audit,
      path: '/audit/records',
      permission: 'audit:export',
      summary: 'The records themselves, one canonical JSON a line, in the order of the log',
      query: Span,
      answers: { 200: 'text' },
      handle: async ({ query }) => {
        await refusals.flush()
        const { since = 0, until = ledger.size } = query as { since?: number; until?: number }
        return { stream: Readable.from(text(ledger.lines(since, until)), { objectMode: false }), type: LINES }
      },
    },
  ]
}

async function* text(batches: AsyncGenerator<string[], void, undefined>): AsyncGenerator<string> {
  for await (const lines of batches) yield `${lines.join('\n')}\n`
}

async function prediction(
  { ledger, seals, reviews }: LedgerRouteParts,
  { params, actor }: RouteRequest,
): Promise<Answer> {
  const id = params['id']!
  const record: LedgerRecord | undefined = await ledger.find(id)
  if (record?.kind !== 'prediction') throw new Problem('not_found', `Cannot show prediction ${id}: there is none`)
  const [outcomes, reviewed] = await Promise.all([ledger.outcomesOf(id), reviews(record)])
  const opened = permits(actor, 'prediction:unseal') ? await unsealed(seals, record) : {}
  return { body: { record, outcomes, reviews: reviewed, ...opened } }
}

async function unsealed(
  seals: LedgerRouteParts['seals'],
  record: PredictionRecord,
): Promise<{ sensitive?: unknown; erased?: boolean }> {
  if (record.sealed === undefined) return {}
  try {
    return { sensitive: JSON.parse(await seals.unseal(record.sealed, record)) }
  } catch (error) {
    if (error instanceof Problem && error.code === 'not_found') return { erased: true }
    throw error
  }
}

/** The page is put together from texts: records are not parsed here, however many there are. */
async function records(parts: LedgerRouteParts, { query, headers }: RouteRequest): Promise<Answer> {
  type Asked = Partial<Omit<LedgerQuery, 'where'>> & { explain?: boolean; where?: string }
  const { explain, limit = LIMIT_DEFAULT, where, ...asked } = query as Asked
  const conditions = where === undefined ? {} : { where: parseWhere(where) }
  const id = headers['bellwether-subject']
  const subject = id === undefined || id === '' ? {} : { subject: parts.pseudonyms.subject(id) }
  await parts.refusals.flush()
  const { found, next, plan } = await parts.ledger.search({ ...asked, ...subject, ...conditions, limit }, explain)
  const members = [`"records":[${found.map(record => record.text).join(',')}]`]
  if (next !== undefined) members.push(`"next":"${next}"`)
  if (plan !== undefined) members.push(`"plan":${JSON.stringify(plan)}`)
  return { text: `{${members.join(',')}}` }
}

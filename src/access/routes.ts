import { Type } from 'typebox'
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { AnyRoute, RouteRequest } from '../route.ts'
import type { Access } from './access.ts'
import { EXPIRES_AT_MAX, KEY_NAME_CHARACTERS_MAX, type NewKey } from './keys.ts'
import { ROLE_NAMES, ROLES } from './roles.ts'

const ROLES_TOLD = ROLE_NAMES.map(role => `\`${role}\`: ${ROLES[role].join(', ')}`).join('; ')

const Key = Type.Object({
  id: Type.String({ description: '12 hex digits; the second part of the secret' }),
  name: Type.String(),
  owner: Type.Optional(Type.String({ description: 'Who holds it; keys of one owner are one pair of eyes' })),
  roles: Type.Array(Type.Enum([...ROLE_NAMES]), { description: ROLES_TOLD }),
  createdAt: Type.Integer({ description: 'Milliseconds since the epoch' }),
  createdBy: Type.String({ description: 'Id of the actor' }),
  expiresAt: Type.Optional(Type.Integer({ description: 'Refused from this moment on; absent: it does not expire' })),
  revokedAt: Type.Optional(Type.Integer()),
  revokedBy: Type.Optional(Type.String()),
})

const NewKeyBody = Type.Object(
  {
    name: Type.String({ maxLength: KEY_NAME_CHARACTERS_MAX, description: 'What it is for; people read it' }),
    owner: Type.Optional(
      Type.String({
        maxLength: KEY_NAME_CHARACTERS_MAX,
        description: 'Who holds it: a name or an address, or the `user:…` of their tokens. Never changes',
      }),
    ),
    // Unknown ones are refused by `judgeCreation`, which says what there is.
    roles: Type.Array(Type.String({ maxLength: 40, examples: ROLE_NAMES }), {
      minItems: 1,
      maxItems: ROLE_NAMES.length,
      description: ROLES_TOLD,
    }),
    expiresAt: Type.Optional(
      Type.Integer({ minimum: 0, maximum: EXPIRES_AT_MAX, description: 'Milliseconds since the epoch' }),
    ),
    expiresInMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: EXPIRES_AT_MAX,
        description: 'Instead of `expiresAt`: from now on, by the clock of the server',
      }),
    ),
  },
  { additionalProperties: false },
)

interface NewKeyBody {
  readonly name: string
  readonly owner?: string
  readonly roles: readonly string[]
  readonly expiresAt?: number
  readonly expiresInMs?: number
}

export interface AccessRouteParts {
  readonly access: Access
  /** The one that judges expiry. */
  readonly clock: Clock
  /** Resolves when the changes made so far stand in the ledger. */
  readonly recorded: () => Promise<void>
}

export function accessRoutes({ access, clock, recorded }: AccessRouteParts): AnyRoute[] {
  return [
    {
      method: 'GET',
      path: '/keys',
      permission: 'key:read',
      summary: 'All keys, without their secrets',
      tag: 'Keys',
      answers: { 200: Type.Object({ keys: Type.Array(Key) }) },
      handle: async () => ({ body: { keys: await access.list() } }),
    },
    {
      method: 'POST',
      path: '/keys',
      permission: 'key:manage',
      summary: 'Make a key',
      description: 'The answer holds the secret. It is kept as a hash only, so it cannot be shown again.',
      tag: 'Keys',
      body: NewKeyBody,
      answers: { 201: Type.Object({ key: Key, secret: Type.String() }) },
      problems: [409, 422],
      handle: async request => {
        const created = await access.create(newKey(request, clock.now()), request.actor)
        await recorded()
        return { status: 201, body: created }
      },
    },
    {
      method: 'DELETE',
      path: '/keys/:id',
      permission: 'key:manage',
      summary: 'Revoke a key, for ever',
      tag: 'Keys',
      params: Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{12}$' }) }),
      answers: { 200: Type.Object({ key: Key }) },
      problems: [404, 409, 422],
      handle: async ({ params, actor }) => {
        const key = await access.revoke(params['id']!, actor)
        await recorded()
        return { body: { key } }
      },
    },
  ]
}

function newKey({ body }: RouteRequest, now: number): NewKey {
  const { expiresInMs, ...key } = body as NewKeyBody
  const { expiresAt } = key
  if (expiresAt !== undefined && expiresInMs !== undefined) {
    const problem = 'is given beside expiresAt, wanted one of them'
    throw new Problem('invalid', `Cannot create the key: expiresInMs ${problem}`, {
      fields: [{ field: 'expiresInMs', problem }],
    })
  }
  return expiresInMs === undefined ? key : { ...key, expiresAt: now + expiresInMs }
}

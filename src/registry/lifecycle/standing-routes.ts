import { Type } from 'typebox'
import type { Answer, AnyRoute, Route, RouteRequest } from '../../route.ts'
import type { Caller } from '../register.ts'
import { versionIn } from '../registry.ts'
import {
  callersSince,
  type Deprecation,
  deprecate,
  type Named,
  QUIET_DAYS,
  type Retirement,
  restore,
  retire,
  type StandingParts,
} from './standings.ts'

export interface StandingRouteParts extends StandingParts {
  /** Resolves when the changes made so far stand in the ledger and are in force everywhere. */
  readonly recorded: () => Promise<void>
}

const REASON_MAX = 4_000
const DAYS_MAX = 3_650

const Reason = Type.String({ minLength: 1, maxLength: REASON_MAX, pattern: '\\S', description: 'For people' })
const Successor = Type.String({ maxLength: 200, description: 'Semantic version to call in its place' })
const Sunset = Type.Integer({ minimum: 0, maximum: 253_402_300_799_999, description: 'Milliseconds since the epoch' })
const Days = Type.Integer({ minimum: 1, maximum: DAYS_MAX, default: QUIET_DAYS })

const State = Type.Object({
  model: Type.String(),
  version: Type.String(),
  state: Type.Enum(['good', 'deprecated', 'retired']),
  reason: Type.Optional(Type.String()),
  successor: Type.Optional(Successor),
  sunsetAt: Type.Optional(Sunset),
  at: Type.Optional(Type.Integer({ description: 'Since when, milliseconds since the epoch' })),
  by: Type.Optional(Type.String({ description: 'Who said so' })),
  days: Type.Integer({ description: 'That the callers are of' }),
  callers: Type.Array(
    Type.Object({
      actor: Type.String(),
      calls: Type.Integer({ description: 'A batch is one' }),
      rows: Type.Integer(),
      lastAt: Type.Integer({ description: 'Milliseconds since the epoch' }),
    }),
    { description: 'Who was answered by it, as the ledger has it; those who called last first' },
  ),
})
const params = Type.Object({
  name: Type.String({ description: 'Name of the model' }),
  version: Type.String({ description: 'Semantic version or alias' }),
})
const closed = { additionalProperties: false } as const

type Change = (parts: StandingParts, named: Named, body: never, caller: Caller) => Promise<void>

const place = '/models/:name/versions/:version'

function changing(
  parts: StandingRouteParts,
  verb: string,
  make: Change,
  more: Pick<Route, 'summary' | 'description' | 'body'>,
): Route {
  return {
    ...more,
    method: 'POST',
    path: `${place}/${verb}`,
    permission: 'model:alias',
    tag: 'Models',
    params,
    answers: { 200: State },
    problems: [404, 409, 422],
    handle: async request => {
      const { actor, source, body } = request
      await make(parts, named(request), body as never, { by: actor, source })
      await parts.recorded()
      return state(parts, named(request), QUIET_DAYS)
    },
  }
}

/** Where a version stands, who still calls it, and how that is changed. */
export function standingRoutes(parts: StandingRouteParts): AnyRoute[] {
  return [
    {
      method: 'GET',
      path: `${place}/standing`,
      permission: 'model:read',
      summary: 'Whether a version is deprecated or retired, and who still calls it',
      tag: 'Models',
      params,
      query: Type.Object({ days: Type.Optional(Days) }, closed),
      answers: { 200: State },
      problems: [404, 422],
      handle: request => state(parts, named(request), Number(request.query['days'] ?? QUIET_DAYS)),
    },
    changing(parts, 'deprecate', deprecate, {
      summary: 'Say that a version should not be called any more',
      description:
        'It is served on; its answers carry `Deprecation` (RFC 9745), `Sunset` (RFC 8594) where a day is named, and a link to the successor.',
      body: Type.Object(
        { reason: Reason, successor: Type.Optional(Successor), sunsetAt: Type.Optional(Sunset) },
        closed,
      ),
    }),
    changing(parts, 'retire', retire, {
      summary: 'Take a version out of service',
      description:
        'Refused (409) while an alias points at it, and while somebody called it within `quietDays` unless `force` is true. Whoever calls it then is told (404).',
      body: Type.Object(
        {
          reason: Reason,
          successor: Type.Optional(Successor),
          quietDays: Type.Optional(Days),
          force: Type.Optional(Type.Boolean({ default: false })),
        },
        closed,
      ),
    }),
    changing(parts, 'restore', restore, {
      summary: 'Take back a deprecation or a retirement',
      description: 'A version that was retired is served again.',
      body: Type.Object({ reason: Reason }, closed),
    }),
  ]
}

export type StandingTold = Partial<Deprecation & Retirement> & {
  readonly model: string
  readonly version: string
  readonly state: 'good' | 'deprecated' | 'retired'
  readonly at?: number
  readonly by?: string
  readonly days: number
  readonly callers: Awaited<ReturnType<typeof callersSince>>
}

async function state(parts: StandingParts, asked: Named, days: number): Promise<Answer> {
  const { catalogue } = parts.registry
  const { model, version } = versionIn(catalogue, asked.model, asked.reference)
  const callers = await callersSince(parts, asked, days)
  const told: StandingTold = {
    ...(catalogue.standing(model, version) ?? { model, version, state: 'good' }),
    ...{ days, callers },
  }
  return { body: told }
}

function named({ params: { name, version } }: Pick<RouteRequest, 'params'>): Named {
  return { model: name!, reference: version! }
}

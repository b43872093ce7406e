import { type TSchema, Type } from 'typebox'
import type { Registry } from '../../registry/registry.ts'
import { received, Submitted } from '../../registry/routes.ts'
import type { Answer, AnyRoute } from '../../route.ts'
import type { Made, Validations } from './validations.ts'

export interface ValidationRouteParts {
  readonly validations: Validations
  readonly registry: Registry
  /** Of everything that is sent to be judged, bytes. */
  readonly bytesMax: number
  /** Resolves when the changes made so far stand in the ledger. */
  readonly recorded: () => Promise<void>
}

const Counts = Type.Object({
  passed: Type.Integer(),
  warned: Type.Integer(),
  failed: Type.Integer(),
  skipped: Type.Integer(),
})
const Validation = Type.Object({
  id: Type.String(),
  model: Type.String(),
  version: Type.String(),
  passed: Type.Boolean({ description: 'Nothing failed' }),
  against: Type.Optional(Type.String({ description: 'The version it was compared with, MODEL@VERSION' })),
  report: Type.String({ description: 'SHA-256 of the report in canonical JSON' }),
  counts: Counts,
  at: Type.Integer({ description: 'Milliseconds since the epoch' }),
  by: Type.String(),
})
const number = Type.Optional(Type.Number())
const Check = Type.Object({
  about: Type.String({ description: 'metrics, calibration, leaks, slices, stress or comparison' }),
  name: Type.String(),
  status: Type.Enum(['passed', 'warned', 'failed', 'skipped']),
  says: Type.String({ description: 'A sentence' }),
  value: number,
  low: number,
  high: number,
  limit: number,
})
const Report: TSchema = Type.Object(
  {
    format: Type.Integer(),
    model: Type.String(),
    version: Type.String(),
    artifact: Type.String({ description: 'SHA-256' }),
    task: Type.String(),
    passed: Type.Boolean(),
    counts: Counts,
    checks: Type.Array(Check),
    at: Type.Integer(),
  },
  { additionalProperties: true, description: 'docs/validation.md tells every part' },
)
const MadeSchema = Type.Object({
  report: Report,
  validation: Type.Optional({
    ...Validation,
    description: 'Absent where the version is not registered: then nothing is kept',
  }),
})
const VersionParams = Type.Object({
  name: Type.String({ description: 'Name of the model' }),
  version: Type.String({ description: 'Semantic version or alias' }),
})
const AGAINST = 'What it is compared with, MODEL@VERSION or MODEL@ALIAS. Default: the champion of its model'
const tag = 'Models'

export function validationRoutes(parts: ValidationRouteParts): AnyRoute[] {
  return [...judgingRoutes(parts), ...readingRoutes(parts)]
}

function judgingRoutes({ validations, registry, bytesMax, recorded }: ValidationRouteParts): AnyRoute[] {
  const answer = async (made: Made): Promise<Answer> => {
    if (made.validation === undefined) return { body: made }
    await recorded()
    const { model, version, id } = made.validation
    return { status: 201, headers: { location: `/models/${model}/versions/${version}/validations/${id}` }, body: made }
  }
  return [
    {
      method: 'POST',
      path: '/models/:name/versions/:version/validations',
      permission: 'model:validate',
      summary: 'Validate a version, and keep the verdict',
      description:
        'By the rules of its model.yaml, on its evaluation data. A version whose model.yaml has `validation` becomes champion only after one that passed.',
      tag,
      params: VersionParams,
      body: Type.Object(
        { against: Type.Optional(Type.String({ description: AGAINST, maxLength: 300 })) },
        { additionalProperties: false },
      ),
      answers: { 201: MadeSchema },
      problems: [404, 422],
      handle: async ({ params, body, actor }) => {
        const { against } = body as { against?: string }
        return await answer(await validations.validate(params['name']!, params['version']!, against, actor))
      },
    },
    {
      method: 'POST',
      path: '/models/validate',
      permission: 'model:register',
      summary: 'Validate what could be registered',
      description:
        'Takes the parts of a registration. Where the same is registered, its verdict is kept (201); else nothing is kept, and the report is answered (200).',
      tag,
      query: Type.Object({ against: Type.Optional(Type.String({ description: AGAINST, maxLength: 300 })) }),
      multipart: { bytesMax, description: 'The artifact and what is said about it', schema: Submitted },
      answers: { 200: MadeSchema, 201: MadeSchema },
      problems: [400, 409, 413, 415, 422],
      handle: async request => {
        const { against } = request.query as { against?: string }
        const submission = await received(registry, request)
        return await answer(await validations.preview(submission, against, request.actor))
      },
    },
  ]
}

function readingRoutes({ validations }: ValidationRouteParts): AnyRoute[] {
  const described = { method: 'GET', permission: 'model:read', tag } as const
  return [
    {
      ...described,
      path: '/models/:name/versions/:version/validations',
      summary: 'Validations of a version, the latest first',
      params: VersionParams,
      answers: { 200: Type.Object({ validations: Type.Array(Validation) }) },
      problems: [404],
      handle: async ({ params }) => ({
        body: { validations: await validations.list(params['name']!, params['version']!) },
      }),
    },
    {
      ...described,
      path: '/models/:name/versions/:version/validations/:id',
      summary: 'A validation with its report',
      params: Type.Object({
        ...VersionParams.properties,
        id: Type.String({ description: 'Of the validation, or `latest`', maxLength: 100 }),
      }),
      answers: { 200: MadeSchema },
      problems: [404],
      handle: async ({ params }) => ({
        body: await validations.report(params['name']!, params['version']!, params['id']!),
      }),
    },
  ]
}

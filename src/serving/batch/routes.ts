/** What scoring a file elsewhere needs of the server: the artifact, if the use is permitted, and a record of what was done. */
import type { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { Problem } from '../../errors.ts'
import { canonical } from '../../ledger/canonical.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { ChangeRecord } from '../../ledger/record.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Ids } from '../../platform/ids.ts'
import type { Catalogue } from '../../registry/catalogue.ts'
import { versionIn } from '../../registry/registry.ts'
import type { ModelVersion, Uses } from '../../registry/version.ts'
import type { AnyRoute } from '../../route.ts'

export interface BatchRouteParts {
  readonly catalogue: Catalogue
  /** The bytes of an artifact. */
  readonly artifact: (sha256: string) => Readable
  /** Why a use is not permitted, if it is not. */
  readonly permitUse: (uses: Uses, purpose: string | undefined) => Problem | undefined
  readonly ledger: Pick<Ledger, 'append'>
  readonly clock: Clock
  readonly ids: Ids
}

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Rows = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Purpose = Type.String({ minLength: 1, maxLength: 200, description: 'What the predictions are for' })

const Batch = Type.Object(
  {
    purpose: Type.Optional(Purpose),
    artifactSha256: Sha256,
    inputSha256: Sha256,
    outputSha256: Sha256,
    predicted: Rows,
    rejected: Rows,
    startedAt: Type.Integer({ minimum: 0, maximum: 8.64e15, description: 'Milliseconds since the epoch' }),
    recorded: Type.Boolean({ description: 'Whether each prediction is a record of its own' }),
  },
  { additionalProperties: false },
)
type GivenBatch = Omit<Type.Static<typeof Batch>, 'purpose'> & { readonly purpose?: string }

const VersionParams = Type.Object({
  name: Type.String({ description: 'Name of the model' }),
  version: Type.String({ description: 'Semantic version or alias' }),
})

export function batchRoutes(parts: BatchRouteParts): AnyRoute[] {
  return [artifactRoute(parts), batchRoute(parts)]
}

function artifactRoute({ catalogue, artifact, permitUse }: BatchRouteParts): AnyRoute {
  return {
    method: 'GET',
    path: '/models/:name/versions/:version/artifact',
    permission: 'model:download',
    summary: 'The artifact, to be computed with elsewhere',
    description: 'Refused where the purpose is not among the permitted uses of the model.',
    tag: 'Models',
    params: VersionParams,
    query: Type.Object({ purpose: Type.Optional(Purpose) }, { additionalProperties: false }),
    answers: { 200: 'binary' },
    problems: [403, 404],
    handle: ({ params, query }) => {
      const version = versionIn(catalogue, params['name']!, params['version']!)
      requirePermitted(permitUse, version, query['purpose'] as string | undefined)
      const { sha256, bytes } = version.artifact
      const headers = { 'content-length': String(bytes), etag: `"${sha256}"` }
      return { stream: artifact(sha256), type: 'application/octet-stream', headers }
    },
  }
}

function batchRoute({ catalogue, permitUse, ledger, clock, ids }: BatchRouteParts): AnyRoute {
  return {
    method: 'POST',
    path: '/models/:name/versions/:version/batches',
    permission: 'model:predict',
    summary: 'Record that a file was scored',
    description:
      'One change record for a whole file: with which artifact, how many rows, and the SHA-256 of input and output.',
    tag: 'Predictions',
    params: VersionParams,
    body: Batch,
    answers: { 201: Type.Object({ id: Type.String({ description: 'Id of the record' }) }) },
    problems: [403, 404, 422],
    handle: async ({ params, body, actor, source }) => {
      const { model, version, ...found } = versionIn(catalogue, params['name']!, params['version']!)
      const given = body as GivenBatch
      requirePermitted(permitUse, { ...found, model, version }, given.purpose)
      const record: ChangeRecord = {
        kind: 'change',
        id: ids.next(),
        at: clock.now(),
        actor: actor.id,
        ...(source !== '' && { source }),
        action: 'batch:scored',
        target: `${model}@${version}`,
        model,
        version,
        detail: given,
      }
      await ledger.append([canonical(record)], 'power')
      return { status: 201, body: { id: record.id } }
    },
  }
}

function requirePermitted(
  permitUse: BatchRouteParts['permitUse'],
  { uses }: ModelVersion,
  purpose: string | undefined,
): void {
  const forbidden = permitUse(uses, purpose)
  if (forbidden !== undefined) throw forbidden
}

/** What computing elsewhere needs of the server: the artifact, if the use is permitted, and a record of what was done. */
import type { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { Problem } from '../errors.ts'
import { canonical } from '../ledger/canonical.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { ChangeRecord } from '../ledger/record.ts'
import type { Clock } from '../platform/clock.ts'
import type { Ids } from '../platform/ids.ts'
import type { Catalogue } from '../registry/catalogue.ts'
import { versionIn } from '../registry/registry.ts'
import type { ModelVersion, Uses } from '../registry/version.ts'
import type { Answer, AnyRoute, RouteRequest } from '../route.ts'

export interface ElsewhereRouteParts {
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
const Bundle = Type.Object(
  { purpose: Type.Optional(Purpose), target: Type.String({ pattern: '^[a-z]{1,20}$' }), bundleSha256: Sha256 },
  { additionalProperties: false },
)
const Recorded = Type.Object({ id: Type.String({ description: 'Id of the record' }) })

const VersionParams = Type.Object({
  name: Type.String({ description: 'Name of the model' }),
  version: Type.String({ description: 'Semantic version or alias' }),
})

export function elsewhereRoutes(parts: ElsewhereRouteParts): AnyRoute[] {
  return [artifactRoute(parts), batchRoute(parts), bundleRoute(parts)]
}

function artifactRoute(parts: ElsewhereRouteParts): AnyRoute {
  const { catalogue, artifact, permitUse } = parts
  return {
    method: 'GET',
    path: '/models/:name/versions/:version/artifact',
    permission: 'model:download',
    summary: 'The artifact, to be computed with elsewhere',
    description:
      'Refused where the purpose is not among the permitted uses of the model. Who took it, and what for, is recorded.',
    tag: 'Models',
    params: VersionParams,
    query: Type.Object({ purpose: Type.Optional(Purpose) }, { additionalProperties: false }),
    answers: { 200: 'binary' },
    problems: [403, 404],
    handle: async request => {
      const { params, query } = request
      const version = versionIn(catalogue, params['name']!, params['version']!)
      const purpose = query['purpose'] as string | undefined
      requirePermitted(permitUse, version, purpose)
      const { sha256, bytes } = version.artifact
      // Before the first byte goes out: what somebody holds can answer anywhere, and nobody here would hear of it.
      const detail = { artifactSha256: sha256, ...(purpose !== undefined && { purpose }) }
      await recordChange(parts, request, version, 'artifact:downloaded', detail)
      const headers = { 'content-length': String(bytes), etag: `"${sha256}"` }
      return { stream: artifact(sha256), type: 'application/octet-stream', headers }
    },
  }
}

function batchRoute(parts: ElsewhereRouteParts): AnyRoute {
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
    answers: { 201: Recorded },
    problems: [403, 404, 422],
    handle: request => recorded(parts, request, 'batch:scored'),
  }
}

function bundleRoute(parts: ElsewhereRouteParts): AnyRoute {
  return {
    method: 'POST',
    path: '/models/:name/versions/:version/bundles',
    permission: 'model:download',
    summary: 'Record that a version was written as a file of its own',
    tag: 'Models',
    params: VersionParams,
    body: Bundle,
    answers: { 201: Recorded },
    problems: [403, 404, 422],
    handle: request => recorded(parts, request, 'version:bundled'),
  }
}

/** One change record, whose detail is what the body says. */
async function recorded(parts: ElsewhereRouteParts, request: RouteRequest, action: string): Promise<Answer> {
  const { params, body } = request
  const version = versionIn(parts.catalogue, params['name']!, params['version']!)
  requirePermitted(parts.permitUse, version, (body as { readonly purpose?: string }).purpose)
  return { status: 201, body: { id: await recordChange(parts, request, version, action, body) } }
}

/** Returns the record's id. */
async function recordChange(
  { ledger, clock, ids }: ElsewhereRouteParts,
  { actor, source }: RouteRequest,
  { model, version }: ModelVersion,
  action: string,
  detail: unknown,
): Promise<string> {
  const record: ChangeRecord = {
    kind: 'change',
    id: ids.next(),
    at: clock.now(),
    actor: actor.id,
    ...(source !== '' && { source }),
    action,
    target: `${model}@${version}`,
    model,
    version,
    detail,
  }
  await ledger.append([canonical(record)], 'power')
  return record.id
}

function requirePermitted(
  permitUse: ElsewhereRouteParts['permitUse'],
  { uses }: ModelVersion,
  purpose: string | undefined,
): void {
  const forbidden = permitUse(uses, purpose)
  if (forbidden !== undefined) throw forbidden
}

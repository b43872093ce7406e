import { Type } from 'typebox'
import { PROGRAM_VERSION } from '../../platform/program.ts'
import type { AnyRoute, RouteRequest } from '../../route.ts'
import { type Registry, versionIn } from '../registry.ts'
import type { ModelVersion } from '../version.ts'
import { billOfMaterials } from './bom.ts'
import type { Evidence } from './evidence.ts'

export interface EvidenceRouteParts {
  readonly evidence: Evidence
  readonly registry: Pick<Registry, 'catalogue'>
  /** Resolves when the changes made so far stand in the ledger. */
  readonly recorded: () => Promise<void>
}

const Statement = Type.Object({
  id: Type.String(),
  about: Type.String({
    description: 'signature, provenance, measurement, validation, approval, or the type of predicate',
  }),
  predicateType: Type.String({ description: 'As in-toto has it' }),
  keyId: Type.String({ description: 'SHA-256 of the public key that signed it, as PEM' }),
  at: Type.Integer({ description: 'Milliseconds since the epoch' }),
  by: Type.String(),
  isBelieved: Type.Boolean({
    description: 'The signature is right, its key is believed, and it is about this artifact',
  }),
  problem: Type.Optional(Type.String({ description: 'Why it is not believed' })),
  predicate: Type.Optional(Type.Object({}, { additionalProperties: true })),
})
const Statements = Type.Object({ statements: Type.Array(Statement, { description: 'The oldest first' }) })
const Bundle = Type.Object(
  {},
  { additionalProperties: true, description: 'A Sigstore bundle, version 0.3, with a DSSE envelope' },
)
const Key = Type.Object({
  id: Type.String({ description: 'SHA-256 of the public key as PEM' }),
  publicKey: Type.String({ description: 'PEM' }),
  state: Type.Enum(['signing', 'retired', 'revoked']),
  madeAt: Type.Integer(),
  madeBy: Type.String(),
  retiredAt: Type.Optional(Type.Integer()),
  revokedAt: Type.Optional(Type.Integer()),
})
const VersionParams = Type.Object({
  name: Type.String({ description: 'Name of the model' }),
  version: Type.String({ description: 'Semantic version or alias' }),
})
const tag = 'Evidence'
const PLACE = '/models/:name/versions/:version/evidence'

export function evidenceRoutes(parts: EvidenceRouteParts): AnyRoute[] {
  return [...readingRoutes(parts), ...writingRoutes(parts), ...keyRoutes(parts)]
}

function named({ registry: { catalogue } }: EvidenceRouteParts, { params }: RouteRequest): ModelVersion {
  return versionIn(catalogue, params['name']!, params['version']!)
}

function readingRoutes(parts: EvidenceRouteParts): AnyRoute[] {
  const { evidence } = parts
  const described = { method: 'GET', permission: 'model:read', tag, params: VersionParams, problems: [404] } as const
  return [
    {
      ...described,
      path: PLACE,
      summary: 'What was signed of a version, each statement verified',
      answers: { 200: Statements },
      async handle(request) {
        const { model, version } = named(parts, request)
        return { body: { statements: await evidence.list(model, version) } }
      },
    },
    {
      ...described,
      path: `${PLACE}/signature`,
      summary: 'The signature of the model, a file for those who verify it elsewhere',
      description:
        'OpenSSF Model Signing 1.0: `python -m model_signing verify key` takes it with the artifact and the key.',
      answers: { 200: Bundle },
      async handle(request) {
        const { model, version } = named(parts, request)
        return { text: await evidence.signature(model, version) }
      },
    },
    {
      ...described,
      path: `${PLACE}/bom`,
      summary: 'Bill of materials, CycloneDX 1.6',
      answers: { 200: Type.Object({}, { additionalProperties: true }) },
      handle: request => ({ body: billOfMaterials(named(parts, request), PROGRAM_VERSION) }),
    },
    {
      ...described,
      path: `${PLACE}/statements/:id`,
      summary: 'A statement as it was signed',
      params: Type.Object({ ...VersionParams.properties, id: Type.String() }),
      answers: { 200: Bundle },
      async handle(request) {
        const { model, version } = named(parts, request)
        return { text: await evidence.bundle(model, version, request.params['id']!) }
      },
    },
  ]
}

function writingRoutes(parts: EvidenceRouteParts): AnyRoute[] {
  const { evidence, recorded } = parts
  return [
    {
      method: 'POST',
      path: PLACE,
      permission: 'model:attest',
      summary: 'Keep what somebody else signed about a version',
      description:
        'A bundle whose key is believed (`evidence.trustedKeys`) and whose subject is the artifact of this version.',
      tag,
      params: VersionParams,
      body: Bundle,
      answers: { 201: Statement },
      problems: [400, 404, 422],
      async handle(request) {
        const { model, version } = named(parts, request)
        const kept = await evidence.attach(model, version, JSON.stringify(request.body), request.actor)
        await recorded()
        return { status: 201, body: kept }
      },
    },
    {
      method: 'POST',
      path: `${PLACE}/sign`,
      permission: 'model:attest',
      summary: 'Sign again what was signed at registration, by the key of now',
      tag,
      params: VersionParams,
      answers: { 201: Statements },
      problems: [404],
      async handle(request) {
        const { model, version } = named(parts, request)
        const statements = await evidence.signAgain(model, version, request.actor)
        await recorded()
        return { status: 201, body: { statements } }
      },
    },
  ]
}

function keyRoutes({ evidence: { keys }, recorded }: EvidenceRouteParts): AnyRoute[] {
  return [
    {
      method: 'GET',
      path: '/evidence/keys',
      permission: 'model:read',
      summary: 'The public keys that evidence is signed with, newest first',
      tag,
      answers: { 200: Type.Object({ keys: Type.Array(Key) }) },
      handle: async () => ({ body: { keys: await keys.list() } }),
    },
    {
      method: 'POST',
      path: '/evidence/keys',
      permission: 'key:manage',
      summary: 'Let a new key sign; the one before is still believed',
      tag,
      answers: { 201: Key },
      problems: [409],
      async handle({ actor }) {
        const key = await keys.rotate(actor.id)
        await recorded()
        return { status: 201, body: key }
      },
    },
    {
      method: 'POST',
      path: '/evidence/keys/:id/revoke',
      permission: 'key:manage',
      summary: 'Believe nothing any more that a key signed',
      description: 'Versions whose signature is only by this key are not loaded any more, until they are signed again.',
      tag,
      params: Type.Object({ id: Type.String() }),
      answers: { 200: Key },
      problems: [404],
      async handle({ actor, params }) {
        const key = await keys.revoke(params['id']!, actor.id)
        await recorded()
        return { body: key }
      },
    },
  ]
}

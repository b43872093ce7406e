import { Type } from 'typebox'
import type { Database } from '../../platform/database.ts'
import type { Objects } from '../../platform/objects.ts'
import type { Evidence, Told } from '../../registry/evidence/evidence.ts'
import { isObject, PROVENANCE } from '../../registry/evidence/statement.ts'
import { type Registry, versionIn } from '../../registry/registry.ts'
import type { AnyRoute } from '../../route.ts'
import { provenanceOf, TRAINING_JOB } from './provenance.ts'

interface Parts {
  readonly db: Database
  readonly objects: Objects
  readonly registry: Pick<Registry, 'catalogue'>
  readonly evidence: Pick<Evidence, 'add' | 'list'>
  /** Resolves when the changes made so far stand in the ledger. */
  readonly recorded: () => Promise<void>
}

const Said = Type.Object({ id: Type.String(), run: Type.String() })

export function jobRoutes(parts: Parts): AnyRoute[] {
  const { registry, evidence, recorded } = parts
  return [
    {
      method: 'POST',
      path: '/models/:name/versions/:version/evidence/run',
      permission: 'model:register',
      summary: 'Sign that a version came from the run of a training job',
      description:
        'SLSA provenance with the data, code and parameters that the run recorded. The run must have ended well, and one of its outputs be the artifact. Said again it answers 200.',
      tag: 'Evidence',
      params: Type.Object({ name: Type.String(), version: Type.String({ description: 'Semantic version or alias' }) }),
      body: Type.Object(
        { run: Type.String({ pattern: '^[0-9a-f]{32}$', description: 'Its id' }) },
        { additionalProperties: false },
      ),
      answers: { 200: Said, 201: Said },
      problems: [400, 404, 422],
      async handle({ params, body, actor }) {
        const { model, version, artifact } = versionIn(registry.catalogue, params['name']!, params['version']!)
        const { run } = body as { run: string }
        const said = (await evidence.list(model, version)).find(told => isFrom(told, run))
        if (said !== undefined) return { body: { id: said.id, run } }
        const predicate = await provenanceOf(parts, run, artifact.sha256)
        const { id } = await evidence.add({ model, version, predicateType: PROVENANCE, predicate, actor })
        await recorded()
        return { status: 201, body: { id, run } }
      },
    },
  ]
}

function isFrom({ predicateType, predicate = {} }: Told, run: string): boolean {
  const { buildDefinition, runDetails } = predicate as Readonly<Record<string, unknown>>
  if (predicateType !== PROVENANCE || !isObject(buildDefinition) || !isObject(runDetails)) return false
  const { metadata } = runDetails
  return buildDefinition['buildType'] === TRAINING_JOB && isObject(metadata) && metadata['invocationId'] === run
}

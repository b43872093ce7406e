import { Type } from 'typebox'
import type { AnyRoute } from '../../route.ts'
import { type Registry, versionIn } from '../registry.ts'
import { type Compared, compareVersions } from './compare.ts'

const reference = Type.String({ description: 'Semantic version or alias' })
const Level = Type.Enum(['major', 'minor', 'patch'])

function differences(description: string): ReturnType<typeof Type.Array> {
  const either = Type.Object({ name: Type.String() }, { additionalProperties: true })
  return Type.Array(either, { description: `${description}: \`name\`, \`before\`, \`after\`` })
}

export function compareRoutes(registry: Pick<Registry, 'catalogue' | 'profile'>): AnyRoute[] {
  const compared = async (model: string, named: string): Promise<Compared> => {
    const version = versionIn(registry.catalogue, model, named)
    if (version.profile === undefined) return { version }
    return { version, profile: await registry.profile(model, version.version) }
  }
  return [
    {
      method: 'GET',
      path: '/models/:name/versions/:version/compare/:other',
      permission: 'model:read',
      summary: 'What another version changes',
      tag: 'Models',
      params: Type.Object({
        name: Type.String({ description: 'Name of the model' }),
        version: reference,
        other: reference,
      }),
      answers: {
        200: Type.Object({
          model: Type.String(),
          before: Type.String(),
          after: Type.String(),
          level: Type.Enum(['major', 'minor', 'patch'], { description: 'What the step demands of the version number' }),
          changes: Type.Array(Type.Object({ field: Type.String(), level: Level, says: Type.String() })),
          metrics: differences(
            'Metrics of either version; `beforeIs` and `afterIs` tell whether they were `measured` here or `stated`',
          ),
          facts: differences('Facts of the artifact that differ'),
          data: differences('Features whose training data differs; `distance` has `psi` and, of numbers, `ks`'),
          note: Type.Optional(Type.String()),
        }),
      },
      problems: [404],
      handle: async ({ params: { name, version, other } }) => ({
        body: compareVersions(await compared(name!, version!), await compared(name!, other!)),
      }),
    },
  ]
}

import { Type } from 'typebox'
import type { AnyRoute } from '../../route.ts'
import { type MasterRotationParts, rotateMaster } from './rotate-master.ts'

export interface MasterRouteParts extends MasterRotationParts {
  /** Resolves when the changes made so far stand in the ledger. */
  readonly recorded: () => Promise<void>
}

const count = (description: string) => Type.Integer({ minimum: 0, description })

export function masterRoutes({ recorded, ...parts }: MasterRouteParts): AnyRoute[] {
  return [
    {
      method: 'POST',
      path: '/encryption/rotate',
      permission: 'key:manage',
      summary: 'Change the master key: all keys are sealed by a new one, nothing else is encrypted again',
      description:
        'Where the configuration gives the master key, give it as `NEW,OLD` first, and as `NEW` afterwards. Doing it again ends what was broken off.',
      tag: 'Evidence',
      answers: {
        200: Type.Object({
          objects: count('Artifacts, data and reports whose key was sealed anew'),
          subjects: count('Keys of subjects that were sealed anew'),
          signingKeys: count('Signing keys that were sealed anew'),
          damaged: Type.Array(Type.String(), {
            description: 'SHA-256 of objects that no master key opened, which could not be read before either',
          }),
        }),
      },
      problems: [409],
      async handle({ actor }) {
        const rotated = await rotateMaster(parts, actor.id)
        await recorded()
        return { body: rotated }
      },
    },
  ]
}

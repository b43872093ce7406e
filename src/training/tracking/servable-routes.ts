import { Type } from 'typebox'
import type { Registry } from '../../registry/registry.ts'
import { Registration, registrationAnswer } from '../../registry/routes.ts'
import type { AnyRoute } from '../../route.ts'
import type { Message } from './fields.ts'
import { registerLogged, type ServableParts } from './servable.ts'

interface Parts extends ServableParts {
  readonly registry: Pick<Registry, 'register' | 'receive' | 'catalogue'>
  /** Resolves when the changes made so far stand in the ledger. */
  readonly recorded: () => Promise<void>
}

const address = (description: string) => Type.String({ description, minLength: 1, maxLength: 2_000 })

export function servableRoutes(parts: Parts): AnyRoute[] {
  return [
    {
      method: 'POST',
      path: '/models/register-logged',
      permission: 'model:register',
      summary: 'Register what MLflow logged',
      description:
        'Makes a version of a model that MLflow logged here: its files are examined as an upload is, and not sent again. The same content again answers 200.',
      tag: 'Models',
      body: Type.Object(
        {
          source: address(
            '`models:/NAME/VERSION`, `models:/NAME@ALIAS`, `models:/m-…`, `runs:/RUN/PATH` or `mlflow-artifacts:/PATH`',
          ),
          name: Type.Optional(Type.String({ description: 'Default: that of the registered model' })),
          version: Type.Optional(Type.String({ description: 'Default: of version 3 of a registered model, `3.0.0`' })),
          reference: Type.Optional(address('Training data: the address of a logged CSV file')),
          evaluation: Type.Optional(address('Data to recompute metrics on: the address of a logged CSV file')),
          model: Type.Optional(
            Type.Object(
              {},
              { additionalProperties: true, description: 'Other keys of model.yaml, e.g. `trust: code`' },
            ),
          ),
        },
        { additionalProperties: false },
      ),
      answers: { 200: Registration, 201: Registration },
      problems: [400, 404, 409, 413, 422],
      handle: async ({ body, actor, source }) => {
        const registered = await registerLogged(parts, body as Message, { actor, source })
        if (registered.created) await parts.recorded()
        return registrationAnswer(parts.registry, registered)
      },
    },
  ]
}

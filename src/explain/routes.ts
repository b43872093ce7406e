import { type TSchema, Type } from 'typebox'
import type { Registry } from '../registry/registry.ts'
import type { AnyRoute, InvocationRoute, Route } from '../route.ts'
import { predict, type Serving } from '../serving/predict.ts'
import { INVOCATION_PROBLEMS } from '../serving/routes.ts'
import { openBackgrounds } from './backgrounds.ts'
import { explainProtocol } from './explain.ts'
import { explainPrediction, type KeptParts } from './kept.ts'
import { questionSchema } from './question.ts'
import { Explained, ExplainedCall, ExplainedPredictionSchema } from './schemas.ts'

export interface ExplainRouteParts extends Omit<KeptParts, 'models'> {
  readonly serving: Serving
  readonly registry: Pick<Registry, 'background'>
}

const FeatureRow: TSchema = Type.Record(Type.String(), Type.Unknown(), { description: 'Features by name' })
const Rows: TSchema = Type.Union([FeatureRow, Type.Array(FeatureRow)])

const DESCRIPTION = `Answers as \`predict\` does, with the same body, headers and record, and says what moved the answer: for each feature its
contribution in the units of the margin (\`bias\` and all contributions sum to it), what that is in the answer's units (\`effects\`, an
approximation where the answer is no sum), and the strongest reasons in sentences. The record keeps the contributions.
Estimates (\`kernel-shap\`, \`lime\`) state their standard errors.`

export function explainRoutes(parts: ExplainRouteParts): AnyRoute[] {
  const { serving } = parts
  const backgrounds = openBackgrounds(parts.registry)
  const route = (path: string, summary: string): InvocationRoute => ({
    kind: 'invocation',
    method: 'POST',
    path,
    permission: 'model:predict',
    summary,
    description: DESCRIPTION,
    tag: 'Explanations',
    query: questionSchema,
    body: Rows,
    answers: { 200: Type.Union([Explained, ExplainedCall]) },
    problems: INVOCATION_PROBLEMS,
    invoke: request => predict(serving, explainProtocol(backgrounds, request), request),
  })
  return [
    route('/explain', 'Ask the default model, and why'),
    route('/models/:name/explain', 'Ask a model, and why; its release chooses the version'),
    route('/models/:name/versions/:version/explain', 'Ask a pinned version, and why (semantic version or alias)'),
    keptRoute({ ...parts, models: serving.models }),
  ]
}

function keptRoute(parts: KeptParts): Route {
  return {
    method: 'GET',
    path: '/predictions/:id/explanation',
    permission: 'prediction:read',
    summary: 'What moved an answer that was given',
    description:
      'As its record says; where it does not, computed now, exactly, from the features as they were served. Sensitive features are told to callers who may unseal them; `withheld` names what is not told. Leaves no record: nobody is answered anything new.',
    tag: 'Explanations',
    params: Type.Object({ id: Type.String({ maxLength: 100, description: 'UUIDv7 of the prediction' }) }),
    query: Type.Object(
      { top: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 3, description: 'Reasons told' })) },
      { additionalProperties: false },
    ),
    answers: { 200: ExplainedPredictionSchema },
    problems: [404, 422],
    handle: async ({ params, query, actor }) => {
      const { top = 3 } = query as { top?: number }
      return { body: await explainPrediction(parts, params['id']!, actor, top) }
    },
  }
}

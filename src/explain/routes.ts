import { type TSchema, Type } from 'typebox'
import type { OpenedLedger } from '../ledger/open-ledger.ts'
import type { AnyRoute, InvocationRoute, Route } from '../route.ts'
import { predict, type Serving } from '../serving/predict.ts'
import { INVOCATION_PROBLEMS } from '../serving/routes.ts'
import { explainProtocol } from './explain.ts'
import { explainPrediction, type KeptParts } from './kept.ts'
import { type OverviewParts, type OverviewQuestion, overviewOf, SAMPLE_DEFAULT, SAMPLE_MAX } from './overview.ts'
import { questionSchema } from './question.ts'
import { Explained, ExplainedCall, ExplainedPredictionSchema, OverviewSchema } from './schemas.ts'

export interface ExplainRouteParts extends Omit<KeptParts, 'models'> {
  readonly serving: Serving
  readonly ledger: Pick<OpenedLedger, 'find' | 'explained'>
}

const FeatureRow: TSchema = Type.Record(Type.String(), Type.Unknown(), { description: 'Features by name' })
const Rows: TSchema = Type.Union([FeatureRow, Type.Array(FeatureRow)])

const DESCRIPTION = `Answers as \`predict\` does, with the same body, headers and record, and says what moved the answer: for each feature its
contribution in the units of the margin (\`bias\` and all contributions sum to it), what that is in the answer's units (\`effects\`, an
approximation where the answer is no sum), and the strongest reasons in sentences. The record keeps the contributions.
Estimates (\`kernel-shap\`, \`lime\`) state their standard errors.`

export function explainRoutes(parts: ExplainRouteParts): AnyRoute[] {
  const { serving } = parts
  return [
    ...explainInvocations(serving),
    keptRoute({ ...parts, models: serving.models }),
    overviewRoute({ ...parts, ...serving, ledger: parts.ledger }),
  ]
}

/** Those that ask a model. */
export function explainInvocations(serving: Serving): InvocationRoute[] {
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
    invoke: request => predict(serving, explainProtocol(request), request),
  })
  return [
    route('/explain', 'Ask the default model, and why'),
    route('/models/:name/explain', 'Ask a model, and why; its release chooses the version'),
    route('/models/:name/versions/:version/explain', 'Ask a pinned version, and why (semantic version or alias)'),
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

const Time = (description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: 8.64e15, description }))

function overviewRoute(parts: OverviewParts): Route {
  return {
    method: 'GET',
    path: '/models/:name/explanations',
    permission: 'model:read',
    summary: 'What moves the answers of a version',
    description:
      'Over the explanations that records keep: how much each feature moved the answers (the mean size of its contributions), and a sample of rows for pictures. Estimates (kernel-shap, lime) do not count.',
    tag: 'Explanations',
    params: Type.Object({ name: Type.String({ description: 'Name of the model' }) }),
    query: Type.Object(
      {
        version: Type.Optional(Type.String({ description: 'Semantic version or alias; the one that answers now' })),
        since: Time('Not before, milliseconds since the epoch; a day before until'),
        until: Time('Before; now'),
        output: Type.Optional(Type.String({ maxLength: 500, description: 'Which of several outputs; the first' })),
        sample: Type.Optional(
          Type.Integer({ minimum: 1, maximum: SAMPLE_MAX, default: SAMPLE_DEFAULT, description: 'Rows of the sample' }),
        ),
      },
      { additionalProperties: false },
    ),
    answers: { 200: OverviewSchema },
    problems: [404, 422],
    handle: async ({ params, query }) => ({
      body: await overviewOf(parts, params['name']!, query as OverviewQuestion),
    }),
  }
}

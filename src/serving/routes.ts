import { type TSchema, Type } from 'typebox'
import type { AnyRoute, InvocationRoute } from '../route.ts'
import { predict, type Serving } from './predict.ts'
import { rest } from './rest.ts'

const Scalar = Type.Union([Type.Number(), Type.Boolean(), Type.String(), Type.Null()])
const Row = Type.Record(Type.String(), Scalar, {
  description: 'Every feature of the model by its name; `null` is a missing value where the feature may be missing',
})
const Rows = Type.Union([
  Row,
  Type.Array(Row, { minItems: 1, description: 'A batch: answered together, recorded row by row' }),
])

const Prediction = Type.Object({
  id: Type.String({ description: 'Id of the record, for `GET /predictions/{id}` and for outcomes' }),
  model: Type.String(),
  version: Type.String(),
  release: Type.Union([Type.String(), Type.Null()], { description: 'null where the caller pinned the version' }),
  arm: Type.Union([Type.String(), Type.Null()]),
  outputs: Type.Record(Type.String(), Type.Number()),
  explanation: Type.Optional(
    Type.Object({}, { additionalProperties: true, description: 'Where it was asked: docs/explanations.md' }),
  ),
})
const Answered: TSchema = Type.Union([Prediction, Type.Object({ predictions: Type.Array(Prediction) })])

const ExplainQuery: TSchema = Type.Object({
  explain: Type.Optional(Type.Boolean({ description: 'Tell with the answer what moved it, where that is exact' })),
})

const DESCRIPTION = `One object of features, or an array of them. Headers give the context of the call, all optional:
\`Bellwether-Subject\` (whom it is about; kept as a keyed pseudonym only), \`Bellwether-Purpose\` (checked against the model's permitted uses),
\`Bellwether-Unit\` (what traffic is divided by), \`X-Request-Id\`, \`traceparent\`. The answer is given only after its record is durable.`

/** What an invocation may be refused with, beyond what any route may. */
export const INVOCATION_PROBLEMS: readonly number[] = [400, 404, 408, 413, 415, 422, 429]

/** Our own protocol over HTTP. */
export function servingRoutes(serving: Serving): AnyRoute[] {
  const route = (path: string, summary: string): InvocationRoute => ({
    kind: 'invocation',
    method: 'POST',
    path,
    permission: 'model:predict',
    summary,
    description: DESCRIPTION,
    tag: 'Predictions',
    query: ExplainQuery,
    body: Rows,
    answers: { 200: Answered },
    problems: INVOCATION_PROBLEMS,
    invoke: request => predict(serving, rest, request),
  })
  return [
    route('/predict', 'Ask the default model'),
    route('/models/:name/predict', 'Ask a model; its release chooses the version'),
    route('/models/:name/versions/:version/predict', 'Ask a pinned version (semantic version or alias)'),
  ]
}

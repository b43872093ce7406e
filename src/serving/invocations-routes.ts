import { Type } from 'typebox'
import { Problem } from '../errors.ts'
import type { Answer, AnyRoute, InvocationRequest, InvocationRoute } from '../route.ts'
import { kserve, MLFLOW_CODES, mlflow } from './invocations.ts'
import { predict, type Serving } from './predict.ts'
import { INVOCATION_PROBLEMS } from './routes.ts'

export interface InvocationsParts {
  readonly serving: Serving
  /** Version of this program. */
  readonly programVersion: string
  /** Whether the server can answer now. */
  readonly isReady: () => Promise<boolean>
}

const Any = Type.Unknown()
const Scored = {
  predictions: Type.Array(Any, { description: 'Numbers; objects by name of output where the model has several' }),
  model_name: Type.String(),
  model_version: Type.String(),
  prediction_ids: Type.Array(Type.String(), { description: 'Ids of the records, row by row' }),
}
const MLFLOW_BODY = Type.Object(
  {
    dataframe_split: Type.Optional(
      Type.Object({ columns: Type.Optional(Type.Array(Type.String())), data: Type.Array(Type.Array(Any)) }),
    ),
    dataframe_records: Type.Optional(Type.Array(Type.Record(Type.String(), Any))),
    instances: Type.Optional(Type.Array(Any)),
    inputs: Type.Optional(Any),
    params: Type.Optional(Type.Record(Type.String(), Any)),
  },
  { description: 'Exactly one form of rows; `params` are passed over, for models here have none' },
)
const KSERVE_BODY = Type.Object({
  instances: Type.Optional(Type.Array(Any, { description: 'Objects of features, or lists in their order' })),
  inputs: Type.Optional(Any),
})
const MlflowError = Type.Object({ error_code: Type.String(), message: Type.String() })
const KserveError = Type.Object({ error: Type.String() })

/** MLflow's scoring server and KServe's v1 protocol. */
export function invocationsRoutes(parts: InvocationsParts): AnyRoute[] {
  return [...mlflowRoutes(parts), ...kserveRoutes(parts.serving)]
}

const MLFLOW_TAG = 'MLflow scoring protocol'

function mlflowRoutes({ serving, programVersion, isReady }: InvocationsParts): AnyRoute[] {
  const invocations = (path: string, summary: string): InvocationRoute => ({
    kind: 'invocation',
    method: 'POST',
    path,
    permission: 'model:predict',
    summary,
    description:
      'JSON in one of four forms, or `text/csv` with a line of names. The answer is one list of predictions.',
    tag: MLFLOW_TAG,
    body: MLFLOW_BODY,
    takes: ['text/csv'],
    answers: { 200: Type.Object(Scored) },
    problems: INVOCATION_PROBLEMS,
    invoke: request => predict(serving, mlflow, request),
    problem: mlflowProblem,
  })
  const health = (path: '/ping' | '/health'): AnyRoute => ({
    method: 'GET',
    path,
    permission: 'public',
    summary: 'Whether the server can answer, as MLflow and SageMaker ask',
    tag: MLFLOW_TAG,
    answers: { 200: 'text', 503: MlflowError },
    problem: mlflowProblem,
    handle: async () => {
      if (await isReady()) return { text: '\n', type: 'text/plain; charset=utf-8' }
      return { status: 503, body: { error_code: 'TEMPORARILY_UNAVAILABLE', message: 'Not ready: see /readyz' } }
    },
  })
  return [
    invocations('/invocations', 'Ask the default model'),
    invocations('/models/:name/invocations', 'Ask a model; its release chooses the version'),
    invocations('/models/:name/versions/:version/invocations', 'Ask a pinned version'),
    health('/ping'),
    health('/health'),
    {
      method: 'GET',
      path: '/version',
      permission: 'public',
      summary: 'Version of this program',
      tag: MLFLOW_TAG,
      answers: { 200: 'text' },
      problem: mlflowProblem,
      handle: () => ({ text: programVersion, type: 'text/plain; charset=utf-8' }),
    },
  ]
}

function mlflowProblem({ code, status, message }: Problem): Answer {
  return { status, body: { error_code: MLFLOW_CODES[code], message } }
}

const KSERVE_TAG = 'KServe v1 protocol'

function kserveRoutes(serving: Serving): AnyRoute[] {
  const { catalogue, releases } = serving
  return [
    {
      method: 'GET',
      path: '/v1/models',
      permission: 'model:read',
      summary: 'Names of all models',
      tag: KSERVE_TAG,
      answers: { 200: Type.Object({ models: Type.Array(Type.String()) }) },
      problem: kserveProblem,
      handle: () => ({ body: { models: catalogue.names() } }),
    },
    {
      method: 'GET',
      path: '/v1/models/:name',
      permission: 'model:read',
      summary: 'Whether a model can answer',
      tag: KSERVE_TAG,
      answers: { 200: Type.Object({ name: Type.String(), ready: Type.Boolean() }), 404: KserveError },
      problem: kserveProblem,
      handle: ({ params }) => {
        const name = params['name']!
        if (!catalogue.has(name)) throw new Problem('not_found', 'Cannot find the model: there is none of this name')
        return { body: { name, ready: releases.choose(name, undefined) !== undefined } }
      },
    },
    {
      kind: 'invocation',
      method: 'POST',
      path: '/v1/models/:name',
      permission: 'model:predict',
      summary: 'Ask a model, or why it answers so: the name is followed by :predict or :explain',
      tag: KSERVE_TAG,
      body: KSERVE_BODY,
      answers: { 200: Type.Object({ ...Scored, explanations: Type.Optional(Type.Array(Any)) }) },
      problems: INVOCATION_PROBLEMS,
      invoke: request => predict(serving, kserve, kserveCall(request)),
      problem: kserveProblem,
    },
  ]
}

function kserveProblem({ status, message }: Problem): Answer {
  return { status, type: 'application/json', body: { error: message } }
}

const EXPLAINED = new URLSearchParams({ explain: 'true' })

/** The call without its verb: `churn:explain` is `churn`, explained. One without a verb is refused, on the record too. */
function kserveCall(request: InvocationRequest): InvocationRequest {
  const called = request.params['name']!
  const at = called.lastIndexOf(':')
  const verb = at === -1 ? '' : called.slice(at + 1)
  const isKnown = verb === 'predict' || verb === 'explain'
  return {
    requestId: request.requestId,
    source: request.source,
    params: { name: isKnown ? called.slice(0, at) : called },
    headers: request.headers,
    query: verb === 'explain' ? EXPLAINED : request.query,
    admit: permission => request.admit(permission),
    bytes: () => {
      if (isKnown) return request.bytes()
      throw new Problem(
        'not_found',
        'Cannot answer: the path ends with a name alone, one with :predict or :explain was wanted',
      )
    },
  }
}

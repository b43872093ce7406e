import { Type } from 'typebox'
import { asProblem, Problem } from '../errors.ts'
import type { Answer, AnyRoute, Route, RouteRequest } from '../route.ts'
import type { StatisticsBook } from './call-statistics.ts'
import { choose } from './choose.ts'
import type { LoadedModel } from './lane.ts'
import { oip } from './oip.ts'
import { statisticsOf } from './oip-statistics.ts'
import { DATATYPE_OF } from './oip-tensors.ts'
import { predict, type Serving } from './predict.ts'
import { INVOCATION_PROBLEMS } from './routes.ts'

export interface OipParts {
  readonly serving: Serving
  readonly statistics: StatisticsBook
  /** Version of this program. */
  readonly programVersion: string
  /** Whether the server can answer now. */
  readonly isReady: () => Promise<boolean>
}

const TAG = 'Open Inference Protocol v2'

const BINARY = `Tensors are JSON, or bytes behind the JSON (little-endian, \`BYTES\` with four bytes of length before each text): the header
\`Inference-Header-Content-Length\` says how long the JSON is, and the tensor's parameter \`binary_data_size\` how many bytes are its own. An output is answered so
where its parameter \`binary_data\` is true, and all are where the request's parameter \`binary_data_output\` is.`

const TensorMetadata = Type.Object({ name: Type.String(), datatype: Type.String(), shape: Type.Array(Type.Integer()) })
const ModelMetadata = Type.Object({
  name: Type.String(),
  versions: Type.Array(Type.String()),
  platform: Type.String(),
  inputs: Type.Array(TensorMetadata),
  outputs: Type.Array(TensorMetadata),
})
const Parameters = Type.Record(Type.String(), Type.Unknown())
const RequestTensor = Type.Object({
  name: Type.String(),
  shape: Type.Array(Type.Integer({ minimum: 0 }), { minItems: 1, maxItems: 2 }),
  datatype: Type.String(),
  parameters: Type.Optional(Parameters),
  data: Type.Array(Type.Unknown(), { description: 'Row-major, flat or nested; null is a missing value' }),
})
const InferenceRequest = Type.Object({
  id: Type.Optional(Type.String()),
  parameters: Type.Optional(Parameters),
  inputs: Type.Array(RequestTensor, {
    minItems: 1,
    description:
      'One tensor for each feature, [n] or [n, 1]; or one of [n, features], columns in the order of the metadata',
  }),
  outputs: Type.Optional(Type.Array(Type.Object({ name: Type.String(), parameters: Type.Optional(Parameters) }))),
})
const InferenceResponse = Type.Object({
  model_name: Type.String(),
  model_version: Type.String(),
  id: Type.String(),
  parameters: Parameters,
  outputs: Type.Array(
    Type.Object({
      name: Type.String(),
      shape: Type.Array(Type.Integer()),
      datatype: Type.String(),
      data: Type.Array(Type.Number()),
    }),
  ),
})
const OipError = Type.Object({ error: Type.String() })
const RepositoryIndex = Type.Array(
  Type.Object({ name: Type.String(), version: Type.String(), state: Type.String(), reason: Type.String() }),
)

/** The endpoints of the Open Inference Protocol v2 over REST. */
export function oipRoutes(parts: OipParts): AnyRoute[] {
  return [
    ...serverRoutes(parts),
    ...modelRoutes(parts.serving),
    ...statisticsRoutes(parts),
    ...repositoryRoutes(parts.serving),
    ...inferRoutes(parts.serving),
  ]
}

function serverRoutes({ serving, programVersion, isReady }: OipParts): AnyRoute[] {
  return [
    {
      ...described('GET', '/v2', 'public', 'What this server is'),
      answers: {
        200: Type.Object({ name: Type.String(), version: Type.String(), extensions: Type.Array(Type.String()) }),
      },
      handle: () => ({
        body: {
          name: 'bellwether',
          version: programVersion,
          extensions: ['model_repository', 'binary_tensor_data', 'statistics'],
        },
      }),
    },
    {
      ...described('GET', '/v2/health/live', 'public', 'Whether the server is alive'),
      answers: { 200: Type.Object({ live: Type.Boolean() }) },
      handle: () => ({ body: { live: true } }),
    },
    {
      ...described('GET', '/v2/health/ready', 'public', 'Whether the server can answer'),
      answers: { 200: Type.Object({ ready: Type.Boolean() }) },
      handle: async () => {
        const ready = await isReady()
        return { status: ready ? 200 : 503, body: { ready } }
      },
    },
    {
      ...described('POST', '/v2/repository/index', 'model:read', 'All versions of all models'),
      // Triton's client sends no body at all, others an object.
      body: Type.Union([Type.Undefined(), Type.Object({ ready: Type.Optional(Type.Boolean()) })]),
      answers: { 200: RepositoryIndex },
      problems: [400, 413, 415, 422],
      handle: () => ({ body: index(serving) }),
    },
  ]
}

function index({ catalogue }: Serving): { name: string; version: string; state: string; reason: string }[] {
  return catalogue
    .names()
    .flatMap(name => catalogue.versions(name).map(version => ({ name, version, state: 'READY', reason: '' })))
}

function modelRoutes(serving: Serving): AnyRoute[] {
  const metadata = inOipShape(async request => {
    const model = await modelOf(serving, request)
    return { body: metadataOf(model, serving.catalogue.versions(model.version.model)) }
  })
  const ready = inOipShape(async request => {
    const { version } = await modelOf(serving, request)
    return { body: { name: version.model, version: version.version, ready: true } }
  })
  return MODEL_PATHS.flatMap(({ path, of }): AnyRoute[] => [
    {
      ...described('GET', path, 'model:read', `Inputs and outputs of ${of}`),
      answers: { 200: ModelMetadata, 404: OipError },
      handle: metadata,
    },
    {
      ...described('GET', `${path}/ready`, 'model:read', `Whether ${of} can answer`),
      answers: {
        200: Type.Object({ name: Type.String(), version: Type.String(), ready: Type.Boolean() }),
        404: OipError,
      },
      handle: ready,
    },
  ])
}

const MODEL_PATHS = [
  { path: '/v2/models/:name', of: 'a model' },
  { path: '/v2/models/:name/versions/:version', of: 'a version' },
]

function statisticsRoutes(parts: OipParts): AnyRoute[] {
  return ['/v2/models', ...MODEL_PATHS.map(({ path }) => path)].map(
    (path): AnyRoute => ({
      ...described(
        'GET',
        `${path}/stats`,
        'model:read',
        'What versions were asked since the start, and the time it took',
      ),
      answers: { 200: Type.Object({ model_stats: Type.Array(Parameters) }), 404: OipError },
      handle: inOipShape(async ({ params: { name = '', version = '' } }) => ({
        body: statisticsOf(parts, { name, version }),
      })),
    }),
  )
}

function repositoryRoutes({ catalogue, releases, models }: Serving): AnyRoute[] {
  const route = (verb: 'load' | 'unload', summary: string, handle: (name: string) => Promise<void>): AnyRoute => {
    const told = inOipShape(async ({ params }) => {
      await handle(params['name']!)
      return { body: {} }
    })
    return {
      ...described('POST', `/v2/repository/models/:name/${verb}`, 'model:alias', summary),
      // Triton's client sends an object of parameters, or nothing.
      body: Type.Union([Type.Undefined(), Type.Object({ parameters: Type.Optional(Parameters) })]),
      answers: { 200: Type.Object({}), 404: OipError },
      problems: [400, 413, 415, 422],
      handle: request => {
        const { config } = (request.body as { parameters?: { config?: unknown } } | undefined)?.parameters ?? {}
        // Told as the door tells what is wrong with a body, for the same status has one shape.
        if (config !== undefined) throw configured(verb)
        return told(request)
      },
    }
  }
  return [
    route('load', 'Load the version that answers now, so that nobody waits for it', async name => {
      const { model, version } = choose(catalogue, releases, name, undefined, undefined)
      await models.get(model, version)
    }),
    route('unload', 'Put all versions of a model away until somebody asks', async name => {
      choose(catalogue, releases, name, undefined, undefined) // throws where there is no such model
      for (const version of catalogue.versions(name)) models.unload(name, version)
    }),
  ]
}

function configured(verb: string): Problem {
  const found = 'it was sent with a configuration, a version that was registered with one was wanted'
  return new Problem('invalid', `Cannot ${verb} the model: ${found}`)
}

function inferRoutes(serving: Serving): AnyRoute[] {
  return MODEL_PATHS.map(({ path, of }) => ({
    kind: 'invocation',
    method: 'POST',
    path: `${path}/infer`,
    permission: 'model:predict',
    summary: `Ask ${of}`,
    description: BINARY,
    takes: ['application/octet-stream'],
    tag: TAG,
    body: InferenceRequest,
    answers: { 200: InferenceResponse },
    problems: INVOCATION_PROBLEMS,
    invoke: request => predict(serving, oip, request),
    problem: oipProblem,
  }))
}

function described(method: 'GET' | 'POST', path: string, permission: string, summary: string) {
  return { method, path, permission, summary, tag: TAG } as const
}

function oipProblem(problem: Problem): Answer {
  return { status: problem.status, body: { error: problem.message } }
}

/** Errors that a caller can expect, in the protocol's own shape; faults go on to the door, which logs them. */
function inOipShape(handle: (request: RouteRequest) => Promise<Answer>): Route['handle'] {
  return async request => {
    try {
      return await handle(request)
    } catch (error) {
      const problem = asProblem(error)
      if (problem.status === 500) throw error
      return oipProblem(problem)
    }
  }
}

async function modelOf({ catalogue, releases, models }: Serving, { params }: RouteRequest): Promise<LoadedModel> {
  const { model, version } = choose(catalogue, releases, params['name']!, params['version'], undefined)
  return models.get(model, version)
}

function metadataOf({ version, signature }: LoadedModel, versions: readonly string[]): object {
  const shape = [-1, 1]
  return {
    name: version.model,
    versions,
    platform: `bellwether_${version.format.replaceAll('-', '_')}`,
    inputs: signature.inputs.map(({ name, type }) => ({ name, datatype: DATATYPE_OF[type], shape })),
    outputs: version.signature.outputs.map(({ name, type }) => ({ name, datatype: DATATYPE_OF[type], shape })),
  }
}

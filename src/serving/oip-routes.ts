import { Type } from 'typebox'
import { Problem } from '../errors.ts'
import type { Answer, AnyRoute, RouteRequest } from '../route.ts'
import type { StatisticsBook } from './call-statistics.ts'
import { choose } from './choose.ts'
import type { LoadedModel } from './lane.ts'
import { oip } from './oip.ts'
import { aroundRoutes } from './oip-around-routes.ts'
import { configOf, metadataOf, typeName } from './oip-model.ts'
import { statisticsOf } from './oip-statistics.ts'
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
const ConfigTensor = Type.Object({ name: Type.String(), data_type: Type.String(), dims: Type.Array(Type.Integer()) })
const ModelConfig = Type.Object({
  name: Type.String(),
  platform: Type.String(),
  max_batch_size: Type.Integer({ description: 'Rows that are taken at once' }),
  input: Type.Array(ConfigTensor),
  output: Type.Array(ConfigTensor),
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
    ...aroundRoutes(TAG, oipProblem),
  ]
}

function serverRoutes({ serving, programVersion, isReady }: OipParts): AnyRoute[] {
  return [
    // Its description writes the path with a slash at the end, its clients without.
    ...['/v2', '/v2/'].map(
      (path): AnyRoute => ({
        ...described('GET', path, 'public', 'What this server is'),
        answers: {
          200: Type.Object({ name: Type.String(), version: Type.String(), extensions: Type.Array(Type.String()) }),
        },
        handle: () => ({
          body: {
            name: 'bellwether',
            version: programVersion,
            extensions: ['model_repository', 'model_configuration', 'binary_tensor_data', 'statistics'],
          },
        }),
      }),
    ),
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
  const metadata = async (request: RouteRequest): Promise<Answer> => {
    const model = await modelOf(serving, request)
    return { body: metadataOf(model, serving.catalogue.versions(model.version.model)) }
  }
  const config = async (request: RouteRequest): Promise<Answer> => {
    const model = await modelOf(serving, request)
    const parameters = { version: { string_value: model.version.version } }
    return { body: { ...configOf(model, serving.batchRowsMax, typeName), parameters } }
  }
  const ready = async (request: RouteRequest): Promise<Answer> => {
    const { version } = await modelOf(serving, request)
    return { body: { name: version.model, version: version.version, ready: true } }
  }
  return MODEL_PATHS.flatMap(({ path, of }): AnyRoute[] => [
    {
      ...described('GET', path, 'model:read', `Inputs and outputs of ${of}`),
      answers: { 200: ModelMetadata, 404: OipError },
      handle: metadata,
    },
    {
      ...described('GET', `${path}/config`, 'model:read', `Triton's configuration of ${of}`),
      answers: { 200: ModelConfig, 404: OipError },
      handle: config,
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
      handle: ({ params: { name = '', version = '' } }) => ({ body: statisticsOf(parts, { name, version }) }),
    }),
  )
}

function repositoryRoutes({ catalogue, releases, models }: Serving): AnyRoute[] {
  const route = (verb: 'load' | 'unload', summary: string, handle: (name: string) => Promise<void>): AnyRoute => {
    return {
      ...described('POST', `/v2/repository/models/:name/${verb}`, 'model:alias', summary),
      // Triton's client sends an object of parameters, or nothing.
      body: Type.Union([Type.Undefined(), Type.Object({ parameters: Type.Optional(Parameters) })]),
      answers: { 200: Type.Object({}), 404: OipError },
      problems: [400, 413, 415, 422],
      handle: async ({ params, body }) => {
        const { config } = (body as { parameters?: { config?: unknown } } | undefined)?.parameters ?? {}
        if (config !== undefined) throw configured(verb)
        await handle(params['name']!)
        return { body: {} }
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
  return { method, path, permission, summary, tag: TAG, problem: oipProblem } as const
}

/**
 * The protocol has one status for whatever is wrong with a question, 400, which we divide in two elsewhere. KServe's client reads
 * why only where the type has no charset.
 */
function oipProblem({ code, status, message }: Problem): Answer {
  return { status: code === 'invalid' ? 400 : status, type: 'application/json', body: { error: message } }
}

async function modelOf({ catalogue, releases, models }: Serving, { params }: RouteRequest): Promise<LoadedModel> {
  const { model, version } = choose(catalogue, releases, params['name']!, params['version'], undefined)
  return models.get(model, version)
}

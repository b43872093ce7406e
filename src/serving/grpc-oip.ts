/** The Open Inference Protocol v2 over gRPC, whole, as tritonclient and KServe speak it. */
import { asProblem, Problem } from '../errors.ts'
import { decodeMessage, encodeMessage, type Fields } from '../platform/proto-codec.ts'
import { type ProtoFile, protoFile } from '../platform/proto-file.ts'
import type { AnyRpc, PlainRpc, RpcService } from '../route.ts'
import type { StatisticsBook } from './call-statistics.ts'
import { choose } from './choose.ts'
import { inferAddress, inferProtocol, streamProblem, streamProtocol } from './grpc-infer.ts'
import { OIP_PROTO, OIP_SERVICE } from './grpc-oip-proto.ts'
import type { LoadedModel } from './lane.ts'
import { configOf, metadataOf } from './oip-model.ts'
import { statisticsOf } from './oip-statistics.ts'
import { predict, type Serving } from './predict.ts'

export interface OipRpcParts {
  readonly serving: Serving
  readonly statistics: StatisticsBook
  /** Version of this program. */
  readonly programVersion: string
  /** Whether the server can answer now. */
  readonly isReady: () => Promise<boolean>
}

export function oipService(parts: OipRpcParts): RpcService {
  const { serving } = parts
  const invocation = { kind: 'invocation', permission: 'model:predict', address: inferAddress } as const
  const procedures: Record<string, AnyRpc> = {
    ...described(handlersOf(parts)),
    ModelInfer: { ...invocation, invoke: request => predict(serving, inferProtocol, request) },
    ModelStreamInfer: {
      ...invocation,
      invoke: request => predict(serving, streamProtocol, request),
      told: streamProblem,
    },
  }
  return { name: OIP_SERVICE, proto: OIP_PROTO, procedures }
}

interface Handler {
  readonly permission: string
  readonly answer: (asked: Fields) => Fields | Promise<Fields>
}

/** Handlers of messages as fields, made procedures of messages as bytes. */
function described(handlers: Readonly<Record<string, Handler>>): Record<string, PlainRpc> {
  const file = protoFile(OIP_PROTO.name, OIP_PROTO.text)
  return Object.fromEntries(Object.entries(handlers).map(([name, handler]) => [name, procedure(file, name, handler)]))
}

function procedure(file: ProtoFile, name: string, { permission, answer }: Handler): PlainRpc {
  const request = file.message(`${name}Request`)
  const response = file.message(`${name}Response`)
  return {
    kind: 'plain',
    permission,
    handle: async ({ message }) => encodeMessage(response, await answer(decodeMessage(request, message))),
  }
}

function handlersOf(parts: OipRpcParts): Record<string, Handler> {
  const { serving, programVersion, isReady } = parts
  const extensions = ['model_repository', 'model_configuration', 'statistics']
  return {
    ServerLive: { permission: 'public', answer: () => ({ live: true }) },
    ServerReady: { permission: 'public', answer: async () => ({ ready: await isReady() }) },
    ServerMetadata: {
      permission: 'public',
      answer: () => ({ name: 'bellwether', version: programVersion, extensions }),
    },
    ModelReady: { permission: 'model:read', answer: asked => readyOf(serving, asked) },
    ModelMetadata: {
      permission: 'model:read',
      answer: async asked => {
        const model = await modelOf(serving, asked)
        return metadataOf(model, serving.catalogue.versions(model.version.model))
      },
    },
    ModelConfig: {
      permission: 'model:read',
      answer: async asked => configFields(await modelOf(serving, asked), serving),
    },
    ModelStatistics: { permission: 'model:read', answer: asked => statisticsOf(parts, asked) },
    ...repositoryHandlers(serving),
    ...surroundingHandlers(),
  }
}

function modelOf(
  { catalogue, releases, models }: Serving,
  { name, version }: Fields,
): LoadedModel | Promise<LoadedModel> {
  const chosen = choose(
    catalogue,
    releases,
    name as string,
    version === '' ? undefined : (version as string),
    undefined,
  )
  return models.get(chosen.model, chosen.version)
}

/** Also one that is not there is asked about, and is not ready. */
async function readyOf(serving: Serving, asked: Fields): Promise<Fields> {
  try {
    await modelOf(serving, asked)
    return { ready: true }
  } catch (error) {
    if (asProblem(error).code === 'failed') throw error
    return { ready: false }
  }
}

/** `DataType` of a datatype. */
const DATA_TYPES: Readonly<Record<string, number>> = { BOOL: 1, INT64: 9, FP64: 12, BYTES: 13 }

function configFields(model: LoadedModel, { batchRowsMax }: Serving): Fields {
  const config = configOf(model, batchRowsMax, datatype => DATA_TYPES[datatype])
  return { config: { ...config, parameters: new Map([['version', { string_value: model.version.version }]]) } }
}

function repositoryHandlers(serving: Serving): Record<string, Handler> {
  const { catalogue, models } = serving
  return {
    RepositoryIndex: {
      permission: 'model:read',
      answer: () => ({
        models: catalogue
          .names()
          .flatMap(name => catalogue.versions(name).map(version => ({ name, version, state: 'READY', reason: '' }))),
      }),
    },
    RepositoryModelLoad: {
      permission: 'model:alias',
      answer: async asked => {
        if ((asked['parameters'] as ReadonlyMap<string, unknown>).size > 0) throw notLoadedFrom()
        await modelOf(serving, { name: asked['model_name'], version: '' })
        return {}
      },
    },
    RepositoryModelUnload: {
      permission: 'model:alias',
      answer: asked => {
        const name = asked['model_name'] as string
        choose(catalogue, serving.releases, name, undefined, undefined) // throws where there is no such model
        for (const version of catalogue.versions(name)) models.unload(name, version)
        return {}
      },
    },
  }
}

function notLoadedFrom(): Problem {
  const problem = 'is not supported, register a version of the model instead'
  return new Problem('invalid', `Cannot load the model: a configuration of the caller's ${problem}`, {
    fields: [{ field: 'parameters', problem }],
  })
}

/** What Triton has around its models. There is none of it here, which is told to who asks and refused to who wants to set it. */
function surroundingHandlers(): Record<string, Handler> {
  const none = (permission: string): Handler => ({ permission, answer: () => ({}) })
  const refused = (what: string, instead: string): Handler => ({
    permission: 'model:read',
    answer: () => {
      throw new Problem('method_not_allowed', `Cannot do it: ${what} is not supported, ${instead}`)
    },
  })
  const settings = (what: string, instead: string): Handler => ({
    permission: 'model:read',
    answer: asked =>
      (asked['settings'] as ReadonlyMap<string, unknown>).size === 0 ? {} : refused(what, instead).answer(asked),
  })
  return {
    SystemSharedMemoryStatus: none('model:read'),
    SystemSharedMemoryRegister: refused('shared memory', 'send tensors in the message'),
    SystemSharedMemoryUnregister: none('model:read'),
    CudaSharedMemoryStatus: none('model:read'),
    CudaSharedMemoryRegister: refused('shared memory of a GPU', 'send tensors in the message'),
    CudaSharedMemoryUnregister: none('model:read'),
    TraceSetting: settings('tracing by this call', 'see the configuration of tracing'),
    LogSettings: settings('a level of logging by this call', 'start with --log-level'),
  }
}

/** What the loaded models hold of the machine's memory, for people, for programs and for Prometheus. */
import { Type } from 'typebox'
import type { AnyRoute } from '../route.ts'
import type { LoadedState, Models } from './models.ts'

/** Of the process that answers, bytes. */
export interface ProcessMemory {
  /** In physical memory: all of it, with the code. */
  readonly residentBytes: number
  /** Objects of JavaScript. */
  readonly heapBytes: number
  /** Buffers and WebAssembly, where models are. */
  readonly externalBytes: number
}

/** What `GET /memory` answers. */
export interface MemoryReport {
  readonly process: ProcessMemory
  /** Of all loaded models. */
  readonly models: {
    readonly loaded: number
    readonly bytes: number
    readonly bytesMax: number
    /** Absent: none is put away for being idle. */
    readonly idleAfterMs?: number
    readonly loads: number
    readonly displaced: number
    readonly idled: number
  }
  /** The largest ones. */
  readonly loaded: readonly LoadedState[]
}

export interface MemoryParts {
  readonly models: Models
  readonly processMemory: () => ProcessMemory
}

const LISTED = 1_000
const LISTED_MAX = 100_000

const Bytes = (description: string) => Type.Integer({ minimum: 0, description })
const Count = (description: string) => Type.Integer({ minimum: 0, description })
const At = (description: string) => Type.Integer({ description: `${description}, milliseconds since the epoch` })

const Report = Type.Object({
  process: Type.Object({
    residentBytes: Bytes('In physical memory, all of the process'),
    heapBytes: Bytes('Objects of JavaScript'),
    externalBytes: Bytes('Buffers and WebAssembly, where models are'),
  }),
  models: Type.Object({
    loaded: Count('Models in memory'),
    bytes: Bytes('What they hold together'),
    bytesMax: Bytes('What they may hold together (`serving.modelsBytesMax`)'),
    idleAfterMs: Type.Optional(Count('Those that nobody asked for so long are put away (`serving.idleAfterMs`)')),
    loads: Count('Loads since the start'),
    displaced: Count('Put away since the start because others needed the memory'),
    idled: Count('Put away since the start because nobody asked them'),
  }),
  loaded: Type.Array(
    Type.Object({
      model: Type.String(),
      version: Type.String(),
      format: Type.String(),
      bytes: Bytes('With what explains it'),
      loadMs: Type.Number({ minimum: 0, description: 'How long it took until it could answer' }),
      loadedAt: At('When it was loaded'),
      idleSince: At('Nobody asked it since'),
    }),
    { description: 'Largest first' },
  ),
})

export function memoryRoutes({ models, processMemory }: MemoryParts): AnyRoute[] {
  return [
    {
      method: 'GET',
      path: '/memory',
      permission: 'model:read',
      summary: 'Memory of the process and of each loaded model',
      description: 'Models are loaded when they are asked for first, and put away when others need the memory.',
      tag: 'Monitoring',
      query: Type.Object({
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LISTED_MAX, default: LISTED })),
      }),
      answers: { 200: Report },
      handle: ({ query }) => ({ body: memoryReport(models, processMemory(), (query['limit'] as number) ?? LISTED) }),
    },
  ]
}

function memoryReport(models: Models, process: ProcessMemory, limit: number): MemoryReport {
  const { bytesMax, idleAfterMs, counts } = models
  const { loads, displaced, idled } = counts
  const loaded = models.loaded()
  const bytes = models.bytes()
  const idle = idleAfterMs === undefined ? {} : { idleAfterMs }
  return {
    process,
    models: { loaded: loaded.length, bytes, bytesMax, ...idle, loads, displaced, idled },
    loaded: loaded.slice(0, limit),
  }
}

/** In the Prometheus text format. */
export function memoryMetrics(models: Models): () => string {
  return () => {
    const { loads, failures, loadMs, displaced, idled } = models.counts
    const loaded = models.loaded()
    const each = loaded.map(
      ({ model, version, bytes }) => `model_memory_bytes{model="${model}",version="${version}"} ${bytes}\n`,
    )
    return (
      head('model_memory_bytes', 'gauge', 'Memory that a loaded model holds, with what explains it.') +
      each.join('') +
      family('model_memory_limit_bytes', 'gauge', 'Memory that loaded models may hold together.', models.bytesMax) +
      family('models_loaded', 'gauge', 'Models in memory.', loaded.length) +
      family('model_loads_total', 'counter', 'Models loaded.', loads) +
      family('model_load_failures_total', 'counter', 'Attempts to load a model that failed.', failures) +
      family('model_load_seconds_total', 'counter', 'Time that loading models took.', loadMs / 1000) +
      head('model_evictions_total', 'counter', 'Models put away.') +
      `model_evictions_total{reason="memory"} ${displaced}\nmodel_evictions_total{reason="idle"} ${idled}\n`
    )
  }
}

function family(name: string, type: string, help: string, value: number): string {
  return `${head(name, type, help)}${name} ${value}\n`
}

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
}

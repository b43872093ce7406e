/** The run of a job in the tracking store, spoken to as MLflow's clients do. */
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { ClientRequest, Transport } from '../../client.ts'
import { Problem, type ProblemCode } from '../../errors.ts'

export type RunStatus = 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED'

export interface KeyValue {
  readonly key: string
  readonly value: string
}

export interface StoredRun {
  readonly info: {
    readonly run_id: string
    readonly run_name: string
    readonly experiment_id: string
    readonly status: string
    readonly artifact_uri: string
  }
  readonly data: {
    readonly params?: readonly KeyValue[]
    readonly tags?: readonly KeyValue[]
    readonly metrics?: readonly { readonly key: string; readonly value: number | string; readonly step?: number }[]
  }
}

export interface RunStore {
  call<T>(method: string, path: string, body?: object): Promise<T>
  run(id: string): Promise<StoredRun>
  put(run: StoredRun, path: string, content: string | { readonly file: string }): Promise<void>
  /** Text of an artifact. Throws `not_found`. */
  text(run: StoredRun, path: string): Promise<string>
  /** The same store, which tries again for so long where the server cannot be reached or has too much to do. */
  patient(ms: number): RunStore
}

const BATCH_MAX = 100
const PAUSE_MS = 250
const PAUSE_MS_MAX = 5_000
const PASSING = new Set<ProblemCode>(['unavailable', 'overloaded', 'storage_full', 'rate_limited'])
/** What the protocol's codes are here. */
const CODES: Readonly<Record<string, ProblemCode>> = {
  UNAUTHENTICATED: 'unauthenticated',
  PERMISSION_DENIED: 'forbidden',
  RESOURCE_DOES_NOT_EXIST: 'not_found',
  RESOURCE_ALREADY_EXISTS: 'conflict',
  REQUEST_LIMIT_EXCEEDED: 'rate_limited',
  TEMPORARILY_UNAVAILABLE: 'unavailable',
  INVALID_PARAMETER_VALUE: 'invalid',
}

export function runStore(transport: Transport, patienceMs: number = 0): RunStore {
  const send = (what: string, request: () => ClientRequest): Promise<Response> =>
    again(patienceMs, async () => {
      const answer = await transport(request())
      if (answer.ok) return answer
      throw await problemOf(what, answer)
    })
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const headers = { 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { headers, body: JSON.stringify(body) }
    const answer = await send(path, () => ({ method, path: `/api/2.0/mlflow/${path}`, ...sent }))
    return (await answer.json()) as T
  }
  return {
    call,
    run: async id => (await call<{ run: StoredRun }>('GET', `runs/get?run_id=${encodeURIComponent(id)}`)).run,
    async put(run, path, content): Promise<void> {
      const isText = typeof content === 'string'
      const headers = { 'content-type': 'application/octet-stream' }
      const body = (): string | ReadableStream<Uint8Array> =>
        isText ? content : (Readable.toWeb(createReadStream(content.file)) as ReadableStream<Uint8Array>)
      const at = addressOf(run, path)
      await (await send(path, () => ({ method: 'PUT', path: at, headers, body: body() }))).arrayBuffer()
    },
    text: async (run, path) => await (await send(path, () => ({ method: 'GET', path: addressOf(run, path) }))).text(),
    patient: ms => runStore(transport, ms),
  }
}

function addressOf({ info }: StoredRun, path: string): string {
  const [, root] = /^mlflow-artifacts:(?:\/\/[^/]*)?\/+(.*)$/.exec(info.artifact_uri) ?? []
  if (root === undefined)
    throw new Problem(
      'invalid',
      `Cannot keep artifacts at ${info.artifact_uri}: wanted an experiment whose artifacts are kept by the server`,
    )
  return `/api/2.0/mlflow-artifacts/artifacts/${`${root}/${path}`.split('/').map(encodeURIComponent).join('/')}`
}

async function problemOf(what: string, answer: Response): Promise<Problem> {
  const text = await answer.text()
  try {
    const { error_code, message, detail } = JSON.parse(text) as Record<string, string | undefined>
    const code = CODES[error_code ?? ''] ?? (answer.status === 503 ? 'unavailable' : 'failed')
    return new Problem(code, message ?? detail ?? `Cannot use ${what}: status ${answer.status}`)
  } catch {
    const code = [502, 503, 504].includes(answer.status) ? 'unavailable' : 'failed'
    return new Problem(code, `Cannot use ${what}: the server answered with status ${answer.status}`)
  }
}

/** Waits longer each time, for so long in all. */
async function again<T>(patienceMs: number, run: () => Promise<T>): Promise<T> {
  let waited = 0
  for (let pause = PAUSE_MS; ; pause = Math.min(2 * pause, PAUSE_MS_MAX)) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof Problem && PASSING.has(error.code)) || waited >= patienceMs) throw error
    }
    await new Promise(resolve => setTimeout(resolve, pause))
    waited += pause
  }
}

/** The experiment of a name, made where there is none. */
export async function experimentNamed(store: RunStore, name: string): Promise<string> {
  const find = async (): Promise<string> => {
    const path = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`
    const { experiment } = await store.call<{ experiment: { experiment_id: string } }>('GET', path)
    return experiment.experiment_id
  }
  try {
    return await find()
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'not_found')) throw error
  }
  try {
    return (await store.call<{ experiment_id: string }>('POST', 'experiments/create', { name })).experiment_id
  } catch (error) {
    if (error instanceof Problem && error.code === 'conflict') return await find()
    throw error
  }
}

export async function logTags(store: RunStore, run: string, tags: Readonly<Record<string, string>>): Promise<void> {
  await logBatch(store, run, 'tags', tags)
}

/** Parameters that the command logged itself keep its value. */
export async function logParameters(
  store: RunStore,
  run: string,
  given: Readonly<Record<string, string>>,
): Promise<void> {
  const { data } = await store.run(run)
  const known = new Set(data.params?.map(({ key }) => key))
  await logBatch(store, run, 'params', Object.fromEntries(Object.entries(given).filter(([key]) => !known.has(key))))
}

async function logBatch(
  store: RunStore,
  run_id: string,
  kind: 'tags' | 'params',
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const all = Object.entries(values).map(([key, value]) => ({ key, value }))
  for (let at = 0; at < all.length; at += BATCH_MAX)
    await store.call('POST', 'runs/log-batch', { run_id, [kind]: all.slice(at, at + BATCH_MAX) })
}

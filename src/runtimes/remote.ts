/** Models behind another server that speaks the Open Inference Protocol v2. */

import { Problem } from '../errors.ts'
import type { Surroundings } from '../platform/surroundings.ts'
import type { CallTrace } from '../predictor/call-trace.ts'
import type { ExternalColumn, RemoteModel, RemoteSettings } from '../predictor/external.ts'
import type { AnswerScale, AwaitedPredictor, Task } from '../predictor/predictor.ts'
import { type RemoteCalls, remoteCalls } from './remote-calls.ts'
import type { DeclaredRemote } from './remote-keys.ts'
import { decodeAnswer, encodeQuestion, isKnown } from './remote-tensors.ts'
import type { Described, Runtime } from './runtime.ts'

const DEFAULTS = { timeoutMs: 5_000, retries: 2, rowsMax: 1_000 }
const METADATA_BYTES_MAX = 1 << 22
/** An answer in JSON takes so many bytes a number, at most, and something for the rest. */
const NUMBER_BYTES_MAX = 40
const ANSWER_BYTES = 1 << 16
const COLUMNS_MAX = 10_000
/** Requests of one batch that are under way together. */
const TOGETHER_MAX = 4

interface TensorMetadata {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
}

interface Metadata {
  readonly platform: string
  readonly versions: readonly string[]
  readonly inputs: readonly TensorMetadata[]
  readonly outputs: readonly TensorMetadata[]
}

/** Asks the other server what the model is. Rejects with `invalid` where it is not as declared, `unavailable`, `failed`. */
export async function describeRemote(declared: DeclaredRemote, surroundings: Surroundings): Promise<Described> {
  const { url, model, version, timeoutMs, retries, rowsMax, headers = {} } = { ...DEFAULTS, ...declared }
  const settings: RemoteSettings = {
    ...{ url, model, timeoutMs, retries, rowsMax, headers },
    ...(version === undefined ? {} : { version }),
  }
  const calls = remoteCalls(settings, surroundings)
  const metadata = readMetadata(await told(calls, pathOf(settings)))
  const { extensions = [] } = (await told(calls, '/v2').catch(() => ({}))) as { extensions?: unknown }
  const speaksBinary = Array.isArray(extensions) && extensions.includes('binary_tensor_data')
  const described = modelOf(declared, settings, metadata, speaksBinary)
  return {
    model: described,
    notes: [`${url} computes this model: what it answers may change without a new version here`],
    async open(columns) {
      const model = await complete(described, columns, calls)
      return { model, ...openRemote(model, surroundings) }
    },
    close: async () => calls.close(),
  }
}

function pathOf({ model, version }: RemoteSettings): string {
  return `/v2/models/${encodeURIComponent(model)}${version === undefined ? '' : `/versions/${encodeURIComponent(version)}`}`
}

async function told(calls: RemoteCalls, path: string): Promise<unknown> {
  const { bytes } = await calls.send({ path, bytesMax: METADATA_BYTES_MAX })
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw cannot(`${path} answers something else than JSON`)
  }
}

function readMetadata(value: unknown): Metadata {
  const { platform, versions, inputs, outputs } = (value ?? {}) as Readonly<Record<string, unknown>>
  const tensors = (of: unknown): readonly TensorMetadata[] => (Array.isArray(of) && of.every(isTensor) ? of : [])
  const found = { inputs: tensors(inputs), outputs: tensors(outputs) }
  if (found.inputs.length === 0 || found.outputs.length === 0)
    throw cannot('its metadata names no inputs or no outputs')
  return {
    ...found,
    platform: String(platform ?? 'unknown'),
    versions: Array.isArray(versions) ? versions.map(String).slice(0, 100) : [],
  }
}

function isTensor(value: unknown): value is TensorMetadata {
  const { name, datatype, shape } = (value ?? {}) as Readonly<Record<string, unknown>>
  return (
    typeof name === 'string' && typeof datatype === 'string' && Array.isArray(shape) && shape.every(Number.isInteger)
  )
}

function modelOf(
  declared: DeclaredRemote,
  settings: RemoteSettings,
  metadata: Metadata,
  speaksBinary: boolean,
): RemoteModel {
  const { inputs } = metadata
  const wide = inputs.length === 1 && (inputs[0]!.shape.length > 1 ? inputs[0]!.shape.at(-1)! : 1)
  const layout = wide !== false && wide !== 1 ? 'matrix' : 'columns'
  const width = layout === 'matrix' ? Math.max(0, wide as number) : inputs.length
  if (width > COLUMNS_MAX) throw cannot(`it takes ${width} numbers a row, at most ${COLUMNS_MAX} are sent`)
  const binary = declared.encoding === undefined ? speaksBinary : declared.encoding === 'binary'
  const output = outputOf(declared, metadata)
  const answers = answersOf(declared, output.shape)
  for (const { name, datatype, shape } of inputs) {
    if (shape.length > 2)
      throw cannot(`its input ${name} has ${shape.length} dimensions, rows of numbers or texts were wanted`)
    if (!isKnown(datatype, binary)) throw cannot(`its input ${name} is of datatype ${datatype}, which is not known`)
  }
  return {
    kind: 'remote',
    format: 'remote',
    ...answers,
    objective: `${settings.model}@${settings.version ?? 'default'}`,
    features: layout === 'matrix' ? Array.from({ length: width }, (_, at) => `f${at}`) : featuresOf(declared, inputs),
    featureTypes: inputs.map(({ datatype }) => (datatype === 'BYTES' ? 'any' : 'float')),
    named: layout === 'columns',
    categories: [],
    unseen: 'missing',
    ...(declared.classes === undefined ? {} : { classes: declared.classes }),
    facts: { server: settings.url, platform: metadata.platform, remote_versions: metadata.versions.join(', ') },
    columns: [],
    settings,
    layout,
    tensors: inputs.map(({ name, datatype, shape }) => ({ name, datatype, rank: shape.length })),
    output: output.name,
    binary,
  }
}

/** Names of the features in the order of the tensors. */
function featuresOf({ inputs: renamed = {} }: DeclaredRemote, inputs: readonly TensorMetadata[]): string[] {
  const featureOf = new Map(Object.entries(renamed).map(([feature, tensor]) => [tensor, feature]))
  const unknown = [...featureOf.keys()].find(tensor => !inputs.some(({ name }) => name === tensor))
  if (unknown !== undefined) {
    throw cannot(
      `it has no input ${unknown}, but ${inputs
        .map(({ name }) => name)
        .slice(0, 20)
        .join(', ')}`,
    )
  }
  return inputs.map(({ name }) => featureOf.get(name) ?? name)
}

function outputOf({ output }: DeclaredRemote, { outputs }: Metadata): TensorMetadata {
  const found = output === undefined ? outputs[0]! : outputs.find(({ name }) => name === output)
  if (found === undefined) throw cannot(`it has no output ${output}, but ${outputs.map(({ name }) => name).join(', ')}`)
  if (found.datatype === 'BYTES') throw cannot(`its output ${found.name} is of texts, numbers were wanted`)
  return found
}

type Answers = Pick<RemoteModel, 'task' | 'answers' | 'outputCount'> & { readonly answered?: number }

/** `outputCount` 0: its metadata does not tell. */
function answersOf({ task = 'regression', classes }: DeclaredRemote, shape: readonly number[]): Answers {
  const width = shape.length > 1 ? shape.at(-1)! : 1
  const answers: AnswerScale = task === 'regression' ? 'number' : 'probability'
  return { task: task satisfies Task, answers, ...widthOf(task, width > 0 ? width : (classes?.length ?? 0)) }
}

function widthOf(task: Task, width: number): { outputCount: number; answered?: number } {
  if (task !== 'binary' || width === 0) return { outputCount: width }
  if (width > 2) throw cannot(`it answers ${width} numbers a row, one or two were wanted of a binary model`)
  return width === 2 ? { outputCount: 1, answered: 1 } : { outputCount: 1 }
}

/** With its columns; where the metadata leaves the width of the answer open, a first row is asked. */
async function complete(
  model: RemoteModel,
  columns: readonly ExternalColumn[],
  calls: RemoteCalls,
): Promise<RemoteModel> {
  const known = { ...model, features: columns.map(({ name }) => name), named: true, columns }
  if (known.outputCount > 0) return known
  const { width } = await ask(known, calls, new Float64Array(columns.length), 1)
  if (width > COLUMNS_MAX) throw cannot(`it answers ${width} numbers a row, at most ${COLUMNS_MAX} are taken`)
  return { ...known, ...widthOf(known.task, width) }
}

async function ask(
  model: RemoteModel,
  calls: RemoteCalls,
  rows: Float64Array,
  count: number,
  trace?: CallTrace,
): Promise<{ readonly values: Float64Array; readonly width: number }> {
  const numbers = count * Math.max(2, model.outputCount || COLUMNS_MAX)
  const question = encodeQuestion(model, rows, count)
  const { bytes, headers } = await calls.send({
    path: `${pathOf(model.settings)}/infer`,
    ...question,
    ...(trace === undefined ? {} : { trace }),
    bytesMax: ANSWER_BYTES + numbers * NUMBER_BYTES_MAX + count * 64, // ours tells an id for each row
  })
  return decodeAnswer(model, bytes, headers.get('inference-header-content-length'), count)
}

/** Asks nobody yet: a server that is down now may be up when it is needed. */
export function openRemote(model: RemoteModel, surroundings: Surroundings): Runtime {
  const calls = remoteCalls(model.settings, surroundings)
  const { rowsMax, url } = model.settings
  const width = model.columns.length
  const part: AwaitedPredictor['predict'] = async (rows, count, out, trace) => {
    const answer = await ask(model, calls, rows, count, trace)
    const wanted = model.answered === undefined ? model.outputCount : 2
    if (answer.width !== wanted)
      throw new Problem(
        'failed',
        `Cannot read the answer of ${url}: ${answer.width} numbers a row, ${wanted} were wanted`,
      )
    if (model.answered === undefined) out.set(answer.values)
    else for (let row = 0; row < count; row++) out[row] = answer.values[row * 2 + model.answered]!
  }
  const predictor: AwaitedPredictor = {
    ...model,
    bytes: 0,
    async predict(rows, count, out, trace) {
      const inputs = count > rowsMax ? rows.slice(0, count * width) : rows.subarray(0, count * width)
      const answers = new Float64Array(count * model.outputCount)
      const pending: Promise<void>[] = []
      for (let from = 0; from < count; from += rowsMax) {
        const to = Math.min(from + rowsMax, count)
        const into = answers.subarray(from * model.outputCount, to * model.outputCount)
        if (pending.length >= TOGETHER_MAX) await pending[pending.length - TOGETHER_MAX]
        pending.push(part(inputs.subarray(from * width, to * width), to - from, into, trace))
        pending.at(-1)!.catch(() => {}) // told below
      }
      await Promise.all(pending)
      out.set(answers)
    },
    close: async () => calls.close(),
    fault: () =>
      calls.circuit.state() === 'open'
        ? `${url} failed several times in a row and is left alone for a while`
        : undefined,
  }
  const counts = (): Record<string, number> => ({ ...calls.counts(), open: calls.circuit.state() === 'closed' ? 0 : 1 })
  return { predictor, counts }
}

function cannot(detail: string): Problem {
  return new Problem('invalid', `Cannot take the remote model: ${detail}`)
}

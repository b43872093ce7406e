/** The Open Inference Protocol v2 over REST, as Triton, KServe and MLServer speak it, with JSON tensors. */
import { quote } from '../ledger/canonical.ts'
import { bodyText } from '../platform/body-text.ts'
import type { Answer } from '../route.ts'
import type { Journey } from './journey.ts'
import { readJson } from './json.ts'
import type { Lane, LoadedModel } from './lane.ts'
import { binaryRefused, DATATYPE_OF, readTensor, refuse, rowsOf } from './oip-tensors.ts'
import type { Protocol } from './predict.ts'
import type { Rows } from './signature.ts'

const TENSORS_MAX = 10_000
const ID_CHARACTERS_MAX = 256

/** What the answer needs to know of the question. */
interface Asked {
  readonly id: string | undefined
  /** Columns of the outputs, in the order asked for. */
  readonly outputs: readonly number[]
}

export const oip: Protocol = {
  door: 'oip',
  refuses: headers => (headers['inference-header-content-length'] === undefined ? undefined : binaryRefused()),
  read: readInference,
  write: writeInference,
}

function readInference(bytes: Buffer, model: LoadedModel, rowsMax: number, journey: Journey): Rows {
  const body = readJson(bodyText(bytes), 'leave')
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refuse([{ field: 'body', problem: 'is not an object with inputs' }])
  }
  const { id, inputs, outputs } = body as Readonly<Record<string, unknown>>
  if (id !== undefined && (typeof id !== 'string' || id.length > ID_CHARACTERS_MAX)) {
    return refuse([{ field: 'id', problem: `is not a text of at most ${ID_CHARACTERS_MAX} characters` }])
  }
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > TENSORS_MAX) {
    return refuse([{ field: 'inputs', problem: 'is not a list of at least one tensor' }])
  }
  journey.asked = { id, outputs: outputsAsked(outputs, model) } satisfies Asked
  return rowsOf(
    inputs.map((tensor, at) => readTensor(tensor, `inputs[${at}]`)),
    model,
    rowsMax,
  )
}

function outputsAsked(asked: unknown, { version }: LoadedModel): number[] {
  const names = version.signature.outputs.map(({ name }) => name)
  if (asked === undefined || (Array.isArray(asked) && asked.length === 0)) return [...names.keys()]
  if (!Array.isArray(asked)) return refuse([{ field: 'outputs', problem: 'is not a list' }])
  const columns = asked.map((output: unknown) => names.indexOf(String((output as { name?: unknown } | null)?.name)))
  const unknown = columns.indexOf(-1)
  if (unknown === -1) return columns
  return refuse([
    {
      field: `outputs[${unknown}].name`,
      problem: `is no output of this model, some of ${names.join(', ')} was wanted`,
    },
  ])
}

function writeInference(journey: Journey, lane: Lane): Answer {
  const { version, outputs } = lane.model
  const { id, outputs: columns } = journey.asked as Asked
  const { outputs: values, count } = journey.rows!
  const tensors = columns.map(column => {
    const { name, type } = version.signature.outputs[column]!
    let data = ''
    for (let row = 0; row < count; row++) data += `${row === 0 ? '' : ','}${values[row * outputs.count + column]!}`
    return `{"name":${quote(name)},"shape":[${count},1],"datatype":"${DATATYPE_OF[type]}","data":[${data}]}`
  })
  // The protocol has no place for the ids of single rows but a parameter, and parameters are texts.
  const predictions = `"parameters":{"prediction_ids":"${journey.ids.join(',')}"}`
  const head = `{"model_name":${quote(version.model)},"model_version":${quote(version.version)}`
  return { text: `${head},"id":${quote(id ?? journey.requestId)},${predictions},"outputs":[${tensors.join(',')}]}` }
}

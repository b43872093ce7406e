/** `ModelInfer` and `ModelStreamInfer`: read and written by hand, since they are asked most. */
import type { Problem } from '../errors.ts'
import { DELIMITED, ProtoReader, ProtoWriter, VARINT } from '../platform/protobuf.ts'
import type { Answer, RpcAddress } from '../route.ts'
import { readContents } from './grpc-tensors.ts'
import type { Journey } from './journey.ts'
import type { Lane, LoadedModel } from './lane.ts'
import { DATATYPE_OF, rowsOf, type Tensor } from './oip-tensors.ts'
import type { Protocol } from './predict.ts'
import type { Rows } from './signature.ts'
import { type Cells, readRaw, wrong } from './tensor-bytes.ts'

const TENSORS_MAX = 10_000
const RANK_MAX = 2
const ID_CHARACTERS_MAX = 256
/** A caller that wants to know which message of a stream is the last for its question. */
const FINAL_WANTED = 'triton_enable_empty_final_response'
const FINAL = 'triton_final_response'

/** What the answer needs to know of the question. */
interface Asked {
  readonly id: string
  /** Columns of the outputs, in the order asked for. */
  readonly columns: readonly number[]
  /** Little-endian bytes, as the question had them, or the fields of a type. */
  readonly isRaw: boolean
  readonly isFinalTold: boolean
}

/** A tensor before its cells are read: raw ones stand at the end of the message. */
interface InputTensor {
  name: string
  datatype: string
  shape: number[]
  /** Where the typed contents stand. */
  contents: ProtoReader | undefined
}

interface InferRequest {
  id: string
  inputs: InputTensor[]
  outputs: string[]
  raw: Buffer[]
  isFinalTold: boolean
}

export const inferProtocol: Protocol = {
  door: 'oip-grpc',
  read: readInfer,
  write: (...told) => writeInfer(...told, false),
}
export const streamProtocol: Protocol = {
  door: 'oip-grpc',
  read: readInfer,
  write: (...told) => writeInfer(...told, true),
}

/** The model that a `ModelInferRequest` names. */
export function inferAddress(message: Buffer): RpcAddress {
  const params: { name?: string; version?: string } = {}
  try {
    const reader = new ProtoReader(message)
    while (!reader.isDone) {
      const tag = reader.tag()
      if (tag === NAME_TAG) params.name = reader.text()
      else if (tag === VERSION_TAG) params.version = reader.text()
      else reader.skip(tag)
    }
  } catch {
    // Whoever reads the message says what is wrong with it, and it is recorded for the model that it named.
  }
  // The third syntax cannot tell an empty text from none.
  if (params.name === '') delete params.name
  if (params.version === '') delete params.version
  return { params: params as RpcAddress['params'] }
}

const NAME_TAG = 8 * 1 + DELIMITED
const VERSION_TAG = 8 * 2 + DELIMITED

function readInfer(body: Buffer, model: LoadedModel, rowsMax: number, journey: Journey): Rows {
  const request = readRequest(body)
  const { id, inputs, raw, isFinalTold } = request
  if (id.length > ID_CHARACTERS_MAX) wrong('id', `has more than ${ID_CHARACTERS_MAX} characters`)
  if (inputs.length === 0) wrong('inputs', 'has no tensor, at least one was wanted')
  const isRaw = raw.length > 0
  if (isRaw && raw.length !== inputs.length) {
    wrong('raw_input_contents', `has ${raw.length} parts, one for each of the ${inputs.length} inputs was wanted`)
  }
  journey.asked = { id, columns: columnsOf(request.outputs, model), isRaw, isFinalTold } satisfies Asked
  const tensors = inputs.map((input, at) => tensorOf(input, raw[at], `inputs[${at}]`))
  return rowsOf(tensors, model, rowsMax)
}

function readRequest(body: Buffer): InferRequest {
  const request: InferRequest = { id: '', inputs: [], outputs: [], raw: [], isFinalTold: false }
  const reader = new ProtoReader(body)
  while (!reader.isDone) {
    const tag = reader.tag()
    const isDelimited = (tag & 7) === DELIMITED
    const number = isDelimited ? tag >>> 3 : 0
    if (number === 3) request.id = reader.text()
    else if (number === 4) readParameter(reader.within(), 'parameters', request)
    else if (number === 5) request.inputs.push(readInput(reader.within(), `inputs[${request.inputs.length}]`))
    else if (number === 6) request.outputs.push(readOutput(reader.within(), `outputs[${request.outputs.length}]`))
    else if (number === 7) request.raw.push(reader.raw())
    else reader.skip(tag)
    if (request.inputs.length > TENSORS_MAX) wrong('inputs', `has more than ${TENSORS_MAX} tensors`)
  }
  return request
}

function readInput(reader: ProtoReader, field: string): InputTensor {
  const tensor: InputTensor = { name: '', datatype: '', shape: [], contents: undefined }
  while (!reader.isDone) {
    const tag = reader.tag()
    if (tag === NAME_TAG) tensor.name = reader.text()
    else if (tag === 8 * 2 + DELIMITED) tensor.datatype = reader.text()
    else if (tag === 8 * 3 + DELIMITED) {
      const sizes = reader.within()
      while (!sizes.isDone) tensor.shape.push(sizes.signed())
    } else if (tag === 8 * 3 + VARINT) tensor.shape.push(reader.signed())
    else if (tag === 8 * 4 + DELIMITED) readParameter(reader.within(), `${field}.parameters`, undefined)
    else if (tag === 8 * 5 + DELIMITED) tensor.contents = reader.within()
    else reader.skip(tag)
  }
  return tensor
}

/** The name of an output that is asked for. */
function readOutput(reader: ProtoReader, field: string): string {
  let name = ''
  while (!reader.isDone) {
    const tag = reader.tag()
    if (tag === NAME_TAG) name = reader.text()
    else if (tag === 8 * 2 + DELIMITED) readParameter(reader.within(), `${field}.parameters`, undefined)
    else reader.skip(tag)
  }
  return name
}

/** What changes the meaning of a question and is not done must not be passed over. */
const REFUSED: Readonly<Record<string, string>> = {
  shared_memory_region: 'is not supported, tensors were wanted in the message itself',
  classification: 'is not supported, the outputs themselves can be asked for',
}

function readParameter(entry: ProtoReader, field: string, request: InferRequest | undefined): void {
  let key = ''
  let isTrue = false
  while (!entry.isDone) {
    const tag = entry.tag()
    if (tag === NAME_TAG) key = entry.text()
    else if (tag === 8 * 2 + DELIMITED) isTrue = readFlag(entry.within())
    else entry.skip(tag)
  }
  if (Object.hasOwn(REFUSED, key)) wrong(`${field}.${key}`, REFUSED[key]!)
  if (key === FINAL_WANTED && request !== undefined) request.isFinalTold = isTrue
}

/** Whether an `InferParameter` is the boolean true. */
function readFlag(value: ProtoReader): boolean {
  let isTrue = false
  while (!value.isDone) {
    const tag = value.tag()
    if (tag === 8 * 1 + VARINT) isTrue = value.varint() !== 0
    else value.skip(tag)
  }
  return isTrue
}

function tensorOf({ name, datatype, shape, contents }: InputTensor, raw: Buffer | undefined, field: string): Tensor {
  if (shape.length === 0 || shape.length > RANK_MAX || shape.some(size => size < 0)) {
    wrong(`${field}.shape`, `is [${shape.slice(0, 8).join(', ')}], [n] or [n, columns] was wanted`)
  }
  const count = shape.reduce((product, size) => product * size, 1)
  return { name, datatype, shape, data: cellsOf(raw, contents, datatype, count, field) }
}

function cellsOf(
  raw: Buffer | undefined,
  contents: ProtoReader | undefined,
  datatype: string,
  count: number,
  field: string,
): Cells {
  if (raw !== undefined && contents !== undefined && !contents.isDone) {
    return wrong(field, 'has contents, and raw_input_contents as well: one of them was wanted')
  }
  return raw === undefined
    ? readContents(contents ?? new ProtoReader(EMPTY), datatype, count, field)
    : readRaw(raw, datatype, count, field)
}

const EMPTY = Buffer.alloc(0)

function columnsOf(asked: readonly string[], { version }: LoadedModel): number[] {
  const names = version.signature.outputs.map(({ name }) => name)
  if (asked.length === 0) return [...names.keys()]
  return asked.map((name, at) => {
    const column = names.indexOf(name)
    if (column !== -1) return column
    return wrong(`outputs[${at}].name`, `is no output of this model, some of ${names.join(', ')} was wanted`)
  })
}

const writer = new ProtoWriter()

function writeInfer(journey: Journey, lane: Lane, isStream: boolean): Answer {
  const { model, version } = lane.model.version
  const asked = journey.asked as Asked
  writer.clear()
  if (isStream) writer.tag(2, DELIMITED)
  const start = isStream ? writer.begin() : 0
  writeText(1, model)
  writeText(2, version)
  writeText(3, asked.id === '' ? journey.requestId : asked.id)
  // The protocol has no place for the ids of single rows but a parameter, and parameters are texts.
  writeParameter('prediction_ids', 3, journey.ids.join(','))
  if (isStream && asked.isFinalTold) writeParameter(FINAL, 1, true)
  for (const column of asked.columns) writeOutput(journey, lane.model, column, asked.isRaw)
  if (asked.isRaw) for (const column of asked.columns) writeRaw(journey, lane.model, column)
  if (isStream) writer.end(start)
  return { body: writer.take() }
}

function writeText(number: number, text: string): void {
  writer.tag(number, DELIMITED)
  writer.text(text)
}

/** An entry of the map of parameters; `number` is the field of its type in `InferParameter`. */
function writeParameter(name: string, number: number, value: string | true): void {
  writer.tag(4, DELIMITED)
  const entry = writer.begin()
  writeText(1, name)
  writer.tag(2, DELIMITED)
  const parameter = writer.begin()
  if (value === true) {
    writer.tag(number, VARINT)
    writer.varint(1)
  } else writeText(number, value)
  writer.end(parameter)
  writer.end(entry)
}

function writeOutput(
  journey: Journey,
  { version, outputs: { count: width } }: LoadedModel,
  column: number,
  isRaw: boolean,
): void {
  const { name, type } = version.signature.outputs[column]!
  const { count, outputs } = journey.rows!
  writer.tag(5, DELIMITED)
  const start = writer.begin()
  writeText(1, name)
  writeText(2, DATATYPE_OF[type])
  writer.tag(3, DELIMITED)
  const shape = writer.begin()
  writer.varint(count)
  writer.varint(1)
  writer.end(shape)
  if (!isRaw) {
    writer.tag(5, DELIMITED)
    const contents = writer.begin()
    writeContents(outputs, count, width, column, DATATYPE_OF[type])
    writer.end(contents)
  }
  writer.end(start)
}

function writeContents(values: Float64Array, count: number, width: number, column: number, datatype: string): void {
  const number = datatype === 'INT64' ? 3 : 7
  if (datatype === 'BYTES') {
    for (let row = 0; row < count; row++) writeText(8, String(values[row * width + column]!))
    return
  }
  writer.tag(number, DELIMITED)
  const packed = writer.begin()
  for (let row = 0; row < count; row++) {
    const value = values[row * width + column]!
    if (number === 3) writer.varint(value)
    else writer.double(value)
  }
  writer.end(packed)
}

function writeRaw({ rows }: Journey, { version, outputs: { count: width } }: LoadedModel, column: number): void {
  const { outputs, count } = rows!
  const datatype = DATATYPE_OF[version.signature.outputs[column]!.type]
  writer.tag(6, DELIMITED)
  const start = writer.begin()
  for (let row = 0; row < count; row++) {
    const value = outputs[row * width + column]!
    if (datatype === 'FP64') writer.double(value)
    else if (datatype === 'INT64') writer.fixed64(value)
    else writer.text32(String(value))
  }
  writer.end(start)
}

/** How a problem is told within a stream, which goes on: with the id of the question, if it can be read. */
export function streamProblem({ message }: Problem, question: Buffer): Buffer {
  let id = ''
  try {
    id = readRequest(question).id
  } catch {
    // It has none that could be told.
  }
  writer.clear()
  writeText(1, message)
  writer.tag(2, DELIMITED)
  const start = writer.begin()
  if (id !== '') writeText(3, id)
  writer.end(start)
  return writer.take()
}

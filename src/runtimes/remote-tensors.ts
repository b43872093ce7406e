/** Rows to tensors of the Open Inference Protocol v2 and back, in JSON and in its binary extension. */
import { Problem } from '../errors.ts'
import type { ExternalColumn, RemoteModel } from '../predictor/external.ts'

export interface Question {
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

interface Tensor {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
  readonly data?: readonly unknown[]
  readonly parameters?: { readonly binary_data_size: number }
}

type Layout = Pick<RemoteModel, 'layout' | 'tensors' | 'columns' | 'output' | 'binary'>

/** Bytes of a number, by datatype. */
const BYTES: Readonly<Record<string, number>> = {
  ...{ BOOL: 1, INT8: 1, UINT8: 1, INT16: 2, UINT16: 2, INT32: 4, UINT32: 4, FP32: 4, INT64: 8, UINT64: 8, FP64: 8 },
}
const JSON_TYPE = 'application/json'

/** Datatypes that can be sent; in binary there is no FP16 that JavaScript writes. */
export function isKnown(datatype: string, binary: boolean): boolean {
  return datatype === 'BYTES' || datatype in BYTES || (datatype === 'FP16' && !binary)
}

/** Throws `invalid` where a value is none of its tensor's datatype. */
export function encodeQuestion(model: Layout, rows: Float64Array, count: number): Question {
  const { layout, tensors, columns, output, binary } = model
  const width = columns.length
  const pieces: Uint8Array[] = []
  const inputs = tensors.map(({ name, datatype, rank }, at): Tensor => {
    const isMatrix = layout === 'matrix'
    const shape = isMatrix ? [count, width] : rank === 1 ? [count] : [count, 1]
    const values = isMatrix ? rows.subarray(0, count * width) : columnOf(rows, count, at, width)
    const columnAt = isMatrix ? (index: number) => columns[index % width]! : () => columns[at]!
    if (!binary)
      return {
        name,
        shape,
        datatype,
        data: Array.from(values, (value, index) => jsonOf(value, datatype, columnAt(index))),
      }
    const bytes = binaryOf(values, datatype, columnAt)
    pieces.push(bytes)
    return { name, shape, datatype, parameters: { binary_data_size: bytes.length } }
  })
  const asked = binary ? { name: output, parameters: { binary_data: true } } : { name: output }
  const head = Buffer.from(JSON.stringify({ inputs, outputs: [asked] }))
  if (!binary) return { body: head, headers: { 'content-type': JSON_TYPE } }
  const headers = { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) }
  return { body: Buffer.concat([head, ...pieces]), headers }
}

function columnOf(rows: Float64Array, count: number, at: number, width: number): Float64Array {
  return Float64Array.from({ length: count }, (_, row) => rows[row * width + at]!)
}

/** A missing value is `null`: the protocol says nothing of them, and JSON has no NaN. */
function jsonOf(value: number, datatype: string, column: ExternalColumn): unknown {
  if (Number.isNaN(value)) return null
  if (datatype === 'BYTES') return textOf(value, column)
  if (datatype === 'BOOL') return value !== 0
  return datatype.startsWith('FP') ? value : whole(value, datatype, column)
}

function textOf(value: number, { categories }: ExternalColumn): string {
  return categories?.[value] ?? String(value)
}

function whole(value: number, datatype: string, { name }: ExternalColumn): number {
  if (Number.isSafeInteger(value)) return value
  throw new Problem('invalid', `Cannot ask the remote model: ${name} is ${value}, and its tensor takes ${datatype}`, {
    fields: [{ field: name, problem: `is ${value}, a whole number was wanted` }],
  })
}

function binaryOf(values: Float64Array, datatype: string, columnAt: (index: number) => ExternalColumn): Uint8Array {
  if (datatype === 'BYTES') {
    const texts = Array.from(values, (value, at) => Buffer.from(Number.isNaN(value) ? '' : textOf(value, columnAt(at))))
    return Buffer.concat(
      texts.flatMap(text => {
        const length = Buffer.alloc(4)
        length.writeUInt32LE(text.length)
        return [length, text]
      }),
    )
  }
  const size = BYTES[datatype]!
  const view = new DataView(new ArrayBuffer(values.length * size))
  for (const [at, value] of values.entries()) {
    const isNumber = datatype.startsWith('FP')
    write(
      view,
      at * size,
      datatype,
      isNumber ? value : datatype === 'BOOL' ? Number(value !== 0) : whole(value, datatype, columnAt(at)),
    )
  }
  return new Uint8Array(view.buffer)
}

function write(view: DataView, at: number, datatype: string, value: number): void {
  if (datatype === 'FP64') view.setFloat64(at, value, true)
  else if (datatype === 'FP32') view.setFloat32(at, value, true)
  else if (datatype === 'INT64') view.setBigInt64(at, BigInt(value), true)
  else if (datatype === 'UINT64') view.setBigUint64(at, BigInt(value), true)
  else if (datatype.endsWith('32')) view.setUint32(at, value, true)
  else if (datatype.endsWith('16')) view.setUint16(at, value, true)
  else view.setUint8(at, value)
}

/**
 * The numbers of an answer, row-major, and how many a row has.
 *
 * @throws Problem `failed` where they are not what was asked for.
 */
export function decodeAnswer(
  { output }: Pick<Layout, 'output'>,
  bytes: Uint8Array,
  headBytes: string | null,
  count: number,
): { readonly values: Float64Array; readonly width: number } {
  const headLength = headBytes === null ? bytes.length : Number(headBytes)
  if (!(headLength >= 0 && headLength <= bytes.length)) throw strange('its header is longer than itself')
  const tensors = tensorsOf(bytes.subarray(0, headLength))
  let at = headLength
  for (const tensor of tensors) {
    const size = tensor.parameters?.binary_data_size ?? 0
    if (!(Number.isSafeInteger(size) && size >= 0 && at + size <= bytes.length)) throw strange('a tensor ends after it')
    if (tensor.name === output) {
      const values =
        tensor.data === undefined ? binaryNumbers(tensor, bytes.subarray(at, at + size)) : jsonNumbers(tensor.data)
      if (count === 0 || values.length === 0 || values.length % count !== 0) {
        throw strange(`it has ${values.length} numbers for ${count} rows`)
      }
      return { values, width: values.length / count }
    }
    at += size
  }
  throw strange(`it has no tensor ${output}, but ${tensors.map(({ name }) => name).join(', ') || 'none'}`)
}

function tensorsOf(head: Uint8Array): readonly Tensor[] {
  try {
    const { outputs } = JSON.parse(new TextDecoder().decode(head)) as { outputs?: unknown }
    if (Array.isArray(outputs) && outputs.every(each => typeof each === 'object' && each !== null))
      return outputs as Tensor[]
  } catch {
    // told below
  }
  throw strange('it is not JSON with outputs')
}

function jsonNumbers(data: readonly unknown[]): Float64Array {
  const flat = (Array.isArray(data) ? data.flat(8) : []) as readonly unknown[]
  return Float64Array.from(flat, value => {
    if (typeof value === 'number') return value
    if (typeof value === 'boolean') return Number(value)
    if (value === null) return Number.NaN
    throw strange(`it holds ${JSON.stringify(value)?.slice(0, 50)}, numbers were wanted`)
  })
}

function binaryNumbers({ datatype, name }: Tensor, bytes: Uint8Array): Float64Array {
  const size = BYTES[datatype]
  if (size === undefined) throw strange(`${name} is of datatype ${datatype}, numbers were wanted`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float64Array.from({ length: Math.floor(bytes.length / size) }, (_, at) => read(view, at * size, datatype))
}

function read(view: DataView, at: number, datatype: string): number {
  switch (datatype) {
    case 'FP64':
      return view.getFloat64(at, true)
    case 'FP32':
      return view.getFloat32(at, true)
    case 'INT64':
      return Number(view.getBigInt64(at, true))
    case 'UINT64':
      return Number(view.getBigUint64(at, true))
    case 'INT32':
      return view.getInt32(at, true)
    case 'UINT32':
      return view.getUint32(at, true)
    case 'INT16':
      return view.getInt16(at, true)
    case 'UINT16':
      return view.getUint16(at, true)
    default:
      return datatype === 'INT8' ? view.getInt8(at) : view.getUint8(at)
  }
}

function strange(detail: string): Problem {
  return new Problem('failed', `Cannot read the answer of the remote model: ${detail}`)
}

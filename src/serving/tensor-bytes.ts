/** The tensors of the Open Inference Protocol v2 as bytes: little-endian, each text with its length before it. */
import { Problem } from '../errors.ts'

/** What a tensor holds: `null` is a missing value, which floating point writes as NaN. */
export type Cells = (number | boolean | string | null)[]

interface Datatype {
  /** Of one value; 0 where each has a length of its own. */
  readonly bytes: number
  /** The field of `InferTensorContents` where a message carries it; 0 where there is none. */
  readonly field: number
  readonly read: (bytes: Buffer, at: number) => number | boolean | null
}

export const float = (value: number): number | null => (Number.isNaN(value) ? null : value)

const DATATYPES: Readonly<Record<string, Datatype>> = {
  BOOL: { bytes: 1, field: 1, read: (bytes, at) => bytes[at] !== 0 },
  INT8: { bytes: 1, field: 2, read: (bytes, at) => bytes.readInt8(at) },
  INT16: { bytes: 2, field: 2, read: (bytes, at) => bytes.readInt16LE(at) },
  INT32: { bytes: 4, field: 2, read: (bytes, at) => bytes.readInt32LE(at) },
  INT64: {
    bytes: 8,
    field: 3,
    read: (bytes, at) => bytes.readInt32LE(at + 4) * 4_294_967_296 + bytes.readUInt32LE(at),
  },
  UINT8: { bytes: 1, field: 4, read: (bytes, at) => bytes[at]! },
  UINT16: { bytes: 2, field: 4, read: (bytes, at) => bytes.readUInt16LE(at) },
  UINT32: { bytes: 4, field: 4, read: (bytes, at) => bytes.readUInt32LE(at) },
  UINT64: {
    bytes: 8,
    field: 5,
    read: (bytes, at) => bytes.readUInt32LE(at + 4) * 4_294_967_296 + bytes.readUInt32LE(at),
  },
  FP16: { bytes: 2, field: 0, read: (bytes, at) => float(halfAt(bytes, at)) },
  FP32: { bytes: 4, field: 6, read: (bytes, at) => float(bytes.readFloatLE(at)) },
  FP64: { bytes: 8, field: 7, read: (bytes, at) => float(bytes.readDoubleLE(at)) },
  BYTES: { bytes: 0, field: 8, read: () => null },
}

/** IEEE 754 binary16. */
function halfAt(bytes: Buffer, at: number): number {
  const bits = bytes.readUInt16LE(at)
  const sign = bits < 0x8000 ? 1 : -1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** Throws `invalid` for a datatype that is not known. */
export function datatypeOf(datatype: string, field: string): Datatype {
  if (Object.hasOwn(DATATYPES, datatype)) return DATATYPES[datatype]!
  return wrong(`${field}.datatype`, `is not known, one of ${Object.keys(DATATYPES).join(', ')} was wanted`)
}

/** @param field names the tensor in what is thrown: `invalid`. */
export function readRaw(bytes: Buffer, datatype: string, count: number, field: string): Cells {
  const { bytes: size, read } = datatypeOf(datatype, field)
  if (size === 0) return readTexts(bytes, count, field)
  if (bytes.length !== count * size) {
    wrong(field, `has ${bytes.length} bytes, ${count * size} were wanted by its shape and ${datatype}`)
  }
  const cells: Cells = []
  for (let at = 0; at < bytes.length; at += size) cells.push(read(bytes, at))
  return cells
}

/** Each text has its length before it, four bytes. */
function readTexts(bytes: Buffer, count: number, field: string): Cells {
  const cells: Cells = []
  let at = 0
  while (at < bytes.length) {
    const from = at + 4
    const to = from <= bytes.length ? from + bytes.readUInt32LE(at) : Number.POSITIVE_INFINITY
    if (to > bytes.length) wrong(field, 'ends within a text')
    cells.push(textOf(bytes.subarray(from, to), field))
    at = to
  }
  return cells.length === count ? cells : wrong(field, `has ${cells.length} texts, ${count} were wanted by its shape`)
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function textOf(bytes: Buffer, field: string): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    return wrong(field, 'has a text that is not UTF-8')
  }
}

export function wrong(field: string, problem: string): never {
  throw new Problem('invalid', `Cannot read the tensors: ${field} ${problem}`, { fields: [{ field, problem }] })
}

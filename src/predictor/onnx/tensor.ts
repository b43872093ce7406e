/** The constants of an ONNX file: `TensorProto`, in every way that its numbers may be written. */
import type { Problem } from '../../errors.ts'
import { damaged, type Span, type WireReader } from './wire.ts'

export type ElementType = 'float32' | 'float64' | 'whole' | 'truth' | 'text'

/** A tensor with its numbers; whole numbers are exact below 2^53. */
export interface TensorValue {
  readonly name: string
  /** Absent: a type that nothing here computes with (complex, float8…). */
  readonly type?: ElementType
  readonly shape: readonly number[]
  readonly values: Float64Array
  readonly texts?: readonly string[]
}

/** `TensorProto.DataType`. */
const ELEMENTS: Readonly<Record<number, { readonly type: ElementType; readonly read?: Raw }>> = {
  1: { type: 'float32', read: { bytes: 4, get: (view, at) => view.getFloat32(at, true) } },
  2: { type: 'whole', read: { bytes: 1, get: (view, at) => view.getUint8(at) } },
  3: { type: 'whole', read: { bytes: 1, get: (view, at) => view.getInt8(at) } },
  4: { type: 'whole', read: { bytes: 2, get: (view, at) => view.getUint16(at, true) } },
  5: { type: 'whole', read: { bytes: 2, get: (view, at) => view.getInt16(at, true) } },
  6: { type: 'whole', read: { bytes: 4, get: (view, at) => view.getInt32(at, true) } },
  7: { type: 'whole', read: { bytes: 8, get: (view, at) => Number(view.getBigInt64(at, true)) } },
  8: { type: 'text' },
  9: { type: 'truth', read: { bytes: 1, get: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) } },
  11: { type: 'float64', read: { bytes: 8, get: (view, at) => view.getFloat64(at, true) } },
  12: { type: 'whole', read: { bytes: 4, get: (view, at) => view.getUint32(at, true) } },
  13: { type: 'whole', read: { bytes: 8, get: (view, at) => Number(view.getBigUint64(at, true)) } },
}

interface Raw {
  readonly bytes: number
  readonly get: (view: DataView, at: number) => number
}

/** The type of a number of `TensorProto.DataType`, if it is one that is computed with. */
export function elementType(code: number): ElementType | undefined {
  return Object.hasOwn(ELEMENTS, code) ? ELEMENTS[code]!.type : undefined
}

export function readTensor(reader: WireReader, span: Span): TensorValue {
  const parts = readParts(reader, span)
  const { name, shape, texts, raw } = parts
  const element = Object.hasOwn(ELEMENTS, parts.code) ? ELEMENTS[parts.code] : undefined
  if (element === undefined) return { name, shape, values: new Float64Array(0) }
  const { type, read } = element
  const values = raw === undefined || read === undefined ? Float64Array.from(parts.values) : unpack(reader, raw, read)
  const count = shape.reduce((product, size) => (size >= 0 ? product * size : Number.NaN), 1)
  const found = type === 'text' ? texts.length : values.length
  if (found !== count) {
    throw damaged(`the tensor ${name} has ${found} values, and its shape ${shape.join(' × ')} wants ${count}`)
  }
  return { name, type, shape, values, ...(type === 'text' ? { texts } : {}) }
}

interface Parts {
  readonly shape: number[]
  readonly values: number[]
  readonly texts: string[]
  code: number
  name: string
  raw: Span | undefined
}

function readParts(reader: WireReader, span: Span): Parts {
  const parts: Parts = { shape: [], values: [], texts: [], code: 0, name: '', raw: undefined }
  for (const field of reader.fields(span)) {
    switch (field.number) {
      case 1:
        reader.wholes(field, parts.shape)
        break
      case 2:
        parts.code = reader.whole(field)
        break
      case 4:
        reader.floats(field, parts.values)
        break
      case 5:
      case 7:
      case 11:
        reader.wholes(field, parts.values)
        break
      case 6:
        parts.texts.push(reader.text(field))
        break
      case 8:
        parts.name = reader.text(field)
        break
      case 9:
        parts.raw = reader.message(field)
        break
      case 10:
        reader.doubles(field, parts.values)
        break
      case 13:
        throw external(parts.name)
      case 14:
        if (reader.whole(field) === 1) throw external(parts.name)
    }
  }
  return parts
}

function unpack(reader: WireReader, { start, end }: Span, { bytes, get }: Raw): Float64Array {
  const view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset + start, end - start)
  if (view.byteLength % bytes !== 0) throw damaged(`a tensor of ${view.byteLength} bytes has no whole number of values`)
  const values = new Float64Array(view.byteLength / bytes)
  for (let index = 0; index < values.length; index++) values[index] = get(view, index * bytes)
  return values
}

function external(name: string): Problem {
  const one = 'onnx.save_model(model, path, save_as_external_data=False)'
  return damaged(
    `the tensor ${name} lies in another file (external data), which is not supported; save one file: ${one}`,
  )
}

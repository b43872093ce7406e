/** The tensors of the Open Inference Protocol v2 as gRPC carries them in the fields of their type. */
import { FIXED32, FIXED64, malformedMessage, ProtoReader, VARINT } from '../platform/protobuf.ts'
import { type Cells, datatypeOf, float, textOf, wrong } from './tensor-bytes.ts'

const FIELDS_MAX = 8

/**
 * @param reader stands within `InferTensorContents`, and reads it to its end.
 * @param field names the tensor in what is thrown: `invalid`, `malformed`.
 */
export function readContents(reader: ProtoReader, datatype: string, count: number, field: string): Cells {
  const { field: wanted } = datatypeOf(datatype, field)
  if (wanted === 0) return wrong(field, `is ${datatype}, which has no typed contents: raw_input_contents was wanted`)
  const cells: Cells = []
  while (!reader.isDone) {
    const tag = reader.tag()
    const number = tag >>> 3
    if (number === wanted) readCells(reader, tag, wanted, cells, field)
    else if (number <= FIELDS_MAX) wrong(field, `is ${datatype}, but its contents are in the field of another type`)
    else reader.skip(tag)
  }
  return cells.length === count ? cells : wrong(field, `has ${cells.length} values, ${count} were wanted by its shape`)
}

const DELIMITED_WIRE = 2
const BYTES_FIELD = 8

function readCells(reader: ProtoReader, tag: number, number: number, cells: Cells, field: string): void {
  if (number === BYTES_FIELD) {
    if ((tag & 7) !== DELIMITED_WIRE) throw malformedMessage('a text has the wire type of a number')
    cells.push(textOf(reader.raw(), field))
    return
  }
  if ((tag & 7) !== DELIMITED_WIRE) {
    if ((tag & 7) !== wireOf(number)) throw malformedMessage('a number has the wire type of another')
    cells.push(readCell(reader, number))
    return
  }
  const end = reader.delimited()
  const packed = new ProtoReader(reader.bytes, reader.at, end)
  while (!packed.isDone) cells.push(readCell(packed, number))
  reader.at = end
}

function wireOf(number: number): number {
  if (number === 6) return FIXED32
  return number === 7 ? FIXED64 : VARINT
}

/** By the number of its field: see `InferTensorContents`. */
function readCell(reader: ProtoReader, number: number): number | boolean | null {
  switch (number) {
    case 1:
      return reader.varint() !== 0
    case 2:
      return reader.signed() | 0
    case 3:
      return reader.signed()
    case 4:
      return reader.varint() >>> 0
    case 5:
      return reader.varint()
    case 6:
      return float(reader.float())
    default:
      return float(reader.double())
  }
}

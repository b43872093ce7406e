/** Rows as the tensors that a graph takes, and its answer as numbers. */
import { Problem } from '../errors.ts'
import type { OnnxGraph, OnnxGraphInput } from '../predictor/external.ts'

export interface GraphTensor {
  readonly type: TensorType
  readonly data: Numbers | readonly string[]
  readonly dims: readonly number[]
}

type Numbers =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
type TensorType =
  | 'float32'
  | 'float64'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'uint32'
  | 'uint64'

interface Element {
  readonly type: TensorType
  readonly make: (length: number) => Numbers
  readonly isWhole: boolean
}

/** By `TensorProto.DataType`. */
const ELEMENTS: Readonly<Record<number, Element>> = {
  1: { type: 'float32', make: length => new Float32Array(length), isWhole: false },
  2: { type: 'uint8', make: length => new Uint8Array(length), isWhole: true },
  3: { type: 'int8', make: length => new Int8Array(length), isWhole: true },
  4: { type: 'uint16', make: length => new Uint16Array(length), isWhole: true },
  5: { type: 'int16', make: length => new Int16Array(length), isWhole: true },
  6: { type: 'int32', make: length => new Int32Array(length), isWhole: true },
  7: { type: 'int64', make: length => new BigInt64Array(length), isWhole: true },
  9: { type: 'bool', make: length => new Uint8Array(length), isWhole: true },
  11: { type: 'float64', make: length => new Float64Array(length), isWhole: false },
  12: { type: 'uint32', make: length => new Uint32Array(length), isWhole: true },
  13: { type: 'uint64', make: length => new BigUint64Array(length), isWhole: true },
}

const TEXT = 8
/** A text that is in no list, for one that is none of the categories; a missing one is the empty text. */
const STRANGE = '\u{10ffff}'

/** @param rows `count` × features. */
export function feedsOf(model: OnnxGraph, rows: Float64Array, count: number): Record<string, GraphTensor> {
  const feeds: Record<string, GraphTensor> = {}
  let first = 0
  for (const input of model.inputs) {
    feeds[input.name] = tensorOf(model, input, first, rows, count)
    first += input.columns
  }
  return feeds
}

function tensorOf(
  { features, categories }: OnnxGraph,
  { element, rank, columns }: OnnxGraphInput,
  first: number,
  rows: Float64Array,
  count: number,
): GraphTensor {
  const dims = rank === 1 ? [count] : [count, columns]
  const valueAt = (index: number): number =>
    rows[Math.floor(index / columns) * features.length + first + (index % columns)]!
  if (element === TEXT) {
    const data = Array.from({ length: count * columns }, (_, index) => {
      const code = valueAt(index)
      return Number.isNaN(code) ? '' : (categories[first + (index % columns)]?.[code] ?? STRANGE)
    })
    return { type: 'string', data, dims }
  }
  const known = ELEMENTS[element]
  if (known === undefined)
    throw new Problem('invalid', `Cannot predict: the graph takes numbers of the type ${element}`)
  const data = known.make(count * columns)
  for (let index = 0; index < data.length; index++) {
    const value = known.isWhole ? Math.trunc(valueAt(index)) : valueAt(index)
    // A row without a number where a whole one is needed has no answer: see `voidsOf`.
    if (data instanceof BigInt64Array || data instanceof BigUint64Array)
      data[index] = BigInt(Number.isFinite(value) ? value : 0)
    else data[index] = value
  }
  return { type: known.type, data, dims }
}

/** What a graph answered: numbers, or the texts of classes. */
export type GraphAnswer = ArrayLike<number | bigint | string>

const COLUMNS_MAX = 10_000

/** The model, now that it is known how many numbers it answers for a row: converters state other shapes, or none. */
export function settled(model: OnnxGraph, columns: number): OnnxGraph {
  const { name } = model.answer
  const isFit = columns >= 1 && columns <= (model.task === 'binary' ? 2 : COLUMNS_MAX)
  if (!isFit || (model.answers === 'class' && columns !== 1)) {
    const wanted =
      model.task === 'binary' ? 'one or two were wanted of two classes' : `at most ${COLUMNS_MAX} are taken`
    throw new Problem('invalid', `Cannot read the output ${name}: it is ${columns} numbers a row, ${wanted}`)
  }
  if (model.task !== 'binary' || columns === 1) return { ...model, outputCount: columns, answer: { name, columns } }
  return { ...model, outputCount: 1, answer: { name, columns, only: 1 } }
}

/** @param out receives `count` × `outputCount`: a class by its number. */
export function answersInto(model: OnnxGraph, values: GraphAnswer, count: number, out: Float64Array): void {
  const { answer, outputCount, answers, classes = [] } = model
  if (values.length !== count * answer.columns) {
    const wanted = `wanted ${count} × ${answer.columns}`
    throw new Problem('failed', `Cannot read the output ${answer.name}: it has ${values.length} values, ${wanted}`)
  }
  const placeOf = new Map(classes.map((name, index) => [name, index]))
  const numberOf = (value: number | bigint | string): number =>
    answers === 'class' ? (placeOf.get(String(value)) ?? Number.NaN) : Number(value)
  for (let row = 0; row < count; row++) {
    for (let output = 0; output < outputCount; output++) {
      out[row * outputCount + output] = numberOf(values[row * answer.columns + (answer.only ?? output)]!)
    }
  }
}

/** Rows that lack a whole number, which no tensor can say: they have no answer. */
export function voidsOf(model: OnnxGraph, rows: Float64Array, count: number): number[] {
  const wholes = wholeColumns(model)
  const width = model.features.length
  const voids: number[] = []
  for (let row = 0; row < count; row++) {
    if (wholes.some(column => Number.isNaN(rows[row * width + column]!))) voids.push(row)
  }
  return voids
}

function wholeColumns({ inputs }: OnnxGraph): number[] {
  const columns: number[] = []
  let first = 0
  for (const { element, columns: width } of inputs) {
    if (ELEMENTS[element]?.isWhole === true) for (let k = 0; k < width; k++) columns.push(first + k)
    first += width
  }
  return columns
}

/** ONNX-ML's operators that prepare columns (`ai.onnx.ml`). */
import { attribute, batchInput, type Call, columnsOf, input, type Operator } from './operator.ts'
import { type Batch, type Recorder, unsupported } from './recorder.ts'
import type { ElementType } from './tensor.ts'

/** As float32, as most of these operators take and give them. */
export function asFloat32(recorder: Recorder, given: Batch): Batch {
  if (given.type === 'float32') return given
  if (given.type === 'text') throw unsupported('texts where numbers are wanted')
  return { ...given, type: 'float32', registers: recorder.unary('copy', given.registers, 'float32') }
}

/** A list of one for all columns, or of one for each. */
function each(list: readonly number[], columns: number, what: string): (column: number) => number {
  if (list.length !== 1 && list.length !== columns)
    throw unsupported(`${what} for ${list.length} of ${columns} columns`)
  return column => (list.length === 1 ? list[0]! : list[column]!)
}

const scaler: Operator = call => {
  const given = batchInput(call, 0)
  const { recorder } = call
  const columns = columnsOf(call, given)
  const [offset, scale] = [attribute(call, 'offset').floats, attribute(call, 'scale').floats]
  if (offset.length !== scale.length) throw unsupported('Scaler with as many offsets as scales')
  const [shift, stretch] = [each(offset, columns, 'an offset'), each(scale, columns, 'a scale')]
  const constants = (of: (column: number) => number): Int32Array =>
    Int32Array.from({ length: columns }, (_, column) => recorder.constant(of(column)))
  const exact = given.type === 'float64' ? 'float64' : 'float32'
  const shifted = recorder.binary('subtract', given.registers, constants(shift), exact)
  return [recorder.batch('float32', given.shape, recorder.binary('multiply', shifted, constants(stretch), 'float32'))]
}

const NORMS = { MAX: 'divide-by-max', L1: 'divide-by-l1', L2: 'divide-by-l2' } as const

const normalizer: Operator = call => {
  const given = asFloat32(call.recorder, batchInput(call, 0))
  const size = columnsOf(call, given)
  const norm = attribute(call, 'norm').text ?? 'MAX'
  if (!Object.hasOwn(NORMS, norm) || size === 0) throw unsupported(`Normalizer by ${norm}`)
  const name = NORMS[norm as keyof typeof NORMS]
  const registers = call.recorder.spread(name, given.registers, size, 'float32')
  return [call.recorder.batch('float32', given.shape, registers, given.bounded)]
}

const imputer: Operator = call => {
  const given = batchInput(call, 0)
  const { recorder } = call
  const columns = columnsOf(call, given)
  const isWhole = given.type === 'whole'
  if (!isWhole && given.type !== 'float32') throw unsupported(`Imputer of ${given.type}`)
  const [values, replaced] = isWhole
    ? [attribute(call, 'imputed_value_int64s').wholes, attribute(call, 'replaced_value_int64').whole]
    : [attribute(call, 'imputed_value_floats').floats, attribute(call, 'replaced_value_float').float]
  if (values.length === 0 || replaced === undefined) throw unsupported('Imputer without values')
  // Any other number of values than that of the columns means the first one, for all.
  const of = (column: number): number => (values.length === columns ? values[column]! : values[0]!)
  const registers = Int32Array.from({ length: columns }, (_, column) => {
    const from = Int32Array.of(given.registers[column]!)
    return recorder.lookup(from, Float64Array.of(replaced), Float64Array.of(of(column)), undefined)[0]!
  })
  return [recorder.batch(given.type, given.shape, registers)]
}

const binarizer: Operator = call => {
  const given = batchInput(call, 0)
  if (given.type === 'text') throw unsupported('Binarizer of texts')
  const threshold = call.recorder.constant(attribute(call, 'threshold').float ?? 0)
  const limits = new Int32Array(given.registers.length).fill(threshold)
  return [
    call.recorder.batch(given.type, given.shape, call.recorder.binary('greater', given.registers, limits, 'float64')),
  ]
}

const oneHotEncoder: Operator = call => {
  const given = batchInput(call, 0)
  const { recorder } = call
  const [wholes, texts] = [attribute(call, 'cats_int64s').wholes, attribute(call, 'cats_strings').texts]
  const size = given.type === 'text' ? texts.length : wholes.length
  if ((attribute(call, 'zeros').whole ?? 1) === 0) throw unsupported('OneHotEncoder that fails on other categories')
  if (size === 0 || given.shape.length > 1) throw unsupported(`OneHotEncoder of ${given.type}`)
  const shape = [...given.shape, size]
  if (given.type !== 'text') {
    const from = given.type === 'whole' ? given.registers : recorder.unary('copy', given.registers, 'whole')
    return [recorder.batch('float32', shape, recorder.indicators(from, Float64Array.from(wholes)))]
  }
  recorder.count(given.registers.length * size)
  const registers = new Int32Array(given.registers.length * size)
  for (const [index, register] of given.registers.entries()) {
    const keys = Float64Array.from(texts, text => recorder.code(register, text))
    registers.set(recorder.indicators(Int32Array.of(register), keys), index * size)
  }
  return [recorder.batch('float32', shape, registers)]
}

/** One side of a LabelEncoder: texts, or numbers of a type. */
interface Labels {
  readonly type: ElementType
  readonly texts: readonly string[]
  readonly numbers: readonly number[]
}

const KINDS = [
  ['strings', 'text'],
  ['int64s', 'whole'],
  ['floats', 'float32'],
] as const

function labels(call: Call, side: 'keys' | 'values'): Labels {
  for (const [kind, type] of KINDS) {
    const { texts, wholes, floats } = attribute(call, `${side}_${kind}`)
    const numbers = wholes.length > 0 ? wholes : floats
    if (texts.length + numbers.length > 0) return { type, texts, numbers }
  }
  const { tensor } = attribute(call, `${side}_tensor`)
  if (tensor?.type === undefined) throw unsupported(`LabelEncoder without ${side}`)
  return { type: tensor.type, texts: tensor.texts ?? [], numbers: Array.from(tensor.values) }
}

const labelEncoder: Operator = call => {
  const given = batchInput(call, 0)
  if (call.opset < 2) return [classesEncoder(call, given)]
  const [keys, values] = [labels(call, 'keys'), labels(call, 'values')]
  const size = keys.texts.length + keys.numbers.length
  if (keys.type !== given.type || size !== values.texts.length + values.numbers.length) {
    throw unsupported(`LabelEncoder of ${given.type} by ${size} keys of ${keys.type}`)
  }
  const isVague = call.opset < 4 && keys.numbers.some(Number.isNaN)
  if (isVague) throw unsupported('LabelEncoder of NaN before version 4')
  const { tensor } = attribute(call, 'default_tensor')
  const byType = { text: 'default_string', whole: 'default_int64', float32: 'default_float' } as const
  const named = values.type === 'float64' || values.type === 'truth' ? undefined : attribute(call, byType[values.type])
  const number = tensor?.values[0] ?? (values.type === 'whole' ? (named?.whole ?? -1) : (named?.float ?? 0))
  const text = tensor?.texts?.[0] ?? named?.text ?? '_Unused'
  return [mapped(call, given, keys, values, { number, text })]
}

/** Version 1: a text to its place in a list, a place to its text. */
function classesEncoder(call: Call, given: Batch): Batch {
  const texts = attribute(call, 'classes_strings').texts
  const places: Labels = { type: 'whole', texts: [], numbers: texts.map((_, index) => index) }
  const classes: Labels = { type: 'text', texts, numbers: [] }
  const number = attribute(call, 'default_int64').whole ?? -1
  const text = attribute(call, 'default_string').text ?? '_Unused'
  const isText = given.type === 'text'
  if (!isText && given.type !== 'whole') throw unsupported(`LabelEncoder of ${given.type}`)
  return mapped(call, given, isText ? classes : places, isText ? places : classes, { number, text })
}

function mapped(
  { recorder }: Call,
  given: Batch,
  keys: Labels,
  values: Labels,
  otherwise: { number: number; text: string },
): Batch {
  const toText = values.type === 'text'
  const codes = toText ? new Map<string, number>() : undefined
  const dictionary = toText ? [...new Set([...values.texts, otherwise.text])] : []
  for (const [code, text] of dictionary.entries()) codes?.set(text, code)
  const numbers = Float64Array.from(toText ? values.texts.map(text => codes!.get(text)!) : values.numbers)
  const fallback = toText ? codes!.get(otherwise.text)! : otherwise.number
  const registers = new Int32Array(given.registers.length)
  for (const [index, register] of given.registers.entries()) {
    recorder.count(numbers.length)
    const from = Float64Array.from(
      keys.type === 'text' ? keys.texts.map(text => recorder.code(register, text)) : keys.numbers,
    )
    const [to] = recorder.lookup(Int32Array.of(register), from, numbers, fallback)
    for (const text of dictionary) recorder.code(to!, text)
    registers[index] = to!
  }
  return recorder.batch(values.type, given.shape, registers)
}

const categoryMapper: Operator = call => {
  const given = batchInput(call, 0)
  const keys: Labels = { type: 'text', texts: attribute(call, 'cats_strings').texts, numbers: [] }
  const values: Labels = { type: 'whole', texts: [], numbers: attribute(call, 'cats_int64s').wholes }
  const isText = given.type === 'text'
  if (!isText && given.type !== 'whole') throw unsupported(`CategoryMapper of ${given.type}`)
  const number = attribute(call, 'default_int64').whole ?? -1
  const text = attribute(call, 'default_string').text ?? '_Unused'
  return [mapped(call, given, isText ? keys : values, isText ? values : keys, { number, text })]
}

/** Only names the columns. */
const zipMap: Operator = call => [input(call, 0)]

export const ENCODER_OPERATORS: Readonly<Record<string, Operator>> = {
  'ai.onnx.ml:Scaler': scaler,
  'ai.onnx.ml:Normalizer': normalizer,
  'ai.onnx.ml:Imputer': imputer,
  'ai.onnx.ml:Binarizer': binarizer,
  'ai.onnx.ml:OneHotEncoder': oneHotEncoder,
  'ai.onnx.ml:LabelEncoder': labelEncoder,
  'ai.onnx.ml:CategoryMapper': categoryMapper,
  'ai.onnx.ml:ZipMap': zipMap,
}

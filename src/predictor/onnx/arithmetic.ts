/** Operators that compute each element by itself, or many into one. */

import type { BinaryName, ReduceName, SpreadName, UnaryName } from '../pipeline.ts'
import { BINARY, ROUND } from '../pipeline-functions.ts'
import {
  attribute,
  batchInput,
  type Call,
  columnsOf,
  constant,
  constantInput,
  input,
  type Operator,
  roundingOf,
} from './operator.ts'
import { type Batch, type Constant, unsupported, type Value } from './recorder.ts'
import { axesOf, permutation } from './shapes.ts'

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** The common shape of two, and where the elements of each stand in it (ONNX's multidirectional broadcasting). */
function broadcast(
  a: readonly number[],
  b: readonly number[],
): { shape: number[]; left: Int32Array; right: Int32Array } {
  const rank = Math.max(a.length, b.length)
  const pad = (shape: readonly number[]): number[] => [
    ...Array.from({ length: rank - shape.length }, () => 1),
    ...shape,
  ]
  const [left, right] = [pad(a), pad(b)]
  const shape = left.map((size, axis) => {
    const other = right[axis]!
    if (size !== other && size !== 1 && other !== 1)
      throw unsupported(`shapes that do not fit: ${a.join(' × ')} and ${b.join(' × ')}`)
    return size === 1 ? other : size
  })
  if (sizeOf(shape) > 1 << 22) throw unsupported(`a tensor of ${shape.join(' × ')}`)
  return { shape, left: spreadOver(left, shape), right: spreadOver(right, shape) }
}

/** For each element of a tensor of `shape`, the place of its like in one of `small`, whose axes are as long or 1. */
function spreadOver(small: readonly number[], shape: readonly number[]): Int32Array {
  let picks = new Int32Array(1)
  for (const [axis, size] of shape.entries()) {
    const wide = small[axis]!
    picks =
      picks.length === 0 || size === 0
        ? new Int32Array(0)
        : Int32Array.from(
            { length: picks.length * size },
            (_, index) => picks[Math.floor(index / size)]! * wide + (wide === 1 ? 0 : index % size),
          )
  }
  return picks
}

/** The shape of a value beside a batch of `rank` dimensions, without the rows. */
function innerShape({ node }: Call, value: Value, rank: number): readonly number[] {
  const { kind, shape } = value
  if (kind === 'batch') {
    if (shape.length + 1 === rank) return shape
    throw unsupported(`${node.op} of tensors of ${shape.length + 1} and ${rank} dimensions`)
  }
  if (value.hasBatch === true) throw unsupported(`${node.op} with the number of rows`)
  if (shape.length < rank) return shape
  if (shape.length === rank && shape[0] === 1) return shape.slice(1)
  throw unsupported(`${node.op} with a constant of ${shape.join(' × ')}`)
}

const STEADY: ReadonlySet<string> = new Set(['add', 'subtract', 'multiply', 'divide'])

function pair(call: Call, name: BinaryName, a: Value, b: Value, type = a.type): Value {
  if (a.type === 'text' || b.type === 'text') return textPair(call, name, a, b)
  if (a.type !== b.type) throw unsupported(`${call.node.op} of ${a.type} and ${b.type}`)
  const rounding = type === 'truth' ? 'float64' : roundingOf(type)
  if (a.kind === 'constant' && b.kind === 'constant') {
    innerShape(call, a, a.shape.length + 1)
    innerShape(call, b, b.shape.length + 1)
    const { shape, left, right } = broadcast(a.shape, b.shape)
    call.recorder.count(left.length)
    const values = Float64Array.from(left, (from, index) =>
      ROUND[rounding](BINARY[name](a.values[from]!, b.values[right[index]!]!)),
    )
    return constant(type, shape, values)
  }
  if (isNeutral(name, b) && a.kind === 'batch') return { ...a, type }
  const rank = 1 + Math.max(a.kind === 'batch' ? a.shape.length : 0, b.kind === 'batch' ? b.shape.length : 0)
  const { shape, left, right } = broadcast(innerShape(call, a, rank), innerShape(call, b, rank))
  call.recorder.count(left.length * 3)
  const registers = call.recorder.binary(name, registersOf(call, a, left), registersOf(call, b, right), rounding)
  const bounded = STEADY.has(name) && [a, b].every(value => value.kind === 'constant' || value.bounded)
  return call.recorder.batch(type, shape, registers, bounded)
}

/** LightGBM's converter multiplies by one. */
function isNeutral(name: BinaryName, value: Value): boolean {
  if (value.kind === 'batch' || value.values.length !== 1 || value.shape.length > 1) return false
  return (name === 'multiply' || name === 'divide') && value.values[0] === 1
}

function registersOf({ recorder }: Call, value: Value, picks: Int32Array): Int32Array {
  if (value.kind === 'batch') return picks.map(index => value.registers[index]!)
  return picks.map(index => recorder.constant(value.values[index]!))
}

/** A text of the row is (not) a given text. */
function textPair(call: Call, name: BinaryName, a: Value, b: Value): Value {
  const [row, given] = a.kind === 'batch' ? [a, b] : [b, a]
  if (name !== 'equal' || row.kind !== 'batch' || given.kind !== 'constant' || given.texts === undefined) {
    throw unsupported(`${call.node.op} of texts`)
  }
  const { recorder } = call
  const { shape, left, right } = broadcast(row.shape, innerShape(call, given, row.shape.length + 1))
  const registers = left.map(index => row.registers[index]!)
  const codes = registers.map((register, index) =>
    recorder.constant(recorder.code(register, given.texts![right[index]!]!)),
  )
  return recorder.batch('truth', shape, recorder.binary('equal', registers, codes, 'float64'))
}

function unaryOf(name: UnaryName, type?: 'truth', bounded = false): Operator {
  return call => {
    const given = batchInput(call, 0)
    if (given.type === 'text') throw unsupported(`${call.node.op} of texts`)
    const rounding = type === 'truth' ? 'float64' : roundingOf(given.type)
    return [
      call.recorder.batch(
        type ?? given.type,
        given.shape,
        call.recorder.unary(name, given.registers, rounding),
        bounded,
      ),
    ]
  }
}

function binaryOf(name: BinaryName, type?: 'truth'): Operator {
  return call => [pair(call, name, input(call, 0), input(call, 1), type ?? input(call, 0).type)]
}

/** Any number of operands, one after the other. */
function chainOf(name: BinaryName): Operator {
  return call => {
    const [first, ...more] = call.node.inputs.map((_, index) => input(call, index))
    if (first === undefined) throw unsupported(`${call.node.op} of nothing`)
    return [more.reduce((sum, value) => pair(call, name, sum, value), first)]
  }
}

const number = ({ type }: Value, value: number): Constant => {
  return constant(type, [], Float64Array.of(type === 'float32' ? Math.fround(value) : value))
}

const power: Operator = call => {
  const [base, exponent] = [input(call, 0), input(call, 1)]
  return [pair(call, 'power', base, { ...exponent, type: base.type })]
}

const relu: Operator = call => {
  const given = batchInput(call, 0)
  return [pair(call, 'max', given, number(given, 0))]
}

const leakyRelu: Operator = call => {
  const given = batchInput(call, 0)
  const zero = number(given, 0)
  const slope = number(given, attribute(call, 'alpha').float ?? 0.01)
  return [
    pair(call, 'add', pair(call, 'max', given, zero), pair(call, 'multiply', pair(call, 'min', given, zero), slope)),
  ]
}

const clip: Operator = call => {
  const given = batchInput(call, 0)
  const limit = (name: 'min' | 'max', at: number): Value | undefined => {
    if (call.opset >= 11) return call.inputs[at]
    const value = attribute(call, name).float
    return value === undefined ? undefined : number(given, value)
  }
  const [low, high] = [limit('min', 1), limit('max', 2)]
  const above = low === undefined ? given : pair(call, 'max', given, low)
  const within = high === undefined ? above : pair(call, 'min', above, high)
  const isShare = low?.kind === 'constant' && low.values[0] === 0 && high?.kind === 'constant' && high.values[0] === 1
  return [isShare && within.kind === 'batch' ? { ...within, bounded: true } : within]
}

const where: Operator = call => {
  const [when, yes, no] = [batchInput(call, 0), input(call, 1), input(call, 2)]
  if (yes.type === 'text' || yes.type !== no.type) throw unsupported('Where of texts')
  const rank = when.shape.length + 1
  const first = broadcast(innerShape(call, yes, rank), innerShape(call, no, rank))
  const { shape, left, right } = broadcast(when.shape, first.shape)
  const of = (value: Value, picks: Int32Array): Int32Array =>
    registersOf(
      call,
      value,
      right.map(index => picks[index]!),
    )
  const whens = left.map(index => when.registers[index]!)
  const registers = call.recorder.select(whens, of(yes, first.left), of(no, first.right))
  const bounded = [yes, no].every(value => value.kind === 'constant' || value.bounded)
  return [call.recorder.batch(yes.type, shape, registers, bounded)]
}

function reduceOf(name: ReduceName): Operator {
  return call => {
    const given = batchInput(call, 0)
    const isPlace = name === 'argmax' || name === 'argmin'
    const one = attribute(call, 'axis').whole ?? 0
    if (isPlace && (attribute(call, 'select_last_index').whole ?? 0) !== 0)
      throw unsupported(`${call.node.op} of the last`)
    const rank = given.shape.length + 1
    const axes = isPlace ? [(one < 0 ? one + rank : one) - 1] : axesOf(call, given, 1)
    if (axes === undefined || axes.some(axis => !(axis >= 0 && axis < rank - 1)))
      throw unsupported(`${call.node.op} across rows`)
    const gone = new Set(axes)
    const kept = given.shape.flatMap((_, axis) => (gone.has(axis) ? [] : [axis]))
    const size = sizeOf([...gone].map(axis => given.shape[axis]!))
    if (size === 0) throw unsupported(`${call.node.op} of nothing`)
    const order = [...kept, ...[...gone].toSorted((a, b) => a - b)]
    const from = permutation(given.shape, order).map(index => given.registers[index]!)
    const type = isPlace ? 'whole' : given.type
    const registers = call.recorder.reduce(name, from, size, roundingOf(type))
    const keeps = (attribute(call, 'keepdims').whole ?? 1) !== 0
    const shape = keeps
      ? given.shape.map((length, axis) => (gone.has(axis) ? 1 : length))
      : kept.map(axis => given.shape[axis]!)
    const bounded = given.bounded && ['sum', 'mean', 'min', 'max'].includes(name)
    return [call.recorder.batch(type, shape, registers, bounded)]
  }
}

/** Before version 13 over all axes from the named one on, since then over the named one alone. */
function softmaxOf(name: SpreadName): Operator {
  return call => {
    const given = batchInput(call, 0)
    const rank = given.shape.length + 1
    const named = attribute(call, 'axis').whole ?? (call.opset < 13 ? 1 : -1)
    const axis = (named < 0 ? named + rank : named) - 1
    if (!(axis >= 0 && axis < rank - 1) || (call.opset >= 13 && axis !== rank - 2)) {
      throw unsupported(`${call.node.op} on axis ${named}`)
    }
    const size = sizeOf(given.shape.slice(axis))
    if (size === 0) throw unsupported(`${call.node.op} of nothing`)
    const registers = call.recorder.spread(name, given.registers, size, roundingOf(given.type))
    return [call.recorder.batch(given.type, given.shape, registers, name === 'softmax')]
  }
}

const lpNormalization: Operator = call => {
  const given = batchInput(call, 0)
  const size = columnsOf(call, given)
  const axis = attribute(call, 'axis').whole ?? -1
  const p = attribute(call, 'p').whole ?? 2
  if ((axis !== -1 && axis !== 1) || (p !== 1 && p !== 2) || size === 0)
    throw unsupported(`LpNormalization on axis ${axis}`)
  const rounding = roundingOf(given.type)
  const norms = call.recorder.reduce(p === 1 ? 'l1' : 'l2', given.registers, size, rounding)
  // A row of zeros stays one.
  const zero = call.recorder.binary('equal', norms, Int32Array.of(call.recorder.constant(0)), 'float64')
  const by = call.recorder.binary('add', norms, zero, rounding)
  const registers = call.recorder.binary('divide', given.registers, new Int32Array(size).fill(by[0]!), rounding)
  return [call.recorder.batch(given.type, given.shape, registers, given.bounded)]
}

const matMul: Operator = call => {
  const given = batchInput(call, 0)
  const { values, shape, type } = constantInput(call, 1)
  return [product(call, given, { values, shape, type }, undefined)]
}

const gemm: Operator = call => {
  const given = batchInput(call, 0)
  const { values, shape, type } = constantInput(call, 1)
  if ((attribute(call, 'transA').whole ?? 0) !== 0 || shape.length !== 2) throw unsupported('Gemm of such a matrix')
  const turned = (attribute(call, 'transB').whole ?? 0) !== 0
  const alpha = attribute(call, 'alpha').float ?? 1
  const beta = attribute(call, 'beta').float ?? 1
  const right = turned ? permutation(shape, [1, 0]).map(index => index) : undefined
  const scaled = Float64Array.from(values, (_, index) => alpha * values[right === undefined ? index : right[index]!]!)
  const size = turned ? [shape[1]!, shape[0]!] : shape
  const outputs = size[1]!
  let bias: Float64Array | undefined
  if (call.inputs[2] !== undefined) {
    const added = constantInput(call, 2)
    const { shape: whole, right: picks } = broadcast([1, outputs], added.shape)
    if (sizeOf(whole) !== outputs) throw unsupported('Gemm with such an addend')
    bias = Float64Array.from(picks, index => beta * added.values[index]!)
  }
  return [product(call, given, { values: scaled, shape: size, type }, bias)]
}

/** Rows × matrix (inputs × outputs). */
function product(
  call: Call,
  given: Batch,
  { values, shape, type }: Pick<Constant, 'values' | 'shape' | 'type'>,
  bias: Float64Array | undefined,
): Value {
  const width = columnsOf(call, given)
  const [inputs, outputs] = shape.length === 1 ? [shape[0]!, 1] : [shape[0]!, shape[1]!]
  if (shape.length > 2 || inputs !== width || width === 0 || type !== given.type) {
    throw unsupported(`${call.node.op} of ${width} columns with a matrix of ${shape.join(' × ')}`)
  }
  call.recorder.count(values.length)
  const weights = Float64Array.from(
    values,
    (_, index) => values[(index % inputs) * outputs + Math.floor(index / inputs)]!,
  )
  const registers = call.recorder.matrix(given.registers, weights, bias, roundingOf(given.type))
  return call.recorder.batch(given.type, shape.length === 1 ? [] : [outputs], registers)
}

/** As ONNX Runtime does it: the scale and the shift are made once. */
const batchNormalization: Operator = call => {
  const given = batchInput(call, 0)
  const columns = columnsOf(call, given)
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map(index => constantInput(call, index).values)
  const epsilon = attribute(call, 'epsilon').float ?? 1e-5
  const round = ROUND[roundingOf(given.type)]
  const times = Float64Array.from(scale!, (value, index) => round(value / Math.sqrt(variance![index]! + epsilon)))
  if ([scale, shift, mean, variance].some(list => list!.length !== columns))
    throw unsupported('BatchNormalization of such a shape')
  const plus = Float64Array.from(shift!, (value, index) => round(value - mean![index]! * times[index]!))
  const scaled = pair(call, 'multiply', given, constant(given.type, [columns], times))
  return [pair(call, 'add', scaled, constant(given.type, [columns], plus))]
}

const remainder: Operator = call => {
  if ((attribute(call, 'fmod').whole ?? 0) !== 0 || input(call, 0).type !== 'whole')
    throw unsupported('Mod of fractions')
  return [pair(call, 'remainder', input(call, 0), input(call, 1))]
}

/**
 * ReduceLogSumExp is left to ONNX Runtime: what naive Bayes and its like sum up is so large that the order of its additions, which
 * depends on where a row lies in memory, shows in the sixth digit.
 */
export const ARITHMETIC_OPERATORS: Readonly<Record<string, Operator>> = {
  Abs: unaryOf('abs'),
  Neg: unaryOf('neg'),
  Exp: unaryOf('exp'),
  Log: unaryOf('log'),
  Sqrt: unaryOf('sqrt'),
  Reciprocal: unaryOf('reciprocal'),
  Floor: unaryOf('floor'),
  Ceil: unaryOf('ceil'),
  Round: unaryOf('round'),
  Sign: unaryOf('sign'),
  Sigmoid: unaryOf('sigmoid', undefined, true),
  Tanh: unaryOf('tanh'),
  Erf: unaryOf('erf'),
  Softplus: unaryOf('softplus'),
  Not: unaryOf('not', 'truth'),
  IsNaN: unaryOf('is-nan', 'truth'),
  Add: binaryOf('add'),
  Sub: binaryOf('subtract'),
  Mul: binaryOf('multiply'),
  Div: binaryOf('divide'),
  Mod: remainder,
  Pow: power,
  Equal: binaryOf('equal', 'truth'),
  Less: binaryOf('less', 'truth'),
  LessOrEqual: binaryOf('less-or-equal', 'truth'),
  Greater: binaryOf('greater', 'truth'),
  GreaterOrEqual: binaryOf('greater-or-equal', 'truth'),
  And: binaryOf('and', 'truth'),
  Or: binaryOf('or', 'truth'),
  Xor: binaryOf('xor', 'truth'),
  Sum: chainOf('add'),
  Max: chainOf('max'),
  Min: chainOf('min'),
  Relu: relu,
  LeakyRelu: leakyRelu,
  Clip: clip,
  Where: where,
  ReduceSum: reduceOf('sum'),
  ReduceMean: reduceOf('mean'),
  ReduceMin: reduceOf('min'),
  ReduceMax: reduceOf('max'),
  ReduceProd: reduceOf('product'),
  ReduceL1: reduceOf('l1'),
  ReduceL2: reduceOf('l2'),
  ReduceSumSquare: reduceOf('sum-square'),
  ArgMax: reduceOf('argmax'),
  ArgMin: reduceOf('argmin'),
  Softmax: softmaxOf('softmax'),
  LogSoftmax: softmaxOf('log-softmax'),
  LpNormalization: lpNormalization,
  MatMul: matMul,
  Gemm: gemm,
  BatchNormalization: batchNormalization,
}

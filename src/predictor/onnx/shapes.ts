/** Operators that move elements about and compute nothing: what they do is done while compiling. */
import {
  asConstant,
  attribute,
  type Call,
  constant,
  constantInput,
  input,
  type Operator,
  roundingOf,
} from './operator.ts'
import { type Batch, unsupported, type Value } from './recorder.ts'
import { type ElementType, elementType } from './tensor.ts'

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** The elements of `value` in another order and shape; `shape` is without the rows of a batch. */
function rearranged({ recorder }: Call, value: Value, shape: readonly number[], picks: Int32Array): Value {
  if (value.kind === 'batch') {
    return recorder.batch(
      value.type,
      shape,
      picks.map(index => value.registers[index]!),
      value.bounded,
    )
  }
  recorder.count(picks.length)
  const { texts, ...rest } = value
  return {
    ...rest,
    shape,
    values: texts === undefined ? Float64Array.from(picks, index => value.values[index]!) : value.values,
    ...(texts === undefined ? {} : { texts: Array.from(picks, index => texts[index]!) }),
  }
}

/** The same elements in another shape. */
function reshaped(value: Value, shape: readonly number[]): Value {
  return { ...value, shape }
}

/** An axis as a place in `shape`: counted from the end where negative, and after the rows of a batch. */
export function axisOf({ node }: Call, { kind, shape }: Value, axis: number): number {
  const rank = shape.length + (kind === 'batch' ? 1 : 0)
  const from = axis < 0 ? axis + rank : axis
  if (!(Number.isInteger(from) && from >= 0 && from < rank)) throw unsupported(`${node.op} on axis ${axis}`)
  if (kind === 'constant') return from
  if (from === 0) throw unsupported(`${node.op} across rows`)
  return from - 1
}

/** The axes that a node names by attribute, or in newer versions by input. */
export function axesOf(call: Call, value: Value, at: number): number[] | undefined {
  const named = attribute(call, 'axes').wholes
  const given = call.inputs[at] === undefined ? named : Array.from(constantInput(call, at).values)
  return given.length === 0 ? undefined : given.map(axis => axisOf(call, value, axis))
}

const identity: Operator = call => [input(call, 0)]

const dropout: Operator = call => {
  if (call.wants(1)) throw unsupported('the mask of Dropout')
  return [input(call, 0)]
}

const constantNode: Operator = call => {
  const { tensor } = attribute(call, 'value')
  if (tensor !== undefined) return [asConstant(tensor)]
  for (const [name, type] of [
    ['value_float', 'float32'],
    ['value_int', 'whole'],
  ] as const) {
    const found = attribute(call, name)
    const value = name === 'value_float' ? found.float : found.whole
    if (value !== undefined) return [constant(type, [], Float64Array.of(value))]
  }
  const [floats, wholes] = [attribute(call, 'value_floats').floats, attribute(call, 'value_ints').wholes]
  const texts = attribute(call, 'value_strings').texts
  if (texts.length > 0) return [{ ...constant('text', [texts.length], new Float64Array(0)), texts }]
  const values = floats.length > 0 ? floats : wholes
  return [constant(floats.length > 0 ? 'float32' : 'whole', [values.length], Float64Array.from(values))]
}

const cast: Operator = call => {
  const given = input(call, 0)
  const code = attribute(call, 'to').whole ?? 0
  const type = elementType(code)
  if (type === undefined || type === 'text' || given.type === 'text') {
    if (type === given.type) return [given]
    throw unsupported(`Cast from ${given.type} to the type ${code}`)
  }
  const rounding = roundingOf(type)
  const copies = type === 'truth' ? 'truth' : 'copy'
  if (
    given.type === type ||
    (given.type === 'truth' && type !== 'truth') ||
    (given.type === 'float32' && type === 'float64')
  ) {
    return [{ ...given, type }]
  }
  if (given.kind === 'batch') {
    const registers = call.recorder.unary(copies, given.registers, rounding)
    return [call.recorder.batch(type, given.shape, registers, given.bounded)]
  }
  const convert = CASTS[type]
  return [{ ...given, type, values: given.values.map(convert) }]
}

const CASTS: Readonly<Record<Exclude<ElementType, 'text'>, (value: number) => number>> = {
  float32: Math.fround,
  float64: value => value,
  whole: Math.trunc,
  truth: value => (value === 0 ? 0 : 1),
}

/** `[−1, …]` and `[0, …]` keep the rows. */
const reshape: Operator = call => {
  const given = input(call, 0)
  const named = attribute(call, 'shape').wholes
  const target = call.inputs[1] === undefined ? [...named] : Array.from(constantInput(call, 1).values)
  const hasBatch = call.inputs[1] !== undefined && constantInput(call, 1).hasBatch === true
  const whole = given.kind === 'batch' ? [-1, ...given.shape] : [...given.shape]
  const sizes = target.map((size, index) => (size === 0 ? (whole[index] ?? Number.NaN) : size))
  const fits = (shape: readonly number[]): boolean =>
    sizeOf(shape) === sizeOf(given.shape) && shape.every(size => size >= 0)
  if (given.kind === 'constant') return [reshaped(given, filled(sizes, sizeOf(given.shape)))]
  if (sizes[0] !== -1) throw unsupported(`Reshape to ${target.join(' × ')}, which does not keep the rows`)
  const inner = target[0] === 0 || hasBatch ? filled(sizes.slice(1), sizeOf(given.shape)) : sizes.slice(1)
  if (!fits(inner)) throw unsupported(`Reshape of ${given.shape.join(' × ')} to ${target.join(' × ')}`)
  return [reshaped(given, inner)]
}

/** With the one −1 replaced by what is left. */
function filled(shape: readonly number[], size: number): number[] {
  const open = shape.indexOf(-1)
  if (open < 0) {
    if (sizeOf(shape) !== size) throw unsupported(`Reshape of ${size} elements to ${shape.join(' × ')}`)
    return [...shape]
  }
  const rest = sizeOf(shape.filter((_, index) => index !== open))
  if (!(rest > 0) || size % rest !== 0) throw unsupported(`Reshape of ${size} elements to ${shape.join(' × ')}`)
  return shape.map((one, index) => (index === open ? size / rest : one))
}

const flatten: Operator = call => {
  const given = input(call, 0)
  const axis = attribute(call, 'axis').whole ?? 1
  if (given.kind === 'constant' || axis !== 1) throw unsupported(`Flatten on axis ${axis}`)
  return [reshaped(given, [sizeOf(given.shape)])]
}

const squeeze: Operator = call => {
  const given = input(call, 0)
  const axes = axesOf(call, given, 1)
  if (axes === undefined && given.kind === 'batch') throw unsupported('Squeeze of all axes')
  const gone = new Set(axes ?? given.shape.flatMap((size, index) => (size === 1 ? [index] : [])))
  for (const axis of gone) if (given.shape[axis] !== 1) throw unsupported(`Squeeze of an axis of ${given.shape[axis]}`)
  return [
    reshaped(
      given,
      given.shape.filter((_, index) => !gone.has(index)),
    ),
  ]
}

const unsqueeze: Operator = call => {
  const given = input(call, 0)
  const named = attribute(call, 'axes').wholes
  const axes = call.inputs[1] === undefined ? named : Array.from(constantInput(call, 1).values)
  const rows = given.kind === 'batch' ? 1 : 0
  const rank = given.shape.length + rows + axes.length
  const fresh = new Set(axes.map(axis => (axis < 0 ? axis + rank : axis)))
  if (fresh.size !== axes.length || (rows === 1 && fresh.has(0))) throw unsupported('Unsqueeze before the rows')
  const shape: number[] = []
  let next = 0
  for (let axis = rows; axis < rank; axis++) shape.push(fresh.has(axis) ? 1 : (given.shape[next++] ?? Number.NaN))
  if (next !== given.shape.length) throw unsupported(`Unsqueeze on the axes ${axes.join(', ')}`)
  return [reshaped(given, shape)]
}

/** Where each element of a tensor of `shape` is found in one of the same shape whose axes were permuted by `order`. */
export function permutation(shape: readonly number[], order: readonly number[]): Int32Array {
  const steps: number[] = []
  let step = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    steps[axis] = step
    step *= shape[axis]!
  }
  const picks = new Int32Array(step)
  const place = order.map(() => 0)
  for (let index = 0; index < picks.length; index++) {
    picks[index] = order.reduce((sum, axis, at) => sum + place[at]! * steps[axis]!, 0)
    for (let at = order.length - 1; at >= 0; at--) {
      place[at]!++
      if (place[at]! < shape[order[at]!]!) break
      place[at] = 0
    }
  }
  return picks
}

const transpose: Operator = call => {
  const given = input(call, 0)
  const rows = given.kind === 'batch' ? 1 : 0
  const rank = given.shape.length + rows
  const named = attribute(call, 'perm').wholes
  const order = named.length === 0 ? Array.from({ length: rank }, (_, index) => rank - 1 - index) : [...named]
  if (new Set(order).size !== rank || order.some(axis => !(axis >= 0 && axis < rank))) throw unsupported('Transpose')
  if (rows === 1 && order.shift() !== 0) throw unsupported('Transpose of rows and columns')
  const inner = order.map(axis => axis - rows)
  return [
    rearranged(
      call,
      given,
      inner.map(axis => given.shape[axis]!),
      permutation(given.shape, inner),
    ),
  ]
}

/** Cuts `[from, to)` of an axis, every `step`-th. */
function sliced(call: Call, value: Value, axis: number, indexes: readonly number[], shape = [indexes.length]): Value {
  const before = sizeOf(value.shape.slice(0, axis))
  const after = sizeOf(value.shape.slice(axis + 1))
  const length = value.shape[axis]!
  call.recorder.count(before * indexes.length * after)
  const picks = new Int32Array(before * indexes.length * after)
  let next = 0
  for (let left = 0; left < before; left++) {
    for (const index of indexes) {
      const from = index < 0 ? index + length : index
      if (!(Number.isInteger(from) && from >= 0 && from < length)) {
        throw unsupported(`${call.node.op} of element ${index} of ${length}`)
      }
      for (let right = 0; right < after; right++) picks[next++] = (left * length + from) * after + right
    }
  }
  return rearranged(call, value, [...value.shape.slice(0, axis), ...shape, ...value.shape.slice(axis + 1)], picks)
}

const gather: Operator = call => {
  const given = input(call, 0)
  const indexes = input(call, 1)
  if (indexes.kind === 'batch') return [picked(call, given, indexes)]
  const axis = axisOf(call, given, attribute(call, 'axis').whole ?? 0)
  return [sliced(call, given, axis, Array.from(indexes.values), [...indexes.shape])]
}

const arrayFeatureExtractor: Operator = call => {
  const given = input(call, 0)
  const indexes = input(call, 1)
  if (indexes.kind === 'batch') return [picked(call, given, indexes)]
  return [sliced(call, given, given.shape.length - 1, Array.from(indexes.values))]
}

/** Of a list of constants, the one whose number the row computed. */
function picked({ node, recorder }: Call, list: Value, { registers, shape }: Batch): Value {
  if (list.kind === 'batch' || list.hasBatch === true || sizeOf(list.shape) !== list.shape.at(-1)) {
    throw unsupported(`${node.op} by a place that the row computes`)
  }
  const count = list.shape.at(-1)!
  const keys = Float64Array.from({ length: count }, (_, index) => index)
  if (list.texts === undefined) {
    return recorder.batch(list.type, shape, recorder.lookup(registers, keys, list.values, Number.NaN))
  }
  const own: Int32Array[] = []
  for (const register of registers) {
    const to = recorder.lookup(Int32Array.of(register), keys, keys, -1)
    for (const text of list.texts) recorder.code(to[0]!, text)
    own.push(to)
  }
  return recorder.batch(
    'text',
    shape,
    Int32Array.from(own, to => to[0]!),
  )
}

const slice: Operator = call => {
  const by = (name: string, index: number): number[] | undefined => {
    if (call.opset < 10) {
      const named = attribute(call, name).wholes
      return named.length === 0 ? undefined : [...named]
    }
    return call.inputs[index] === undefined ? undefined : Array.from(constantInput(call, index).values)
  }
  let value = input(call, 0)
  const starts = by('starts', 1) ?? []
  const ends = by('ends', 2) ?? []
  const axes = by('axes', 3) ?? starts.map((_, index) => index)
  const steps = by('steps', 4) ?? starts.map(() => 1)
  for (const [index, start] of starts.entries()) {
    const step = steps[index]!
    const axis = axisOf(call, value, axes[index]!)
    const length = value.shape[axis]!
    if (step === 0 || !Number.isInteger(step)) throw unsupported(`Slice in steps of ${step}`)
    const clamp = (at: number, low: number, high: number): number =>
      Math.min(Math.max(at < 0 ? at + length : at, low), high)
    const from = step > 0 ? clamp(start, 0, length) : clamp(start, 0, length - 1)
    const to = step > 0 ? clamp(ends[index]!, 0, length) : clamp(ends[index]!, -1, length - 1)
    const indexes: number[] = []
    for (let at = from; step > 0 ? at < to : at > to; at += step) indexes.push(at)
    value = sliced(call, value, axis, indexes)
  }
  return [value]
}

const split: Operator = call => {
  const given = input(call, 0)
  const axis = axisOf(call, given, attribute(call, 'axis').whole ?? 0)
  const length = given.shape[axis]!
  const outputs = call.node.outputs.length
  const named = attribute(call, 'split').wholes
  const each = Math.ceil(length / Math.max(1, outputs))
  const sizes =
    call.inputs[1] !== undefined
      ? Array.from(constantInput(call, 1).values)
      : named.length > 0
        ? named
        : Array.from({ length: outputs }, (_, index) => Math.max(0, Math.min(each, length - index * each)))
  let from = 0
  return sizes.slice(0, outputs).map(size => {
    if (!(Number.isInteger(size) && size >= 0 && from + size <= length)) throw unsupported('Split into such sizes')
    const indexes = Array.from({ length: size }, (_, index) => from + index)
    from += size
    return sliced(call, given, axis, indexes)
  })
}

export const SHAPE_OPERATORS: Readonly<Record<string, Operator>> = {
  Identity: identity,
  Dropout: dropout,
  Constant: constantNode,
  Cast: cast,
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Gather: gather,
  Slice: slice,
  Split: split,
  'ai.onnx.ml:ArrayFeatureExtractor': arrayFeatureExtractor,
}

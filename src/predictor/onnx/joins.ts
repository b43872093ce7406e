/** Operators that put tensors side by side, and those that ask for shapes. */
import { attribute, batchInput, type Call, constant, constantInput, input, type Operator } from './operator.ts'
import { type Batch, type Constant, unsupported, type Value } from './recorder.ts'
import { axisOf } from './shapes.ts'

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

const concat: Operator = call => {
  const values = call.node.inputs.map((_, index) => input(call, index))
  const axis = axisOf(call, values[0]!, attribute(call, 'axis').whole ?? 1)
  return [joined(call, values, axis)]
}

function joined(call: Call, values: readonly Value[], axis: number): Value {
  const [first] = values
  const others = (value: Value): string => value.shape.with(axis, 0).join()
  for (const value of values) {
    const same = value.kind === first!.kind && value.type === first!.type
    if (!same || value.shape.length <= axis || others(value) !== others(first!)) {
      throw unsupported(`${call.node.op} of tensors of several types or shapes`)
    }
  }
  const before = sizeOf(first!.shape.slice(0, axis))
  const widths = values.map(value => sizeOf(value.shape.slice(axis)))
  const total = widths.reduce((sum, width) => sum + width, 0)
  const shape = first!.shape.with(
    axis,
    values.reduce((sum, value) => sum + value.shape[axis]!, 0),
  )
  call.recorder.count(before * total)
  const place = <T>(into: { [index: number]: T }, of: (value: Value, index: number) => T): void => {
    let at = 0
    for (let left = 0; left < before; left++) {
      for (const [index, value] of values.entries()) {
        for (let k = 0; k < widths[index]!; k++) into[at++] = of(value, left * widths[index]! + k)
      }
    }
  }
  if (first!.kind === 'batch') {
    const registers = new Int32Array(before * total)
    place(registers, (value, index) => (value as Batch).registers[index]!)
    return call.recorder.batch(
      first!.type,
      shape,
      registers,
      values.every(value => value.kind === 'batch' && value.bounded),
    )
  }
  const hasBatch = values.some(value => value.kind === 'constant' && value.hasBatch === true)
  const numbers = new Float64Array(before * total)
  if (first!.texts !== undefined) {
    const texts: string[] = []
    place(texts, (value, index) => (value as Constant).texts![index]!)
    return { ...first!, shape, texts }
  }
  place(numbers, (value, index) => (value as Constant).values[index]!)
  return { ...constant(first!.type, shape, numbers), ...(hasBatch ? { hasBatch } : {}) }
}

const featureVectorizer: Operator = call => {
  const columns = call.node.inputs.map((_, index) => {
    const given = batchInput(call, index)
    if (given.type === 'text' || given.shape.length > 1) throw unsupported('FeatureVectorizer of such columns')
    const wide = given.shape.length === 0 ? { ...given, shape: [1] } : given
    if (given.type === 'float32') return wide
    return { ...wide, type: 'float32' as const, registers: call.recorder.unary('copy', given.registers, 'float32') }
  })
  return [joined(call, columns, 0)]
}

const shapeNode: Operator = call => {
  const { kind, shape } = input(call, 0)
  const whole = kind === 'batch' ? [-1, ...shape] : [...shape]
  const rank = whole.length
  const at = (name: string, otherwise: number): number => {
    const value = attribute(call, name).whole ?? otherwise
    return Math.min(Math.max(value < 0 ? value + rank : value, 0), rank)
  }
  const part = whole.slice(at('start', 0), at('end', rank))
  const hasBatch = kind === 'batch' && part.includes(-1)
  return [{ ...constant('whole', [part.length], Float64Array.from(part)), ...(hasBatch ? { hasBatch } : {}) }]
}

const constantOfShape: Operator = call => {
  const { values, hasBatch } = constantInput(call, 0)
  const { tensor } = attribute(call, 'value')
  const type = tensor?.type ?? 'float32'
  const [rows, ...inner] = Array.from(values)
  if (hasBatch !== true || rows !== -1 || type === 'text' || inner.some(size => !(size >= 0))) {
    throw unsupported('ConstantOfShape of such a shape')
  }
  call.recorder.count(sizeOf(inner))
  const register = call.recorder.constant(tensor?.values[0] ?? 0)
  return [call.recorder.batch(type, inner, new Int32Array(sizeOf(inner)).fill(register))]
}

export const JOIN_OPERATORS: Readonly<Record<string, Operator>> = {
  Concat: concat,
  Shape: shapeNode,
  ConstantOfShape: constantOfShape,
  'ai.onnx.ml:FeatureVectorizer': featureVectorizer,
}

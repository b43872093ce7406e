/** What an operator is told of the node that it compiles, and how it asks for the attributes. */

import type { Rounding } from '../pipeline.ts'
import type { OnnxAttribute, OnnxNode } from './proto.ts'
import { type Batch, type Constant, type Recorder, unsupported, type Value } from './recorder.ts'
import type { ElementType, TensorValue } from './tensor.ts'

export interface Call {
  readonly node: OnnxNode
  /** Absent where the node leaves an optional one out. */
  readonly inputs: readonly (Value | undefined)[]
  readonly recorder: Recorder
  /** Version of the operator's domain. */
  readonly opset: number
  /** Whether anybody asks for this output. */
  readonly wants: (output: number) => boolean
}

/** The outputs of a node; absent ones that nobody asked for. Throws what `unsupported` makes, or `invalid`. */
export type Operator = (call: Call) => readonly (Value | undefined)[]

const NONE: OnnxAttribute = { floats: [], wholes: [], texts: [], foreign: false }

export function attribute({ node }: Call, name: string): OnnxAttribute {
  const found = node.attributes.get(name)
  if (found?.foreign === true) throw unsupported(`the attribute ${name} of ${node.op} is a graph or a type`)
  return found ?? NONE
}

export function input(call: Call, index: number): Value {
  const value = call.inputs[index]
  if (value === undefined) throw unsupported(`${call.node.op} lacks its input ${index}`)
  return value
}

export function batchInput(call: Call, index: number): Batch {
  const value = input(call, index)
  return value.kind === 'batch' ? value : call.recorder.lifted(value)
}

export function constantInput(call: Call, index: number): Constant {
  const value = input(call, index)
  if (value.kind === 'constant') return value
  throw unsupported(`input ${index} of ${call.node.op} is computed from the row, and wanted as a constant`)
}

/** The one axis of a table of rows × columns. */
export function columnsOf(call: Call, { shape }: Batch): number {
  const [columns, ...more] = shape
  if (columns === undefined || more.length > 0) {
    throw unsupported(`${call.node.op} over a tensor of ${shape.length + 1} dimensions`)
  }
  return columns
}

export function constant(type: ElementType, shape: readonly number[], values: Float64Array): Constant {
  return { kind: 'constant', type, shape, values }
}

export function asConstant({ name, type, shape, values, texts }: TensorValue): Constant {
  if (type === undefined) throw unsupported(`the tensor ${name} has a type that is not computed with here`)
  return { kind: 'constant', type, shape, values, ...(texts === undefined ? {} : { texts }) }
}

/** The rounding of a result of this type. */
export function roundingOf(type: ElementType): Rounding {
  return type === 'float32' || type === 'float64' ? type : 'whole'
}

/** `LinearClassifier` and `LinearRegressor` of `ai.onnx.ml`. */
import { asFloat32 } from './encoders.ts'
import { attribute, batchInput, type Call, columnsOf, type Operator } from './operator.ts'
import { type Batch, unsupported } from './recorder.ts'
import { transformed, transformNamed } from './scores.ts'

/** Margins of all outputs. */
function sums(call: Call, outputs: number): Batch {
  const given = asFloat32(call.recorder, batchInput(call, 0))
  const columns = columnsOf(call, given)
  const coefficients = attribute(call, 'coefficients').floats
  const intercepts = attribute(call, 'intercepts').floats
  if (outputs === 0 || columns === 0 || coefficients.length !== outputs * columns) {
    throw unsupported(
      `${call.node.op} of ${columns} columns and ${outputs} outputs with ${coefficients.length} coefficients`,
    )
  }
  if (intercepts.length !== outputs && intercepts.length > 0)
    throw unsupported(`${call.node.op} with ${intercepts.length} intercepts`)
  const bias = intercepts.length === 0 ? undefined : Float64Array.from(intercepts)
  const registers = call.recorder.matrix(given.registers, Float64Array.from(coefficients), bias, 'float32')
  return call.recorder.batch('float32', [outputs], registers)
}

const regressor: Operator = call => {
  const margins = sums(call, attribute(call, 'targets').whole ?? 1)
  const transform = transformNamed(attribute(call, 'post_transform').text)
  if (transform !== 'NONE' && margins.registers.length > 1) throw unsupported(`LinearRegressor with ${transform}`)
  if (transform !== 'NONE') throw unsupported(`LinearRegressor with ${transform}`)
  return [margins]
}

/** Outputs: the label, and the scores. */
const classifier: Operator = call => {
  const labels = classLabels(call, 'classlabels_ints')
  const margins = sums(call, attribute(call, 'intercepts').floats.length)
  const { recorder } = call
  const transform = transformNamed(attribute(call, 'post_transform').text)
  const bounded = transform === 'LOGISTIC' || transform === 'SOFTMAX'
  const [first, ...more] = margins.registers
  const isOne = more.length === 0 && labels.length === 2
  const label = call.wants(0) ? [labelOf(call, labels, place(call, margins.registers))] : [undefined]
  if (!isOne) {
    if (labels.length !== margins.registers.length) throw unsupported(`LinearClassifier of ${labels.length} labels`)
    return [
      ...label,
      recorder.batch('float32', [labels.length], transformed(recorder, transform, margins.registers), bounded),
    ]
  }
  // One margin for two classes: the second is 1 − p, whatever the transform; only LOGISTIC makes shares of them.
  const [score] = transform === 'LOGISTIC' ? recorder.unary('sigmoid', Int32Array.of(first!), 'float32') : []
  if (score === undefined) throw unsupported(`LinearClassifier of one margin with ${transform}`)
  const [other] = recorder.binary('subtract', Int32Array.of(recorder.constant(1)), Int32Array.of(score), 'float32')
  return [...label, recorder.batch('float32', [2], Int32Array.of(other!, score), bounded)]
}

/** Place of the label: of the largest score; with one score, 1 where it is above 0. */
function place({ recorder }: Call, scores: Int32Array): Int32Array {
  if (scores.length > 1) return recorder.reduce('argmax', scores, scores.length, 'whole')
  return recorder.binary('greater', scores, Int32Array.of(recorder.constant(0)), 'float64')
}

/** Labels in the order of their scores. */
export type ClassLabels = readonly string[] | readonly number[]

export function classLabels(call: Call, wholes: 'classlabels_ints' | 'classlabels_int64s'): ClassLabels {
  const { texts } = attribute(call, 'classlabels_strings')
  return texts.length > 0 ? texts : attribute(call, wholes).wholes
}

export function labelOf({ recorder }: Call, labels: ClassLabels, places: Int32Array): Batch {
  const keys = Float64Array.from(labels.keys())
  const isText = typeof labels[0] === 'string'
  const values = isText ? keys : Float64Array.from(labels as readonly number[])
  const registers = recorder.lookup(places, keys, values, Number.NaN)
  if (isText) for (const text of labels) recorder.code(registers[0]!, text as string)
  return recorder.batch(isText ? 'text' : 'whole', [], registers)
}

export const LINEAR_OPERATORS: Readonly<Record<string, Operator>> = {
  'ai.onnx.ml:LinearRegressor': regressor,
  'ai.onnx.ml:LinearClassifier': classifier,
}

/** From sums to probabilities: `post_transform` of ONNX's trees and linear models. */
import { type Recorder, unsupported } from './recorder.ts'

/** PROBIT is left to ONNX Runtime: its approximation has an error that shows in the sixth digit. */
const TRANSFORMS = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO'] as const
export type Transform = (typeof TRANSFORMS)[number]

export function transformNamed(text: string | undefined): Transform {
  const found = TRANSFORMS.find(name => name === (text ?? 'NONE'))
  if (found === undefined) throw unsupported(`the post_transform ${text}`)
  return found
}

/** Of each row's scores, which stand in `from`. */
export function transformed(recorder: Recorder, transform: Transform, from: Int32Array): Int32Array {
  switch (transform) {
    case 'NONE':
      return from
    case 'LOGISTIC':
      return recorder.unary('sigmoid', from, 'float32')
    case 'SOFTMAX':
      return recorder.spread('softmax', from, from.length, 'float32')
    case 'SOFTMAX_ZERO':
      return recorder.spread('softmax-zero', from, from.length, 'float32')
  }
}

/**
 * A model that does something to its columns before, or after, the trees or the linear model that it has inside: what is
 * scaled, encoded, filled in, normalised. A straight list of steps over registers, as plain data: no branch, no loop, so it
 * ends, and costs the same for every row.
 *
 * A row has `registers` numbers. The first `features.length` are the row as the caller sees it, taken in as `intake` says;
 * `constants` are the same for every row; each step reads some registers and writes others, each of which is written once.
 * A text is its code, −1 where it is none of the categories; a truth value is 1 or 0.
 */
import type { Forest } from './forest.ts'
import type { ModelHead } from './predictor.ts'

/** What is done to each result: rounded to float32, left alone, or cut to a whole number. */
export type Rounding = 'float32' | 'float64' | 'whole'

export type UnaryName =
  | 'copy'
  | 'abs'
  | 'neg'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'reciprocal'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'sign'
  | 'not'
  | 'is-nan'
  | 'truth'
  | 'sigmoid'
  | 'tanh'
  | 'erf'
  | 'softplus'

export type BinaryName =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'power'
  | 'remainder'
  | 'min'
  | 'max'
  | 'equal'
  | 'less'
  | 'less-or-equal'
  | 'greater'
  | 'greater-or-equal'
  | 'and'
  | 'or'
  | 'xor'

export type ReduceName =
  | 'sum'
  | 'mean'
  | 'min'
  | 'max'
  | 'product'
  | 'l1'
  | 'l2'
  | 'sum-square'
  | 'log-sum-exp'
  | 'argmax'
  | 'argmin'

/** Of all numbers of a group into as many. */
export type SpreadName = 'softmax' | 'log-softmax' | 'softmax-zero' | 'divide-by-max' | 'divide-by-l1' | 'divide-by-l2'

export type PipelineStep =
  | {
      readonly op: 'unary'
      readonly name: UnaryName
      readonly from: Int32Array
      readonly to: Int32Array
      readonly rounding: Rounding
    }
  | {
      readonly op: 'binary'
      readonly name: BinaryName
      readonly left: Int32Array
      readonly right: Int32Array
      readonly to: Int32Array
      readonly rounding: Rounding
    }
  /** `yes` where `when` is not 0, else `no`. */
  | {
      readonly op: 'select'
      readonly when: Int32Array
      readonly yes: Int32Array
      readonly no: Int32Array
      readonly to: Int32Array
    }
  /** The value that stands with the key; `fallback` for what is no key. NaN is a key like others. */
  | {
      readonly op: 'lookup'
      readonly from: Int32Array
      readonly to: Int32Array
      readonly keys: Float64Array
      readonly values: Float64Array
      /** Absent: the number itself. */
      readonly fallback?: number
    }
  /** For each of `from`, as many of `to` as there are keys: 1 where it is the key, else 0. */
  | { readonly op: 'indicators'; readonly from: Int32Array; readonly to: Int32Array; readonly keys: Float64Array }
  /** `weights` is `to.length` × `from.length`. Each product is added and rounded, in order; `bias` comes last. */
  | {
      readonly op: 'matrix'
      readonly from: Int32Array
      readonly to: Int32Array
      readonly weights: Float64Array
      readonly bias?: Float64Array
      readonly rounding: Rounding
    }
  /** Groups of `size` neighbours in `from`, one of `to` for each group. */
  | {
      readonly op: 'reduce'
      readonly name: ReduceName
      readonly from: Int32Array
      readonly to: Int32Array
      readonly size: number
      readonly rounding: Rounding
    }
  | {
      readonly op: 'spread'
      readonly name: SpreadName
      readonly from: Int32Array
      readonly to: Int32Array
      readonly size: number
      readonly rounding: Rounding
    }
  /** The margins of a forest, whose columns are `from`. */
  | { readonly op: 'forest'; readonly forest: Forest; readonly from: Int32Array; readonly to: Int32Array }

export type PipelineOp = PipelineStep['op']

/** How a number of the row becomes the first value of its register. */
export interface Intake {
  /** A `code` that is missing becomes `missing`; a row with a missing number where a `whole` one is needed answers NaN. */
  readonly read: 'float32' | 'float64' | 'whole' | 'code'
  readonly missing: number
}

export interface Pipeline extends ModelHead {
  readonly kind: 'pipeline'
  readonly registers: number
  readonly intake: readonly Intake[]
  readonly constants: { readonly registers: Int32Array; readonly values: Float64Array }
  readonly steps: readonly PipelineStep[]
  /** The registers that are the answer. */
  readonly outputs: Int32Array
}

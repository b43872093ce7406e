/** A PMML document as plain data: see `load-pmml.ts`. */
import type { Forest } from '../forest.ts'
import type { ModelHead } from '../predictor.ts'
import type { Slot } from './expression.ts'
import type { AnyModel } from './models.ts'

export interface PmmlModel extends ModelHead {
  readonly kind: 'pmml'
  readonly slots: readonly Slot[]
  readonly model: AnyModel
  /** Of a classification: every class, in the order of its numbers. Else empty. */
  readonly labels: readonly string[]
  readonly core?: PmmlCore
}

/** A form that answers as the document does, for rows that it is made for. */
export interface PmmlCore {
  readonly forest: Forest
  /** Columns that must not be missing. */
  readonly present: readonly number[]
  /** Treated fields that must be what their inputs are. */
  readonly checked: readonly number[]
}

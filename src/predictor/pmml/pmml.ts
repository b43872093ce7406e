/** A PMML document as plain data: see `load-pmml.ts`. */
import type { ModelHead } from '../predictor.ts'
import type { Slot } from './expression.ts'
import type { AnyModel } from './models.ts'

export interface PmmlModel extends ModelHead {
  readonly kind: 'pmml'
  readonly slots: readonly Slot[]
  readonly model: AnyModel
  /** Of a classification: every class, in the order of its numbers. Else empty. */
  readonly labels: readonly string[]
}

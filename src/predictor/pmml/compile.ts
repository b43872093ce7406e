/**
 * The fastest form that gives a document's answers. Where the form gives them for all rows, it is the model; where it does so
 * for rows whose values are present and valid, the document keeps it as its core, and evaluates the other rows itself.
 */
import type { Forest } from '../forest.ts'
import type { ModelHead } from '../predictor.ts'
import { compileForest } from './compile-forest.ts'
import type { PmmlModel } from './pmml.ts'

export function compilePmml(pmml: PmmlModel): PmmlModel | Forest {
  const head = headOf(pmml)
  const compiled = compileForest(pmml, head)
  if (compiled === undefined) return pmml
  const { forest, inexact } = compiled
  const checked = pmml.slots.flatMap((slot, index) =>
    slot.kind === 'treated' && mayChange(pmml, index) ? [index] : [],
  )
  if (inexact.length === 0 && checked.length === 0) return forest
  return { ...pmml, core: { forest, present: inexact, checked } }
}

/** Whether a treated field may be other than the value that was there: if all it does is fill in, the form knows. */
function mayChange({ slots }: PmmlModel, index: number): boolean {
  const slot = slots[index]!
  if (slot.kind !== 'treated') return false
  const { domain, missingIsInvalid, outliers } = slot.treatment
  const listed = domain.valid.length + domain.invalid.length + domain.missing.length + domain.intervals.length
  return listed > 0 || missingIsInvalid || outliers !== 'asIs'
}

export function headOf({
  kind: _kind,
  slots: _slots,
  model: _model,
  labels: _labels,
  core: _core,
  ...head
}: PmmlModel): ModelHead {
  return head
}

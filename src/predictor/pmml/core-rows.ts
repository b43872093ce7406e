/** Which rows the core of a document answers. */
import { slotEvaluator } from './evaluate-expression.ts'
import type { PmmlModel } from './pmml.ts'
import { type Row, takeInputs, valueAt } from './row.ts'
import { INVALID } from './values.ts'

export function newRow({ slots }: PmmlModel): Row {
  return {
    values: slots.map(() => undefined),
    stamps: new Float64Array(slots.length),
    compute: slots.map(slotEvaluator),
    stamp: 0,
  }
}

/** Whether the core answers the row that starts at `from`. */
export function coreTest(pmml: PmmlModel): (rows: Float64Array, from: number) => boolean {
  const { core, slots } = pmml
  if (core === undefined) return () => false
  const { present, checked } = core
  const row = newRow(pmml)
  const pairs = checked.flatMap(slot => {
    const one = slots[slot]!
    return one.kind === 'treated' ? [{ slot, from: one.from, mayLack: !one.treatment.missingIsInvalid }] : []
  })
  return (rows, from) => {
    for (const column of present) if (Number.isNaN(rows[from + column])) return false
    if (pairs.length === 0) return true
    row.stamp++
    takeInputs(row, slots, rows, from)
    try {
      return pairs.every(pair => {
        const value = valueAt(row, pair.from)
        return value === undefined ? pair.mayLack : valueAt(row, pair.slot) === value
      })
    } catch (error) {
      if (error !== INVALID) throw error
      return false
    }
  }
}

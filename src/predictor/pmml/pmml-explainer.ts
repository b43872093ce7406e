/** What moved an answer of a document: by its core, where it has one. */
import type { Explainer } from '../explainer.ts'
import { newRow } from './core-rows.ts'
import type { PmmlCore, PmmlModel } from './pmml.ts'
import { takeInputs, valueAt } from './row.ts'
import { INVALID, type Value } from './values.ts'

/**
 * A value that the document treats (clips, replaces, takes for missing) is explained as what it becomes. Where a row has an
 * answer though one of its values is invalid, or missing in a column whose missing values the core does not take, no tree has
 * asked for that value on the row's way down: the core gives the same answer. Of a row without an answer the contributions
 * mean nothing.
 *
 * @param explainerOf explains the core; `undefined` where it cannot, or where fields are treated twice.
 */
export function pmmlExplainer(
  pmml: PmmlModel,
  explainerOf: (core: PmmlCore['forest']) => Explainer | undefined,
): Explainer | undefined {
  const { core, slots, features } = pmml
  if (core === undefined) return undefined
  const fields = core.checked.map(slot => {
    const one = slots[slot]!
    const input = one.kind === 'treated' ? slots[one.from]! : undefined
    return input?.kind === 'input' ? { slot, column: input.column, texts: input.categories } : undefined
  })
  if (fields.includes(undefined) || new Set(fields.map(field => field!.column)).size < fields.length) return undefined
  const inner = explainerOf(core.forest)
  if (inner === undefined) return undefined
  const row = newRow(pmml)
  const width = features.length
  return {
    ...inner,
    explain(rows, count, out) {
      const treated = Float64Array.from(rows.subarray(0, count * width))
      for (let index = 0; index < count; index++) treat(rows, index * width, treated)
      inner.explain(treated, count, out)
    },
  }

  function treat(rows: Float64Array, from: number, treated: Float64Array): void {
    row.stamp++
    takeInputs(row, slots, rows, from)
    for (const field of fields) {
      try {
        treated[from + field!.column] = numberOf(valueAt(row, field!.slot), field!.texts)
      } catch (error) {
        if (error !== INVALID) throw error
      }
    }
  }
}

function numberOf(value: Value, texts: readonly string[] | undefined): number {
  if (value === undefined) return Number.NaN
  return texts === undefined ? Number(value) : texts.indexOf(String(value))
}

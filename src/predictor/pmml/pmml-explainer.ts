/** What moved an answer of a document: by its core, where it has one. */
import type { Explainer } from '../explainer.ts'
import { newRow } from './core-rows.ts'
import type { PmmlCore, PmmlModel } from './pmml.ts'
import { type Row, takeInputs, valueAt } from './row.ts'
import { INVALID, type Value } from './values.ts'

/**
 * A value that the document treats (clips, replaces, takes for missing) is explained as what it becomes. A row that has no
 * answer has the contributions NaN. Where a row with a missing value has an answer though the core does not take that value,
 * no tree has asked for it on the row's way down: the core gives the same answer.
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
      const size = inner.outputCount * width
      const voids: number[] = []
      for (let index = 0; index < count; index++) {
        if (!treat(rows, index * width, treated)) voids.push(index)
      }
      inner.explain(treated, count, out)
      for (const index of voids) out.fill(Number.NaN, index * size, (index + 1) * size)
    },
  }

  function treat(rows: Float64Array, from: number, treated: Float64Array): boolean {
    row.stamp++
    takeInputs(row, slots, rows, from)
    for (const field of fields) {
      const value = treatedValue(row, field!.slot)
      if (value === INVALID) return false
      treated[from + field!.column] = numberOf(value as Value, field!.texts)
    }
    return true
  }
}

function treatedValue(row: Row, slot: number): Value | typeof INVALID {
  try {
    return valueAt(row, slot)
  } catch (error) {
    if (error !== INVALID) throw error
    return INVALID
  }
}

function numberOf(value: Value, texts: readonly string[] | undefined): number {
  if (value === undefined) return Number.NaN
  return texts === undefined ? Number(value) : texts.indexOf(String(value))
}

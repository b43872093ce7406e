/** A row at work: its slots, each computed when it is first asked for. */

import type { Slot } from './expression.ts'
import { UNSEEN, type Value } from './values.ts'

export type Evaluate = (row: Row) => Value

export interface Row {
  readonly values: Value[]
  /** The number of the row for which a slot was last computed. */
  readonly stamps: Float64Array
  readonly compute: Evaluate[]
  stamp: number
}

export function valueAt(row: Row, slot: number): Value {
  if (row.stamps[slot] === row.stamp) return row.values[slot]
  const value = row.compute[slot]!(row)
  row.values[slot] = value
  row.stamps[slot] = row.stamp
  return value
}

export function give(row: Row, slot: number, value: Value): void {
  row.values[slot] = value
  row.stamps[slot] = row.stamp
}

/** Inputs from the caller's numbers. */
export function takeInputs(row: Row, slots: readonly Slot[], rows: Float64Array, from: number): void {
  for (let index = 0; index < slots.length; index++) {
    const slot = slots[index]!
    if (slot.kind !== 'input') continue
    give(row, index, inputValue(slot, rows[from + slot.column]!))
  }
}

function inputValue(slot: Extract<Slot, { kind: 'input' }>, value: number): Value {
  if (Number.isNaN(value)) return undefined
  if (slot.categories !== undefined) return slot.categories[value] ?? UNSEEN
  if (slot.type === 'boolean') return value !== 0
  return slot.type === 'float' ? Math.fround(value) : value
}

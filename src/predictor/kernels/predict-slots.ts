/**
 * Where the columns of a single row stand in registers. Two columns of which one has missing values at the lower end and the
 * other at the upper share a slot, so that more features fit: with 1 taken from it, −128 turns into 127, and all other bytes keep their order.
 */
import type { Columns } from './predict-columns.ts'

export interface Slots {
  readonly count: number
  /** By column. */
  readonly slot: Int32Array
  /** By column: 1 where nodes take 1 from the slot's byte, and from what they compare it with. */
  readonly less: Uint8Array
  /** By column: 1 for the one column of a slot that is written. */
  readonly isWritten: Uint8Array
}

/** Up to so many columns each has a slot of its own, which saves the subtraction. */
const SEPARATE_MAX = 16

export function slotsOf({ count, axes, sets }: Columns): Slots {
  const slot = new Int32Array(count)
  const less = new Uint8Array(count)
  const isWritten = new Uint8Array(count)
  let used = 0
  for (const { columns } of axes) {
    const shared = new Map<number, number>()
    for (const { column, below, missing, zero } of columns) {
      const isShared = count > SEPARATE_MAX && zero === undefined && (missing === -128 || missing === 127)
      const known = isShared ? shared.get(below) : undefined
      slot[column] = known ?? used
      less[column] = isShared && missing === 127 ? 1 : 0
      if (known !== undefined) continue
      isWritten[column] = 1
      if (isShared) shared.set(below, used)
      used++
    }
  }
  for (const { column } of sets) slot[column] = used++
  return { count: used, slot, less, isWritten }
}

/**
 * When rows that came one by one are sent on together. While a worker works, rows gather by themselves; a free worker waits
 * for more only where more are likely to come within `waitMs`, and a batch is never so large that, at the pace measured so
 * far, it would take more than a quarter of its time limit.
 */

export interface BatchLimits {
  readonly rowsMax: number
  readonly waitMs: number
  readonly timeoutMs: number
}

export interface BatchPolicy {
  /** Tells that rows came at a time, milliseconds. */
  came(rows: number, atMs: number): void
  /** Tells how long a batch took. */
  took(rows: number, ms: number): void
  /** Rows the next batch may have; at least one. */
  rowsMax(): number
  /** How long to wait for more, at a time, where so many rows wait and the first of them came at `firstMs`; 0: send them. */
  waitMs(rows: number, firstMs: number, nowMs: number): number
}

/** Weight of the newest observation. */
const WEIGHT = 0.2
const SHARE_OF_LIMIT = 0.25

export function batchPolicy({ rowsMax, waitMs, timeoutMs }: BatchLimits): BatchPolicy {
  /** Milliseconds between rows, and that one row takes in a batch: moving averages. */
  let between = Number.POSITIVE_INFINITY
  let each = 0
  let lastMs = Number.NEGATIVE_INFINITY
  const limit = (): number => {
    if (each <= 0) return rowsMax
    return Math.max(1, Math.min(rowsMax, Math.floor((timeoutMs * SHARE_OF_LIMIT) / each)))
  }
  return {
    came(rows, atMs) {
      const gap = (atMs - lastMs) / rows
      lastMs = atMs
      if (Number.isFinite(gap)) between = Number.isFinite(between) ? between + WEIGHT * (gap - between) : gap
    },
    took(rows, ms) {
      const found = ms / rows
      // Small batches tell little of what a row costs: most of their time goes into the asking.
      if (each === 0 || found < each) each = found
      else each += WEIGHT * Math.min(1, rows / rowsMax) * (found - each)
    },
    rowsMax: limit,
    waitMs(rows, firstMs, nowMs) {
      if (waitMs === 0 || rows >= limit()) return 0
      const left = firstMs + waitMs - nowMs
      return left > 0 && between < left ? left : 0
    },
  }
}

import type { Background } from '../explainer.ts'

/** Throws `RangeError` where the arrays handed to an explainer are too short for `count` rows. */
export function requireRoom(rows: Float64Array, wantedIn: number, out: Float64Array, wantedOut: number): void {
  if (rows.length < wantedIn) throw new RangeError(`Cannot explain: ${rows.length} values given, wanted ${wantedIn}`)
  if (out.length < wantedOut) {
    throw new RangeError(`Cannot explain: room for ${out.length} contributions, wanted ${wantedOut}`)
  }
}

export function requireBackground({ rows, count }: Background, width: number): void {
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new RangeError(`Cannot explain: the background has ${count} rows, wanted at least 1`)
  }
  if (rows.length < count * width) {
    throw new RangeError(`Cannot explain: the background has ${rows.length} values, wanted ${count * width}`)
  }
}

/** Copies a row as a model of this precision sees it. */
export function readRow(rows: Float64Array, from: number, precision: 'float32' | 'float64', row: Float64Array): void {
  const single = precision === 'float32'
  for (let column = 0; column < row.length; column++) {
    const value = rows[from + column]!
    row[column] = single ? Math.fround(value) : value
  }
}

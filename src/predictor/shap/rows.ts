/** Throws `RangeError` where the arrays handed to an explainer are too short for `count` rows. */
export function requireRoom(rows: Float64Array, wantedIn: number, out: Float64Array, wantedOut: number): void {
  if (rows.length < wantedIn) throw new RangeError(`Cannot explain: ${rows.length} values given, wanted ${wantedIn}`)
  if (out.length < wantedOut) {
    throw new RangeError(`Cannot explain: room for ${out.length} contributions, wanted ${wantedOut}`)
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

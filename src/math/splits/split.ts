/** Rows by number, ascending. No row is in both; a row may be in neither. */
export interface Split {
  readonly train: Uint32Array
  readonly test: Uint32Array
}

/** The splits in which each fold in turn is the test. @param foldOf the fold of each row, from 0. */
export function splitsOf(foldOf: ArrayLike<number>, folds: number): Split[] {
  return Array.from({ length: folds }, (_, fold) => ({
    train: rowsWhere(foldOf.length, row => foldOf[row] !== fold),
    test: rowsWhere(foldOf.length, row => foldOf[row] === fold),
  }))
}

export function rowsWhere(rows: number, isIn: (row: number) => boolean): Uint32Array {
  const found = new Uint32Array(rows)
  let count = 0
  for (let row = 0; row < rows; row++) if (isIn(row)) found[count++] = row
  return found.slice(0, count)
}

/** The rows `from` … `to` − 1. */
export function rowRange(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, at) => from + at)
}

/** Throws a `RangeError` unless there are at least two folds, and as many rows (or groups). */
export function requireFolds(folds: number, there: number, what: string): void {
  if (!(Number.isInteger(folds) && folds >= 2)) {
    throw new RangeError(`Cannot split: wanted ${folds} folds, at least 2 are needed`)
  }
  if (there < folds) throw new RangeError(`Cannot split: ${there} ${what}, wanted at least ${folds}, one a fold`)
}

/**
 * Numbers of the distinct values, ascending, in the place of the values.
 *
 * @throws RangeError where a value is NaN.
 */
export function coded(values: ArrayLike<number>): { readonly codes: Uint32Array; readonly counts: Uint32Array } {
  const distinct = Float64Array.from(new Set(Array.from(values))).sort()
  if (Number.isNaN(distinct.at(-1))) throw new RangeError('Cannot split: a group or class is NaN, wanted a number')
  const codeOf = new Map(Array.from(distinct, (value, code) => [value, code]))
  const counts = new Uint32Array(distinct.length)
  const codes = Uint32Array.from(values, value => {
    const code = codeOf.get(value)!
    counts[code]!++
    return code
  })
  return { codes, counts }
}

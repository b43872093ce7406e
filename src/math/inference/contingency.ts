import { chiSquaredUpper } from '../distributions/chi-squared.ts'
import { stirlingError } from '../distributions/saddle-point.ts'

/** Counts by row and column; rows of equal length. */
export type ContingencyTable = readonly (readonly number[])[]

export interface ContingencyResult {
  readonly statistic: number
  readonly degreesOfFreedom: number
  readonly pValue: number
  /** Counts where rows and columns have nothing to do with each other; thin below five. */
  readonly expected: readonly (readonly number[])[]
}

/**
 * Pearson's χ² test of independence of rows and columns (Pearson 1900).
 *
 * @param options.yates moves each count of a 2 × 2 table half a row towards what is expected (Yates 1934): safer, and less
 * powerful. Not applied to larger tables.
 * @throws RangeError where the table is not one, or a row or column is empty.
 */
export function chiSquaredTest(table: ContingencyTable, options: { readonly yates?: boolean } = {}): ContingencyResult {
  const { expected, degreesOfFreedom } = independence(table)
  const move = options.yates === true && degreesOfFreedom === 1 ? 0.5 : 0
  let statistic = 0
  forEachCell(table, expected, (count, wanted) => {
    const off = Math.abs(count - wanted)
    statistic += (off - Math.min(move, off)) ** 2 / wanted
  })
  return { statistic, degreesOfFreedom, pValue: upper(statistic, degreesOfFreedom), expected }
}

/** G test of independence, 2 Σ count · ln(count / expected): the likelihood ratio (Wilks 1938, doi:10.1214/aoms/1177732360). */
export function gTest(table: ContingencyTable): ContingencyResult {
  const { expected, degreesOfFreedom } = independence(table)
  let statistic = 0
  forEachCell(table, expected, (count, wanted) => {
    if (count > 0) statistic += 2 * count * Math.log(count / wanted)
  })
  statistic = Math.max(0, statistic)
  return { statistic, degreesOfFreedom, pValue: upper(statistic, degreesOfFreedom), expected }
}

/**
 * Cramér's V, the strength of an association: √(χ² / (n · (the shorter side − 1))) (Cramér 1946).
 *
 * @returns 0 … 1.
 */
export function cramersV(table: ContingencyTable): number {
  const { statistic } = chiSquaredTest(table)
  let rows = 0
  for (const row of table) for (const count of row) rows += count
  return Math.sqrt(statistic / (rows * (Math.min(table.length, table[0]!.length) - 1)))
}

/**
 * Fisher's exact test of a 2 × 2 table [[a, b], [c, d]], two-sided: the probability, with both margins given, of a table no
 * more probable than this one (Fisher 1922, doi:10.2307/2340521).
 *
 * @returns the odds ratio of the sample, ad / bc, and the p-value.
 */
export function fisherExact(table: ContingencyTable): { readonly oddsRatio: number; readonly pValue: number } {
  requireTable(table)
  if (table.length !== 2 || table[0]!.length !== 2) {
    throw new RangeError(
      `Cannot compute Fisher's test: the table is ${table.length} × ${table[0]!.length}, wanted 2 × 2`,
    )
  }
  const [a, b, c, d] = table.flat() as [number, number, number, number]
  const [drawn, marked, all] = [a + b, a + c, a + b + c + d]
  const seen = hypergeometric(a, drawn, marked, all)
  let pValue = 0
  for (let k = Math.max(0, drawn + marked - all); k <= Math.min(drawn, marked); k++) {
    const probability = hypergeometric(k, drawn, marked, all)
    // What is equally probable may differ in the last digits.
    if (probability <= seen * (1 + 1e-7)) pValue += probability
  }
  return { oddsRatio: (a * d) / (b * c), pValue: Math.min(1, pValue) }
}

/** C(marked, k) C(all − marked, drawn − k) / C(all, drawn) */
function hypergeometric(k: number, drawn: number, marked: number, all: number): number {
  return Math.exp(logChoose(marked, k) + logChoose(all - marked, drawn - k) - logChoose(all, drawn))
}

function logChoose(n: number, k: number): number {
  if (k === 0 || k === n) return 0
  const rest = n - k
  return (
    stirlingError(n) -
    stirlingError(k) -
    stirlingError(rest) -
    k * Math.log(k / n) -
    rest * Math.log(rest / n) +
    Math.log(n / (2 * Math.PI * k * rest)) / 2
  )
}

function independence(table: ContingencyTable): {
  readonly expected: number[][]
  readonly degreesOfFreedom: number
} {
  requireTable(table)
  const columns = table[0]!.map((_, at) => table.reduce((sum, row) => sum + row[at]!, 0))
  const rows = table.map(row => row.reduce((sum, count) => sum + count, 0))
  const all = rows.reduce((sum, count) => sum + count, 0)
  if (rows.includes(0) || columns.includes(0)) {
    throw new RangeError('Cannot test independence: a row or column of the table is empty')
  }
  return {
    expected: rows.map(row => columns.map(column => (row / all) * column)),
    degreesOfFreedom: (rows.length - 1) * (columns.length - 1),
  }
}

function requireTable(table: ContingencyTable): void {
  const width = table[0]?.length ?? 0
  if (width === 0 || table.some(row => row.length !== width)) {
    throw new RangeError('Cannot test a table: its rows have different lengths or none, wanted a rectangle of counts')
  }
  const wrong = table.flat().find(count => !(count >= 0 && count < Infinity))
  if (wrong !== undefined) throw new RangeError(`Cannot test a table: a count is ${wrong}, wanted 0 or more`)
}

function forEachCell(
  table: ContingencyTable,
  expected: readonly (readonly number[])[],
  visit: (count: number, expected: number) => void,
): void {
  for (const [row, counts] of table.entries()) {
    for (const [column, count] of counts.entries()) visit(count, expected[row]![column]!)
  }
}

function upper(statistic: number, degreesOfFreedom: number): number {
  return degreesOfFreedom === 0 ? 1 : chiSquaredUpper(statistic, degreesOfFreedom)
}

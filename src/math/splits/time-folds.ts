/** Folds of rows in time: what is learned from must have been known when the test began. */
import { requireFolds, rowRange, rowsWhere, type Split } from './split.ts'

export interface TimeSeriesOptions {
  /** Rows between the end of the training and the test, left out of both; 0 unless it is said. */
  readonly gap?: number
  /** Rows of each test; those of the data by folds + 1 unless it is said. */
  readonly testRows?: number
  /** Most rows of the training, the latest ones; all unless it is said. */
  readonly trainRowsMax?: number
}

/**
 * Tests that follow one another, each after all it is trained on; the rows are in the order of time (scikit-learn's
 * `TimeSeriesSplit`, row by row).
 *
 * @throws RangeError where there are too few rows.
 */
export function timeSeriesSplit(rows: number, folds: number, options: TimeSeriesOptions = {}): Split[] {
  requireFolds(folds, rows - 1, 'rows after the first')
  const { gap = 0, testRows = Math.floor(rows / (folds + 1)), trainRowsMax = Infinity } = options
  requireCount('gap', gap, 0)
  requireCount('testRows', testRows, 1)
  if (trainRowsMax !== Infinity) requireCount('trainRowsMax', trainRowsMax, 1)
  const first = rows - folds * testRows
  if (first - gap <= 0) {
    const needed = `${folds} tests of ${testRows} rows and a gap of ${gap}`
    throw new RangeError(`Cannot split: ${rows} rows leave nothing to train on before ${needed}`)
  }
  return Array.from({ length: folds }, (_, fold) => {
    const start = first + fold * testRows
    const end = start - gap
    return { train: rowRange(Math.max(0, end - trainRowsMax), end), test: rowRange(start, start + testRows) }
  })
}

/** When each row was asked, and when it was known what became of it; in any unit, the same for both. */
export interface Spans {
  readonly from: ArrayLike<number>
  readonly until: ArrayLike<number>
}

/**
 * K tests that follow one another in time, trained on what is before **and** after, without what leaks: rows whose span touches
 * the test's are left out (purged), and so are those that begin less than `embargo` after the test has ended (López de Prado
 * 2018, *Advances in Financial Machine Learning*, §7.4). Rows may come in any order.
 *
 * @param embargo 0 or more, in the unit of the spans.
 * @throws RangeError where a span ends before it begins, or there are fewer rows than folds.
 */
export function purgedKFold({ from, until }: Spans, folds: number, embargo = 0): Split[] {
  if (from.length !== until.length)
    throw new RangeError(`Cannot split: ${from.length} spans begin, but ${until.length} end`)
  requireFolds(folds, from.length, 'rows')
  if (!(embargo >= 0)) throw new RangeError(`Cannot split: the embargo is ${embargo}, wanted 0 or more`)
  for (let row = 0; row < from.length; row++) {
    if (!(from[row]! <= until[row]!)) {
      throw new RangeError(
        `Cannot split: row ${row} is from ${from[row]} until ${until[row]}, wanted an end after the beginning`,
      )
    }
  }
  const order = Uint32Array.from(from, (_, row) => row).sort((a, b) => from[a]! - from[b]! || a - b)
  const [size, longer] = [Math.floor(from.length / folds), from.length % folds]
  let at = 0
  return Array.from({ length: folds }, (_, fold) => {
    const test = order.slice(at, at + size + (fold < longer ? 1 : 0)).sort()
    at += test.length
    const isTest = new Set(test)
    const start = test.reduce((least, row) => Math.min(least, from[row]!), Infinity)
    const end = test.reduce((most, row) => Math.max(most, until[row]!), -Infinity)
    const isApart = (row: number): boolean => until[row]! < start || from[row]! > end + embargo
    return { train: rowsWhere(from.length, row => !isTest.has(row) && isApart(row)), test }
  })
}

function requireCount(name: string, value: number, least: number): void {
  if (!(Number.isInteger(value) && value >= least)) {
    throw new RangeError(`Cannot split: ${name} is ${value}, wanted a whole number, at least ${least}`)
  }
}

/** A judgement in few bytes, for a long series of them. */
import { DRIFT_STATISTICS, type DriftStatistic } from '../registry/drift-keys.ts'
import type { Judgement, Verdict } from './judge.ts'

export interface JudgedWindow {
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly verdict: Verdict
  /** Column by column, in the order of the comparison: all statistics, NaN for none. */
  readonly values: Float64Array
  readonly verdicts: Uint8Array
  /** By column: the worst that decides. */
  readonly columnVerdicts: Uint8Array
}

export interface Cell {
  readonly value?: number
  readonly verdict: Verdict
}

const VERDICTS: readonly Verdict[] = ['not watched', 'too few', 'ok', 'warning', 'drift']
const WIDTH = DRIFT_STATISTICS.length

export function judgedWindow({ from, to, rows, verdict, columns }: Judgement): JudgedWindow {
  const values = new Float64Array(columns.length * WIDTH).fill(Number.NaN)
  const verdicts = new Uint8Array(columns.length * WIDTH)
  const columnVerdicts = new Uint8Array(columns.length)
  for (const [at, { measured, verdicts: found, verdict: ofColumn }] of columns.entries()) {
    columnVerdicts[at] = VERDICTS.indexOf(ofColumn)
    for (const [index, statistic] of DRIFT_STATISTICS.entries()) {
      values[at * WIDTH + index] = measured?.values[statistic] ?? Number.NaN
      verdicts[at * WIDTH + index] = VERDICTS.indexOf(found[statistic] ?? 'not watched')
    }
  }
  return { from, to, rows, verdict, values, verdicts, columnVerdicts }
}

/** What a statistic said of a column. */
export function cellOf({ values, verdicts }: JudgedWindow, column: number, statistic: DriftStatistic): Cell {
  const at = column * WIDTH + DRIFT_STATISTICS.indexOf(statistic)
  const verdict = VERDICTS[verdicts[at]!]!
  const value = values[at]!
  return Number.isNaN(value) ? { verdict } : { value, verdict }
}

/** The verdict on a column. */
export function columnVerdict({ columnVerdicts }: JudgedWindow, column: number): Verdict {
  return VERDICTS[columnVerdicts[column]!]!
}

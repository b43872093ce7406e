/** What a person or a program is told of a judgement: one reading for each column and statistic. */
import type { DriftStatistic } from '../registry/drift-keys.ts'
import type { JudgedColumn, Judgement, Verdict } from './judge.ts'
import { type Comparison, thresholdsOf } from './judge.ts'
import type { Measured } from './measure.ts'

export interface Reading {
  readonly feature: string
  readonly kind: 'feature' | 'output'
  /** Absent where the column is not watched. */
  readonly statistic?: DriftStatistic
  /** Absent where there is no number: no rows, no scale. */
  readonly value?: number
  /** Probability of such a difference by chance: of χ² for all but `ks`; `wasserstein` has none of its own and borrows that of `ks`. */
  readonly pValue?: number
  /** What the p-value has to be below for the difference to count. */
  readonly level?: number
  readonly rows: number
  readonly referenceRows: number
  /** The one that was reached, else the first that was not. */
  readonly threshold?: number
  readonly verdict: Verdict
  /** Whether the state of the model depends on it. */
  readonly decides: boolean
  readonly sentence: string
}

export const STATISTIC_NAMES: Readonly<Record<DriftStatistic, string>> = {
  psi: 'PSI',
  ks: 'Kolmogorov–Smirnov statistic',
  kl: 'Kullback–Leibler divergence',
  js: 'Jensen–Shannon divergence (nats)',
  js2: 'Jensen–Shannon divergence (bits)',
  wasserstein: 'Wasserstein distance (in standard deviations)',
  chi2: 'χ²',
}

/** All readings of a judgement, column by column, in the order of the reference. */
export function readingsOf(compared: Comparison, { columns, rows }: Judgement): Reading[] {
  return columns.flatMap(judged =>
    judged.measured === undefined
      ? [unwatched(judged, rows)]
      : judged.column.statistics
          .filter(statistic => judged.verdicts[statistic] !== 'not watched')
          .map(statistic => readingOf(compared, judged, statistic)),
  )
}

/** The reading that decided a judgement. */
export function causeReading(compared: Comparison, { cause }: Judgement): Reading | undefined {
  return cause && readingOf(compared, cause.column, cause.statistic)
}

function readingOf({ settings, level }: Comparison, judged: JudgedColumn, statistic: DriftStatistic): Reading {
  const { column, verdicts } = judged
  const measured = judged.measured!
  const verdict = verdicts[statistic]!
  const isOfNumbers = statistic === 'ks' || statistic === 'wasserstein'
  const { warning, drift } = thresholdsOf(settings, column, measured, statistic)
  const value = measured.values[statistic]
  const p = isOfNumbers ? measured.ksP : measured.chiSquaredP
  const facts: Facts = {
    judged,
    statistic,
    verdict,
    value,
    p,
    level,
    threshold: verdict === 'drift' ? drift : (warning ?? drift),
    rows: isOfNumbers ? measured.rowsPresent : measured.rows,
    minimum: settings.minimum,
  }
  return {
    feature: column.name,
    kind: column.kind,
    statistic,
    ...(value === undefined ? {} : { value }),
    ...(p === undefined || Number.isNaN(p) || statistic === 'wasserstein' ? {} : { pValue: p }),
    level,
    rows: facts.rows,
    referenceRows: column.referenceRows,
    threshold: facts.threshold,
    verdict,
    decides: settings.decide.includes(statistic),
    sentence: sentenceOf(facts),
  }
}

function unwatched({ column }: JudgedColumn, rows: number): Reading {
  const why = column.isSensitive
    ? 'it is sensitive, so the ledger does not hold it in clear'
    : 'nothing is counted of it'
  return {
    feature: column.name,
    kind: column.kind,
    rows,
    referenceRows: column.referenceRows,
    verdict: 'not watched',
    decides: false,
    sentence: `${column.name} is not watched: ${why}`,
  }
}

interface Facts {
  readonly judged: JudgedColumn
  readonly statistic: DriftStatistic
  readonly verdict: Verdict
  readonly value: number | undefined
  readonly p: number | undefined
  readonly level: number
  readonly threshold: number
  readonly rows: number
  readonly minimum: number
}

function sentenceOf({ judged, statistic, verdict, value, p, level, threshold, rows, minimum }: Facts): string {
  const { name, referenceRows } = judged.column
  if (verdict === 'too few') {
    if (referenceRows === 0) return `${name} cannot be judged: the reference has no rows`
    const without = judged.measured!.rows - rows
    const also = without > 0 ? ` and ${count(without)} without a value` : ''
    if (rows >= minimum) return `${name} cannot be judged: the reference has no values of it`
    return `${name} cannot be judged yet: ${count(rows)} predictions${also}, wanted ${count(minimum)}`
  }
  const its = `its ${STATISTIC_NAMES[statistic]} of ${short(value!)}`
  const sizes = `${count(rows)} predictions against ${count(referenceRows)} rows of the reference`
  const chance = p === undefined ? '' : `${pText(p)}; `
  if (verdict === 'ok') {
    if (value! < threshold) return `${name} is as in the reference: ${its} is below ${short(threshold)} (${sizes})`
    return `${name} may differ by chance alone: ${its} reaches ${short(threshold)}, but its p-value is not below ${short(level)} (${chance}${sizes})`
  }
  const what = verdict === 'drift' ? 'has drifted' : 'is shifting'
  return `${name} ${what}: ${its} reaches ${short(threshold)}, and chance does not explain it (${chance}${sizes}); ${mainChange(judged.column, judged.measured!)}`
}

/** Where most of the difference is: the joined bin that adds most to PSI. */
function mainChange({ joined, labels, referenceRows }: JudgedColumn['column'], measured: Measured): string {
  let most = -1
  let text = ''
  for (const [bin, label] of labels.entries()) {
    const [before, now] = [joined[bin]! / referenceRows, measured.joined[bin]! / measured.rows]
    const part = (now - before) * Math.log(Math.max(now, 1e-4) / Math.max(before, 1e-4))
    if (part <= most) continue
    most = part
    text = `mostly ${label}: ${percent(before)} of the reference, ${percent(now)} now`
  }
  return text
}

function pText(p: number): string {
  return p < 1e-12 ? 'p < 1e-12' : `p = ${short(p)}`
}

function short(value: number): string {
  const size = Math.abs(value)
  if (size >= 1000) return count(Math.round(value))
  return size > 0 && size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)))
}

function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

function percent(share: number): string {
  const value = share * 100
  return `${value === 0 || value >= 10 ? Math.round(value) : Number(value.toPrecision(2))} %`
}

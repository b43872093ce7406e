/**
 * Whether a window is like the reference. A statistic speaks only where the difference is both large, at or above its threshold,
 * and no accident: with 500 predictions, Kolmogorov–Smirnov exceeds its threshold of 0.05 in every fifth window of unchanged traffic,
 * so a threshold alone would cry wolf. The p-value has to be below `alpha` divided by the number of tests in the judgement (Bonferroni).
 */
import type { WindowCounts } from '../monitoring/window-counts.ts'
import type { DriftStatistic } from '../registry/drift-keys.ts'
import type { ReferenceProfile } from '../registry/profile.ts'
import type { Signature } from '../registry/signature.ts'
import { type ComparedColumn, comparedColumn } from './compared-column.ts'
import { type Measured, measureColumn } from './measure.ts'
import type { DriftSettings } from './settings.ts'

export type Verdict = 'ok' | 'warning' | 'drift' | 'too few' | 'not watched'

/** From good to bad. */
export const SEVERITY: Readonly<Record<Verdict, number>> = {
  'not watched': 0,
  'too few': 1,
  ok: 2,
  warning: 3,
  drift: 4,
}

/** How a version is compared with its reference. */
export interface Comparison {
  readonly columns: readonly ComparedColumn[]
  readonly settings: DriftSettings
  /** What a p-value must be below. */
  readonly level: number
}

export interface JudgedColumn {
  readonly column: ComparedColumn
  /** Absent where the column is not watched. */
  readonly measured?: Measured
  readonly verdicts: { readonly [statistic in DriftStatistic]?: Verdict }
  /** The worst of the statistics that decide. */
  readonly verdict: Verdict
}

export interface Judgement {
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly columns: readonly JudgedColumn[]
  /** The worst of the columns. */
  readonly verdict: Verdict
  /** What decided: of what is worst, that which is farthest beyond its threshold. */
  readonly cause?: { readonly column: JudgedColumn; readonly statistic: DriftStatistic }
}

export function comparison(profile: ReferenceProfile, signature: Signature, settings: DriftSettings): Comparison {
  const sensitive = new Set(signature.inputs.filter(input => input.sensitive).map(input => input.name))
  const columns = [
    ...profile.features.map(feature => comparedColumn(feature, 'feature', sensitive.has(feature.name))),
    ...profile.outputs.map(output => comparedColumn(output, 'output', false)),
  ]
  const watched = columns.filter(column => !column.isSensitive)
  const tests = watched.reduce((sum, { scale }) => sum + (scale === undefined ? 1 : 2), 0)
  return { columns, settings, level: settings.alpha / Math.max(1, tests) }
}

export function judgeWindow(compared: Comparison, window: WindowCounts): Judgement {
  const found = new Map(window.columns.map(({ kind, name, counts }) => [`${kind} ${name}`, counts]))
  const columns = compared.columns.map(column =>
    judgeColumn(compared, column, found.get(`${column.kind} ${column.name}`)),
  )
  const { from, to, rows } = window
  const verdict = worst(columns.map(column => column.verdict)) ?? 'not watched'
  const cause = causeOf(compared.settings, columns, verdict)
  return { from, to, rows, columns, verdict, ...(cause === undefined ? {} : { cause }) }
}

function judgeColumn(
  compared: Comparison,
  column: ComparedColumn,
  counts: readonly number[] | undefined,
): JudgedColumn {
  if (column.isSensitive || counts === undefined) return { column, verdicts: {}, verdict: 'not watched' }
  const measured = measureColumn(column, counts)
  const verdicts: { [statistic in DriftStatistic]?: Verdict } = {}
  for (const statistic of column.statistics) verdicts[statistic] = verdictOf(compared, column, measured, statistic)
  const deciding = compared.settings.decide.flatMap(statistic => verdicts[statistic] ?? [])
  return { column, measured, verdicts, verdict: worst(deciding) ?? 'not watched' }
}

function verdictOf(
  { settings, level }: Comparison,
  column: ComparedColumn,
  measured: Measured,
  statistic: DriftStatistic,
): Verdict {
  const { rows, rowsPresent, values } = measured
  const isOfNumbers = statistic === 'ks' || statistic === 'wasserstein'
  const value = values[statistic]
  // A column of one value has no scale: there is no distance, and nothing to say.
  if (value === undefined)
    return statistic === 'wasserstein' && column.scale?.deviation === 0 ? 'not watched' : 'too few'
  if ((isOfNumbers ? rowsPresent : rows) < settings.minimum) return 'too few'
  const p = isOfNumbers ? measured.ksP : measured.chiSquaredP
  if (p === undefined || !(p < level)) return 'ok'
  const { warning = Infinity, drift } = thresholdsOf(settings, column, measured, statistic)
  return value >= drift ? 'drift' : value >= warning ? 'warning' : 'ok'
}

/** Thresholds on the scale of the value: those of χ² are given for one that does not grow with the samples. */
export function thresholdsOf(
  { thresholds }: DriftSettings,
  { referenceRows }: ComparedColumn,
  { rows }: Measured,
  statistic: DriftStatistic,
): { readonly warning?: number; readonly drift: number } {
  const given = thresholds[statistic]
  if (statistic !== 'chi2') return given
  const scale = 1 / (1 / referenceRows + 1 / rows)
  return { drift: given.drift * scale, ...(given.warning === undefined ? {} : { warning: given.warning * scale }) }
}

export function worst(verdicts: readonly Verdict[]): Verdict | undefined {
  let found: Verdict | undefined
  for (const verdict of verdicts) if (found === undefined || SEVERITY[verdict] > SEVERITY[found]) found = verdict
  return found
}

function causeOf(settings: DriftSettings, columns: readonly JudgedColumn[], verdict: Verdict): Judgement['cause'] {
  if (SEVERITY[verdict] < SEVERITY.ok) return undefined
  let most = Number.NEGATIVE_INFINITY
  let cause: Judgement['cause']
  for (const column of columns) {
    for (const statistic of settings.decide) {
      if (column.verdicts[statistic] !== verdict) continue
      const value = column.measured!.values[statistic]!
      const share = value / thresholdsOf(settings, column.column, column.measured!, statistic).drift
      if (share > most) {
        most = share
        cause = { column, statistic }
      }
    }
  }
  return cause
}

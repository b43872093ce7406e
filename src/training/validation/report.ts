/** What a validation found: plain data, which is kept as evidence. */
import type { Estimate } from '../../math/inference/estimate.ts'
import type { ReliabilityBin } from '../../math/metrics/calibration.ts'
import type { DeclaredValidation } from '../../registry/validation-keys.ts'
import type { Difference, JudgedTask } from './measures.ts'

export const ABOUT = ['metrics', 'calibration', 'leaks', 'slices', 'stress', 'comparison'] as const
export type About = (typeof ABOUT)[number]

/** `failed` alone fails the whole; `skipped`: it does not apply, or cannot be told. */
export type CheckStatus = 'passed' | 'warned' | 'failed' | 'skipped'

/** One question, and its answer. */
export interface Check {
  readonly about: About
  /** Unique within a report, e.g. `leaks.targetCopy.balance`. */
  readonly name: string
  readonly status: CheckStatus
  /** A sentence for people. */
  readonly says: string
  readonly value?: number
  readonly low?: number
  readonly high?: number
  /** What the value, or the end of its interval, was held against. */
  readonly limit?: number
}

export interface SliceRow {
  readonly column: string
  /** `arland`, `34 to 45`, `missing`. */
  readonly slice: string
  readonly rows: number
  /** Of the slices' metric; absent where there are too few rows. */
  readonly estimate?: Estimate
}

export interface StressRow {
  readonly kind: 'missing' | 'shifted' | 'perturbed' | 'extreme'
  /** `balance`, `balance +1 sd`, `all numbers`. */
  readonly what: string
  /** The metric on these rows; absent where it does not exist. */
  readonly value?: number
  /** How much of the metric was lost, as a share of its value on the untouched rows; below 0: it got better. */
  readonly drop?: number
  /** Mean change of the answers, without sign. */
  readonly change: number
  /** Share of decisions that changed; not of a regression. */
  readonly flips?: number
  /** Answers that are no numbers. */
  readonly broken: number
}

export interface DataFacts {
  readonly sha256: string
  readonly rows: number
}

export interface Report {
  readonly format: 1
  readonly model: string
  readonly version: string
  readonly artifact: string
  readonly task: JudgedTask
  readonly passed: boolean
  readonly counts: Readonly<Record<CheckStatus, number>>
  readonly checks: readonly Check[]
  readonly metrics: Readonly<Record<string, Estimate>>
  readonly calibration?: {
    readonly bins: readonly ReliabilityBin[]
    readonly slope?: Estimate
    readonly inTheLarge?: Estimate
    readonly spiegelhalter: { readonly z: number; readonly pValue: number }
  }
  readonly slices: { readonly metric: string; readonly rows: readonly SliceRow[] }
  readonly stress: { readonly metric: string; readonly rows: readonly StressRow[] }
  readonly comparison?: {
    /** `churn@1.0.0` */
    readonly against: string
    readonly artifact: string
    readonly metric: string
    readonly rule: 'better' | 'not-worse'
    /** In the unit of the metric. */
    readonly margin: number
    /** By how much it is better than the champion. */
    readonly gain: Difference
    /** Rows on which one alone was right; of classifiers. */
    readonly discordant?: { readonly onlyThis: number; readonly onlyChampion: number; readonly pValue: number }
  }
  readonly evaluation: DataFacts
  readonly reference?: DataFacts
  /** The rules as they were applied, with the defaults for what was not said. */
  readonly rules: DeclaredValidation
  readonly at: number
  readonly notes: readonly string[]
}

export function countsOf(checks: readonly Check[]): Report['counts'] {
  const counts = { passed: 0, warned: 0, failed: 0, skipped: 0 }
  for (const { status } of checks) counts[status]++
  return counts
}

/** As people read numbers: at most four digits. */
export function shown(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : String(value)
}

export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`
}

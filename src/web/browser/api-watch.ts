/** What the API answers about a version over time, as far as pages read it. */
import type { Verdict } from '../../ui/charts/heat-map.ts'
import type { CountedBin } from '../../ui/charts/shown-bins.ts'
import type { StateName } from '../../ui/parts/state-mark.tsx'

export interface ModelBody {
  readonly name: string
  /** Ascending. */
  readonly versions: readonly string[]
  /** Version by alias. */
  readonly aliases: Readonly<Record<string, string>>
}

export interface VersionBody {
  readonly model: string
  readonly version: string
  readonly owner?: string
  readonly description?: string
  readonly format: string
  readonly task: string
  /** Where somebody else computes it. */
  readonly external?: {
    readonly kind: string
    readonly settings: { readonly command?: string; readonly trust?: boolean; readonly url?: string }
  }
  readonly registeredAt: number
  readonly registeredBy: string
  readonly statedMetrics: Readonly<Record<string, number>>
  readonly measuredMetrics?: Readonly<Record<string, number>>
  readonly limitations: readonly string[]
  readonly reference?: { readonly rows: number }
  /** The counts of the training data, where it was given. */
  readonly profile?: object
  readonly signature: {
    readonly inputs: readonly { readonly name: string; readonly unit?: string; readonly description?: string }[]
    readonly outputs: readonly { readonly name: string; readonly unit?: string }[]
  }
}

export interface ServiceWindow {
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly perSecond: number
  readonly p50Ms?: number
  readonly p95Ms?: number
  readonly p99Ms?: number
  readonly errorRate?: number
  readonly refusals: Readonly<Record<string, number>>
}

export interface ServiceBody {
  readonly state: StateName
  readonly sentence: string
  readonly targets: { readonly p99LatencyMs: number; readonly errorRate: number }
  /** The last hour. */
  readonly recent?: {
    readonly predictions: number
    readonly perSecond: number
    readonly p50Ms?: number
    readonly p95Ms?: number
    readonly p99Ms?: number
    readonly errorRate?: number
    readonly series: readonly number[]
  }
  readonly windows: readonly ServiceWindow[]
}

export interface DistributionBody {
  readonly referenceRows: number
  readonly outputs: readonly {
    readonly name: string
    readonly lowers?: readonly number[]
    readonly maximum?: number
    readonly categories?: readonly string[]
    /** By slot: bins, below and above (of categories: others), missing. */
    readonly reference: readonly number[]
  }[]
  readonly windows: readonly {
    readonly from: number
    readonly to: number
    readonly rows: number
    readonly outputs: readonly (readonly number[])[]
  }[]
}

export interface Reading {
  readonly feature: string
  readonly kind: 'feature' | 'output'
  readonly statistic?: string
  readonly value?: number
  readonly pValue?: number
  readonly rows: number
  readonly referenceRows: number
  readonly threshold?: number
  readonly verdict: Verdict
  readonly decides?: boolean
  readonly sentence: string
}

export interface JudgedSpan {
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly verdict: Verdict
}

export interface DriftBody {
  readonly state: Verdict | 'idle' | 'no reference'
  readonly since?: number
  readonly cause?: Reading
  readonly settings?: {
    readonly window: number
    readonly thresholds?: Readonly<Record<string, { readonly warning?: number; readonly drift: number }>>
  }
  readonly readings: readonly Reading[]
  readonly matrix: {
    readonly statistic: string
    readonly windows: readonly JudgedSpan[]
    readonly rows: readonly {
      readonly feature: string
      readonly kind: 'feature' | 'output'
      readonly cells: readonly { readonly value?: number; readonly verdict: Verdict; readonly columnVerdict: Verdict }[]
    }[]
  }
}

export interface FeatureBody {
  readonly feature: string
  readonly kind: 'feature' | 'output'
  readonly window?: JudgedSpan
  readonly referenceRows: number
  readonly bins: readonly CountedBin[]
  readonly readings: readonly Reading[]
}

export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
  readonly level: number
  readonly method: string
  readonly n: number
}

export interface QualityWindow {
  readonly from: number
  readonly to: number
  readonly predictions: number
  readonly outcomes: number
  /** Share of the predictions whose outcome is known. */
  readonly maturity?: number
  readonly metrics: Readonly<Record<string, Estimate>>
  /** Of a model of two classes, at its threshold. */
  readonly confusion?: {
    readonly truePositives: number
    readonly falsePositives: number
    readonly trueNegatives: number
    readonly falseNegatives: number
  }
}

export interface QualityBody {
  /** Oldest first. */
  readonly windows: readonly QualityWindow[]
  /** All of the range as one. */
  readonly total: QualityWindow
  /** Of a model that answers with probabilities. */
  readonly reliability?: readonly {
    readonly rows: number
    readonly meanScore: number
    readonly positiveShare: number
  }[]
}

/** What the API answers about explanations, as far as pages read it. */
import type { Scalar } from './api.ts'

type Numbers = Readonly<Record<string, number>>

export interface ExplanationBody {
  readonly outputs: Readonly<Record<string, Scalar>>
  readonly features: Readonly<Record<string, Scalar>>
  /** Whether the record says it; else it was computed now. */
  readonly kept: boolean
  readonly method: string
  readonly scale: string
  readonly explanation: {
    readonly bias: number | Numbers
    readonly contributions: Readonly<Record<string, number | Numbers>>
  }
  readonly reasons: readonly { readonly feature: string; readonly contribution: number; readonly text: string }[]
  readonly withheld?: { readonly features: readonly string[]; readonly because: 'sealed' | 'erased' }
}

export interface ExplanationsBody {
  readonly model: string
  readonly version: string
  readonly explain: 'always' | 'on-request'
  readonly output?: string
  readonly rows: number
  readonly features: readonly { readonly feature: string; readonly importance: number; readonly mean: number }[]
  readonly sealed: readonly string[]
  readonly sample: readonly {
    readonly id: string
    readonly values: readonly (Scalar | null)[]
    readonly contributions: readonly (number | null)[]
  }[]
}

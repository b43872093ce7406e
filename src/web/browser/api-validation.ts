/** What the API answers about validations, as far as pages read it. */

export interface ValidationsBody {
  /** The latest first. */
  readonly validations: readonly {
    readonly id: string
    readonly passed: boolean
    readonly counts: { readonly passed: number; readonly warned: number; readonly failed: number }
    readonly against?: string
    readonly at: number
    readonly by: string
  }[]
}

export interface CheckBody {
  readonly name: string
  readonly status: 'passed' | 'warned' | 'failed' | 'skipped'
  readonly says: string
}

export interface ValidationBody {
  readonly report: {
    readonly checks: readonly CheckBody[]
    readonly slices: {
      readonly metric: string
      readonly rows: readonly {
        readonly column: string
        readonly slice: string
        readonly rows: number
        readonly estimate?: { readonly value: number; readonly low: number; readonly high: number }
      }[]
    }
  }
}

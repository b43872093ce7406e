/** What the API answers about what is known of a version, as far as pages read it. */

export interface EvidenceBody {
  /** The oldest first. */
  readonly statements: readonly {
    readonly id: string
    readonly about: string
    readonly keyId: string
    readonly at: number
    readonly by: string
    readonly isBelieved: boolean
    readonly problem?: string
  }[]
}

export interface ApprovalsBody {
  readonly needed: number
  readonly approved: number
  readonly rejected: number
  readonly approvals: readonly {
    readonly id: string
    readonly decision: 'approved' | 'rejected'
    readonly comment: string
    readonly by: string
    readonly at: number
    readonly counts: boolean
  }[]
}

export interface StandingBody {
  readonly state: 'good' | 'deprecated' | 'retired'
  readonly reason?: string
  readonly successor?: string
  readonly sunsetAt?: number
  readonly at?: number
  readonly by?: string
  readonly days: number
  /** Those who called last first. */
  readonly callers: readonly { readonly actor: string; readonly calls: number; readonly lastAt: number }[]
}

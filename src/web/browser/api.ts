/** What the API answers, as far as pages read it. */

export type Scalar = number | boolean | string

interface RecordBody {
  readonly id: string
  readonly at: number
  readonly actor: string
  readonly source?: string
}

export interface ChangeRecord extends RecordBody {
  readonly action: string
  readonly target: string
  readonly model?: string
  readonly version?: string
  readonly detail?: unknown
}

export interface PredictionRecord extends RecordBody {
  readonly door: string
  readonly model: string
  readonly version: string
  readonly release?: string
  readonly arm?: string
  readonly requestId: string
  readonly traceId?: string
  readonly subject?: string
  readonly purpose?: string
  readonly features: Readonly<Record<string, Scalar>>
  readonly sealed?: string
  readonly outputs: Readonly<Record<string, Scalar>>
  readonly latencyMs: number
}

export interface OutcomeRecord extends RecordBody {
  readonly value: Scalar
  readonly happenedAt?: number
  readonly amount?: { readonly amount: number; readonly currency: string }
}

/** What an expert thinks of a prediction. */
export interface Review {
  readonly id: string
  readonly at: number
  readonly reviewer: string
  readonly verdict: 'agree' | 'disagree' | 'value'
  readonly value?: Scalar
  readonly comment?: string
  readonly erased?: boolean
}

export interface PredictionBody {
  readonly record: PredictionRecord
  readonly outcomes: readonly OutcomeRecord[]
  readonly reviews?: readonly Review[]
  readonly sensitive?: Readonly<Record<string, Scalar>>
  readonly erased?: boolean
}

export interface SignedHead {
  readonly size: number
  readonly root: string
  readonly at: number
  readonly previous: string
  readonly keyId: string
  readonly signature: string
}

export interface InclusionProof {
  readonly record: string
  readonly index: number
  readonly path: readonly string[]
  readonly head: SignedHead
  readonly publicKey: string
}

export interface SigningKeys {
  readonly ledger: string
  readonly keys: readonly { readonly keyId: string; readonly publicKey: string }[]
}

/**
 * The four kinds of record. A record is plain JSON; its evidence is its canonical bytes (RFC 8785), so what is not known
 * is *absent*, never `null`: a record has one form and one only, and a stored column that is null means an absent member.
 */

/** A value as a model received or answered it. A missing feature value is an absent member. */
export type Scalar = number | boolean | string

export interface Money {
  readonly amount: number
  /** ISO 4217. */
  readonly currency: string
}

interface Common {
  /** UUIDv7. */
  readonly id: string
  /** When the record was made: milliseconds since the epoch. */
  readonly at: number
  /** Who called (`Actor.id`). */
  readonly actor: string
  /** Address of the caller. */
  readonly source?: string
}

/** Numbers by name; of a model with several margins, by output first. */
export type Contributions = Readonly<Record<string, number | Readonly<Record<string, number>>>>

/** What moved an answer: `bias` and all contributions sum to its margin. See `docs/explanations.md`. */
export interface Explanation {
  readonly bias: number | Readonly<Record<string, number>>
  /** Of each feature, in units of the margin, without the sensitive ones; absent where all are sensitive. */
  readonly contributions?: Contributions
  /** How it was found, where it is not the exact method of the version: `kernel-shap`, `lime`… */
  readonly method?: string
  /** The contributions of the sensitive features, sealed with the subject's key (base64url). */
  readonly sealed?: string
}

/** An answer. */
export interface PredictionRecord extends Common {
  readonly kind: 'prediction'
  readonly door: string
  readonly model: string
  readonly version: string
  readonly release?: string
  readonly arm?: string
  readonly requestId: string
  /** Which row of its call, from 0; absent for the first, and so for all that came singly. */
  readonly row?: number
  readonly traceId?: string
  /** Keyed pseudonym of the subject. */
  readonly subject?: string
  /** What an experiment randomised on, as a pseudonym. */
  readonly unit?: string
  readonly purpose?: string
  /** Features as served, without missing ones and without those marked `sensitive`. */
  readonly features: Readonly<Record<string, Scalar>>
  /** The sensitive features, sealed with the subject's key (base64url). */
  readonly sealed?: string
  readonly outputs: Readonly<Record<string, Scalar>>
  readonly explanation?: Explanation
  /** From the door to the append, milliseconds, three decimals. */
  readonly latencyMs: number
}

/** An invocation that was not answered; or `count` like ones of one caller within a second. */
export interface RefusalRecord extends Common {
  readonly kind: 'refusal'
  readonly door: string
  /** `ProblemCode`. */
  readonly code: string
  /** HTTP status of the code. */
  readonly status: number
  /** Only a model that exists: callers may not write free text into the ledger. */
  readonly model?: string
  readonly version?: string
  /** Of the first one, as `traceId`. */
  readonly requestId: string
  readonly traceId?: string
  /** Names of the offending fields that the signature knows, sorted; never values. */
  readonly fields?: readonly string[]
  readonly count: number
}

/** What became of a prediction, or of a subject of a model. */
export interface OutcomeRecord extends Common {
  readonly kind: 'outcome'
  readonly model?: string
  readonly predictionId?: string
  readonly subject?: string
  readonly value: Scalar
  readonly happenedAt?: number
  readonly amount?: Money
  /** Id of the outcome of the same prediction that this one takes the place of. */
  readonly corrects?: string
}

/** Anything an actor did to the system. */
export interface ChangeRecord extends Common {
  readonly kind: 'change'
  /** `model:registered`, `alias:moved`, `key:created`… */
  readonly action: string
  /** What it was done to: `churn@1.0.0`, `key:7f3a…`. */
  readonly target: string
  readonly model?: string
  readonly version?: string
  /** JSON of the action; its meaning belongs to the slice that wrote it. No personal data. */
  readonly detail?: unknown
}

export type LedgerRecord = PredictionRecord | RefusalRecord | OutcomeRecord | ChangeRecord
export type RecordKind = LedgerRecord['kind']
export const RECORD_KINDS: readonly RecordKind[] = ['prediction', 'refusal', 'outcome', 'change']

/** How long a record must have lasted before its writer hears of it: the process's death, or the machine's. */
export type Durability = 'process' | 'power'

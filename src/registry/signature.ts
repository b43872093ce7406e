/** What goes into a model and what comes out: the data from which validators, OpenAPI schemas and cards are made. */

/**
 * `numeric` is a number or a boolean, where the artifact is the only evidence and nothing more is known. A `boolean` also
 * takes 0 and 1, because that is how training data writes it.
 */
export type FeatureType = 'number' | 'integer' | 'boolean' | 'string' | 'numeric'

export interface Feature {
  readonly name: string
  readonly type: FeatureType
  readonly description?: string
  readonly unit?: string
  /** Declared limits: a value outside is refused. */
  readonly minimum?: number
  readonly maximum?: number
  /** Allowed texts of a `string` feature, in code order: the model receives the index. */
  readonly categories?: readonly string[]
  /** JSON `null` is a missing value. */
  readonly nullable: boolean
  /** Never enters the ledger or a log in clear. */
  readonly sensitive: boolean
  /** A protected attribute, for fairness. */
  readonly protected: boolean
  /** Seen in the reference data: told, counted, never enforced. */
  readonly observed?: {
    readonly minimum?: number
    readonly maximum?: number
    readonly missing: number
    readonly distinct: number
  }
}

export interface Output {
  readonly name: string
  readonly type: 'number' | 'integer' | 'string'
  readonly description?: string
  readonly unit?: string
  readonly minimum?: number
  readonly maximum?: number
}

export interface Signature {
  readonly inputs: readonly Feature[]
  readonly outputs: readonly Output[]
}

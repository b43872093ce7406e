/** A registered version: immutable from the moment it is registered. */

import type { DatasetSnapshot } from '../data/snapshot.ts'
import type { Durability } from '../ledger/record.ts'
import type { ExternalModel } from '../predictor/external.ts'
import type { ArtifactFormat, Task } from '../predictor/predictor.ts'
import type { DeclaredDrift } from './drift-keys.ts'
import type { DeclaredReasons, ExplainMode } from './explain-keys.ts'
import type { DeclaredService } from './service-keys.ts'
import type { Signature } from './signature.ts'
import type { DeclaredValidation } from './validation-keys.ts'

export interface Uses {
  /** Purposes it may be used for; empty: any that is not prohibited. */
  readonly permitted: readonly string[]
  readonly prohibited: readonly string[]
  /** A request must state its purpose. */
  readonly required: boolean
}

export interface StoredFile {
  readonly sha256: string
  readonly bytes: number
}

/** Where a version was made of what MLflow's client logged. */
export interface Origin {
  /** As the caller named it: `models:/churn/3`. */
  readonly source: string
  /** The run that logged it. */
  readonly run?: string
  readonly loggedModel?: string
  /** What the file MLmodel calls the way it is read. */
  readonly flavor: string
}

export interface ModelVersion {
  readonly model: string
  readonly version: string
  readonly owner?: string
  readonly description?: string
  readonly format: ArtifactFormat
  readonly task: Task
  readonly objective: string
  readonly artifact: StoredFile
  /** Absent where it was uploaded. */
  readonly origin?: Origin
  readonly signature: Signature
  readonly uses: Uses
  readonly limitations: readonly string[]
  /** Stated by the trainer. */
  readonly statedMetrics: Readonly<Record<string, number>>
  /** Recomputed by us on the evaluation data. */
  readonly measuredMetrics?: Readonly<Record<string, number>>
  /** Dataset snapshots: the training data that the profile describes, and the data the metrics were measured on. */
  readonly reference?: DatasetSnapshot
  readonly evaluation?: DatasetSnapshot
  /** Object that holds the reference profile as JSON. */
  readonly profile?: StoredFile
  /** A score from here on is a positive decision, as far as model.yaml says it; else `THRESHOLD`. */
  readonly threshold?: number
  /** The column of what really happened, as far as model.yaml says it. */
  readonly target?: string
  /** What it must show before it may be champion, as far as model.yaml says it. */
  readonly validation?: DeclaredValidation
  /** People who must approve of it before it may be champion, as the configuration had it at registration. */
  readonly approvals?: number
  /** How drift is judged, as far as model.yaml says it. */
  readonly drift?: DeclaredDrift
  /** What its service must be like, as far as model.yaml says it. */
  readonly service?: DeclaredService
  /** Whether each answer is explained with its record. Absent: registered before answers could be. */
  readonly explain?: ExplainMode
  /** Sentences for people, as far as model.yaml has them. */
  readonly reasons?: DeclaredReasons
  /** Object that holds the background sample as JSON. */
  readonly background?: StoredFile
  readonly durability: Durability
  /** Where somebody else computes it: who, and how they are asked. */
  readonly external?: ExternalModel
  /** Facts of the artifact: trees, depth… */
  readonly facts: Readonly<Record<string, number | string>>
  /** It was signed when it was registered, and is not served without a signature that is believed. Absent: registered before. */
  readonly evidence?: 'signed'
  readonly registeredAt: number
  readonly registeredBy: string
}

export interface Alias {
  readonly model: string
  readonly alias: string
  readonly version: string
  readonly movedAt: number
  readonly movedBy: string
}

/** What every way to run a foreign model gives. */
import type { Surroundings } from '../platform/surroundings.ts'
import type { ExternalColumn, ExternalModel } from '../predictor/external.ts'
import type { AwaitedPredictor } from '../predictor/predictor.ts'

/** Where a run time is. */
export interface Host extends Surroundings {
  /** Aborted when the server ends: what is only about to start need not. */
  readonly closing: AbortSignal
}

/** What a run time is told of the model that it runs. */
export interface Served {
  /** `churn@1.0.0`: for messages, logs and metrics. */
  readonly name: string
  /** The artifact; asked for whenever it is loaded again. Rejects where it is not what was registered. */
  readonly artifact: () => Promise<Uint8Array>
}

/** Counts for `/metrics`. */
export type RuntimeCounts = Readonly<Record<string, number>>

export interface Runtime {
  readonly predictor: AwaitedPredictor
  readonly counts: () => RuntimeCounts
}

/** A model that told what it is, and waits to be told what its columns hold. */
export interface Described {
  /** Without columns. Its features are none where the model tells neither their names nor their number. */
  readonly model: ExternalModel
  /** What a person should know. Sentences. */
  readonly notes: readonly string[]
  /** Opened, with the columns in the order in which the model takes them; `model` is complete then. */
  open(columns: readonly ExternalColumn[]): Promise<Runtime & { readonly model: ExternalModel }>
  /** Where it is not opened. */
  close(): Promise<void>
}

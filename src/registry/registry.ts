/**
 * Models and their versions. Registering is slow and careful (examination in a worker thread, SQL transactions);
 * asking what there is costs a look into memory, so that the journey of a request never waits for a database.
 */
import type { Predictor } from '../predictor/predictor.ts'
import type { Actor } from '../route.ts'
import type { ReferenceProfile } from './profile.ts'
import type { Alias, ModelVersion, StoredFile } from './version.ts'

/** What the data plane may ask. In memory, no SQL; a snapshot that `refresh` replaces. */
export interface Catalogue {
  has(model: string): boolean
  /** Sorted. */
  names(): readonly string[]
  /** Ascending by precedence (semver.org §11); empty for an unknown model. */
  versions(model: string): readonly string[]
  /** Sorted by name; empty for an unknown model. */
  aliases(model: string): readonly Alias[]
  /** The version that a semantic version or an alias names. */
  resolve(model: string, reference: string): string | undefined
  version(model: string, version: string): ModelVersion | undefined
}

/** The uploads of a registration, by role. */
export const FILE_ROLES = ['artifact', 'reference', 'evaluation'] as const
export type FileRole = (typeof FILE_ROLES)[number]

/** What is to be registered: files that `receive` has stored, and the words about them. */
export interface Submission {
  /** The text of a model.yaml, or, for a bare artifact, its name and version. */
  readonly manifest: string | { readonly name: string; readonly version: string }
  readonly files: { readonly artifact: StoredFile } & { readonly [role in Exclude<FileRole, 'artifact'>]?: StoredFile }
}

export interface Registered {
  readonly version: ModelVersion
  /** False where the same bytes and manifest were registered before: then nothing changed. */
  readonly created: boolean
  /** What a person should know: inferred facts, columns that were not used. Sentences. */
  readonly notes: readonly string[]
}

/** A version ready to answer. */
export interface LoadedVersion {
  readonly version: ModelVersion
  readonly predictor: Predictor
  readonly profile?: ReferenceProfile
}

export interface CatalogueChange {
  readonly model: string
  /** A version that is new, or an alias that was moved (then `version` is where to) or removed (then absent). */
  readonly version?: string
  readonly alias?: string
}

export interface Registry {
  readonly catalogue: Catalogue
  /** Stores an upload within the limit of its role; throws `too_large`. */
  receive(role: FileRole, source: AsyncIterable<Uint8Array>): Promise<StoredFile>
  /**
   * Examines and registers. Throws `invalid` where artifact, manifest and data disagree or stated metrics are not
   * reproduced, `conflict` where the version exists with other content. Whatever is thrown, nothing became visible.
   */
  register(submission: Submission, by: Actor, source?: string): Promise<Registered>
  /** Reads, verifies (SHA-256) and compiles the artifact. Not cached: serving keeps what it serves. */
  load(model: string, version: string): Promise<LoadedVersion>
  /** The reference profile; throws `not_found` where the version was registered without reference data. */
  profile(model: string, version: string): Promise<ReferenceProfile>
  /** Points an alias at a version (semver or alias). Moving it to where it is already changes nothing. */
  setAlias(model: string, alias: string, reference: string, by: Actor, source?: string): Promise<Alias>
  /** Throws `not_found` where there is no such alias. */
  removeAlias(model: string, alias: string, by: Actor, source?: string): Promise<void>
  /** Takes in what other replicas changed. */
  refresh(): Promise<void>
  /** Calls `listener` after the catalogue changed, whoever changed it. Returns how to stop. */
  onChange(listener: (change: CatalogueChange) => void): () => void
}

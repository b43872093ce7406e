/** What is handed in to be registered, and what comes of it. */
import type { ModelVersion, Origin, StoredFile } from './version.ts'

/** The uploads of a registration, by role. */
export const FILE_ROLES = ['artifact', 'reference', 'evaluation'] as const
export type FileRole = (typeof FILE_ROLES)[number]

/** What is to be registered: files that `receive` has stored, and the words about them. */
export interface Submission {
  /** The text of a model.yaml, or, for a bare artifact, its name and version. */
  readonly manifest: string | { readonly name: string; readonly version: string }
  readonly files: { readonly artifact: StoredFile } & { readonly [role in Exclude<FileRole, 'artifact'>]?: StoredFile }
  /** Text of the requirements.txt that model.yaml names. */
  readonly requirements?: string
  readonly origin?: Origin
}

export interface Registered {
  readonly version: ModelVersion
  /** False where the same bytes and manifest were registered before: then nothing changed. */
  readonly created: boolean
  /** What a person should know: inferred facts, columns that were not used. Sentences. */
  readonly notes: readonly string[]
}

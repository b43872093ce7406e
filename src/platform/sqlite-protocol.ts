/** What the answering thread and the thread that owns a SQLite connection say to each other. */

import type { SqlValue } from './parameters.ts'

export interface SqliteRequest {
  readonly id: number
  /**
   * `run` executes a statement and returns all of its rows; `rollback` ends a transaction if there is one; `close` closes
   * the connection and ends the thread.
   */
  readonly do: 'run' | 'rollback' | 'close'
  readonly sql?: string
  readonly parameters?: readonly SqlValue[]
}

export interface SqliteAnswer {
  readonly id: number
  /** Names of the columns; absent where the statement returns no rows. */
  readonly columns?: readonly string[]
  readonly rows?: readonly (readonly SqlValue[])[]
  readonly changes?: bigint
  readonly insertId?: bigint
  readonly error?: { readonly message: string; readonly errcode: number | undefined }
}

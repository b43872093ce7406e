/** What the answering thread and the thread that owns a SQLite connection say to each other. */

import type { SqlValue } from './parameters.ts'

export interface SqliteRequest {
  readonly id: number
  /**
   * `run` executes a statement and returns all of its rows; `many` executes one for each row of `columns`; `rollback` ends a transaction if there is one; `close` closes
   * the connection and ends the thread.
   */
  readonly do: 'run' | 'many' | 'rollback' | 'close'
  /** A transaction is begun before. Immediate: one that first reads and then writes must not find out in between that it may not write. */
  readonly begins?: boolean
  readonly sql?: string
  readonly parameters?: readonly SqlValue[]
  /** Values of the parameters, each of all rows. Those that are numbers throughout come packed. */
  readonly columns?: readonly (readonly SqlValue[] | Float64Array)[]
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

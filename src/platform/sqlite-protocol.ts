/** What the answering thread and the thread that owns a SQLite connection say to each other. */

export type SqliteValue = null | number | bigint | string | Uint8Array

export interface SqliteRequest {
  readonly id: number
  /**
   * `run` executes a statement and returns all of its rows; `open` starts a cursor, `next` returns up to `rowsMax` more of
   * its rows, `end` ends it; `close` closes the connection and ends the thread.
   */
  readonly do: 'run' | 'open' | 'next' | 'end' | 'close'
  readonly sql?: string
  readonly parameters?: readonly SqliteValue[]
  readonly cursor?: number
  readonly rowsMax?: number
}

export interface SqliteAnswer {
  readonly id: number
  /** Names of the columns; absent where the statement returns no rows. */
  readonly columns?: readonly string[]
  readonly rows?: readonly (readonly SqliteValue[])[]
  readonly changes?: bigint
  readonly insertId?: bigint
  readonly error?: { readonly message: string; readonly errcode: number | undefined }
}

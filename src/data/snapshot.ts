/** A dataset snapshot: what a file of rows was at the moment it was used, by the SHA-256 of its bytes. */
import type { CsvTable } from './csv.ts'

export interface DatasetSnapshot {
  /** Of the bytes as they were given (compressed, if they were), lower-case hexadecimal. */
  readonly sha256: string
  readonly bytes: number
  readonly rows: number
  /** In the order of the file. */
  readonly columns: readonly string[]
}

export function snapshotOf(
  file: { readonly sha256: string; readonly bytes: number },
  table: CsvTable,
): DatasetSnapshot {
  return { sha256: file.sha256, bytes: file.bytes, rows: table.rows, columns: table.header }
}

/** What the name of a file of rows says. */
import { Problem } from '../../errors.ts'

export type FileKind = 'csv' | 'jsonl' | 'parquet'

export interface FileFormat {
  readonly kind: FileKind
  readonly gzip: boolean
}

const ENDINGS: Readonly<Record<string, FileKind>> = { csv: 'csv', jsonl: 'jsonl', ndjson: 'jsonl', parquet: 'parquet' }
const WANTED = '.csv, .jsonl (each also with .gz) or .parquet'

/** Throws `usage` where the name says nothing we know. `role` is `input` or `output`. */
export function fileFormat(path: string, role: string): FileFormat {
  const [, ending = '', gz] = /\.([a-z]+)(\.gz)?$/i.exec(path) ?? []
  const kind = ENDINGS[ending.toLowerCase()]
  if (kind === undefined) throw new Problem('usage', `Cannot use ${path} as ${role}: its name must end in ${WANTED}`)
  if (kind === 'parquet' && gz !== undefined) {
    throw new Problem('usage', `Cannot use ${path} as ${role}: Parquet is compressed inside; leave out .gz`)
  }
  return { kind, gzip: gz !== undefined }
}

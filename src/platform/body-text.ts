import { isUtf8 } from 'node:buffer'
import { Problem } from '../errors.ts'

/** The text of a body. Throws `malformed` where the bytes are not UTF-8. */
export function bodyText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  throw new Problem('malformed', 'Cannot read the body: its bytes are not UTF-8')
}

import { Problem } from '../../errors.ts'

/** The path of `MODEL@VERSION` in the API. Throws `usage`. */
export function placeOfVersion(text: string): string {
  const at = text.indexOf('@')
  if (at > 0 && at < text.length - 1) {
    return `/models/${encodeURIComponent(text.slice(0, at))}/versions/${encodeURIComponent(text.slice(at + 1))}`
  }
  throw new Problem(
    'usage',
    `Cannot tell which version ${JSON.stringify(text)} is: wanted MODEL@VERSION or MODEL@ALIAS`,
  )
}

/** What a token looks like, and who says whose it is: known without what judges one (`tokens.ts`). */
import type { Actor } from '../route.ts'

const CHARACTERS_MAX = 8_192

export interface Tokens {
  /** Resolves once the token is judged; undefined where it is already. Never rejects. */
  judged(token: string): Promise<void> | undefined
  /** Whose token it is, by the last judgement. Throws `unauthenticated`, or `unavailable` where it is not judged or the issuer cannot be asked. */
  actor(token: string): Actor
}

/** Whether a text has the form of a token: three parts, of which the last may not be left out. */
export function isToken(text: string): boolean {
  return text.length <= CHARACTERS_MAX && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)
}

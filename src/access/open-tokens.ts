/** Tokens as the configuration has them. */
import { createHmac } from 'node:crypto'
import type { Clock } from '../platform/clock.ts'
import type { Keyring } from '../platform/crypto.ts'
import type { Tokens } from './token.ts'
import { type OidcKeys, tokenSettings } from './token-settings.ts'

const PSEUDONYM_BYTES = 9

/** Undefined where no issuer is named: what judges tokens is loaded only where there are some. Rejects with `misconfigured`. */
export async function configuredTokens(
  oidc: OidcKeys,
  clock: Clock,
  { derive }: Pick<Keyring, 'derive'>,
): Promise<Tokens | undefined> {
  const settings = tokenSettings(oidc)
  if (settings === undefined) return undefined
  const key = derive('pseudonym/user')
  const pseudonym = (subject: string): string =>
    createHmac('sha256', key).update(subject).digest().subarray(0, PSEUDONYM_BYTES).toString('base64url')
  const { openTokens } = await import('./tokens.ts')
  return openTokens({ settings, clock, pseudonym })
}

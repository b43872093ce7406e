/**
 * JSON Web Tokens of an OpenID provider, taken beside API keys (RFC 7519, RFC 9068, OpenID Connect Discovery 1.0). Judging
 * one takes a signature and perhaps the issuer's keys, so it is done before a request is looked at, and remembered for a
 * minute: whoever answers meanwhile looks into a table.
 */
import {
  createRemoteJWKSet,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose'
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Actor } from '../route.ts'
import type { Tokens } from './token.ts'
import type { TokenSettings } from './token-settings.ts'

export interface TokenParts {
  readonly settings: TokenSettings
  readonly clock: Clock
  /** A name for a subject that tells nothing of it, always the same. */
  readonly pseudonym: (subject: string) => string
}

/** A token that was found good is asked again after so long: then its key may be gone. */
const GOOD_MS = 60_000
/** One that was not may have a key by then that we did not know. */
const BAD_MS = 1_000
const VERDICTS_MAX = 10_000
/** How long keys are kept, and how soon they may be asked for again when a token names another. */
const KEYS_KEPT_MS = 300_000
const KEYS_COOLDOWN_MS = 1_000
const KEYS_TIMEOUT_MS = 5_000
const TYPES: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt'])
const EXPIRED = 'the token has expired'

/** Asked again from `until` on. */
type Verdict = { readonly until: number } & (
  | { readonly actor: Actor; readonly endsAt: number }
  | { readonly problem: Problem }
)

export function openTokens(parts: TokenParts): Tokens {
  const { clock } = parts
  const verify = verifier(parts)
  const verdicts = new Map<string, Verdict>()
  const judging = new Map<string, Promise<void>>()

  const judge = async (token: string): Promise<void> => {
    const verdict = await verify(token)
    if (verdicts.size >= VERDICTS_MAX) verdicts.delete(verdicts.keys().next().value!)
    verdicts.set(token, verdict)
    judging.delete(token)
  }
  return {
    judged(token) {
      const verdict = verdicts.get(token)
      if (verdict !== undefined && clock.now() < verdict.until) return undefined
      let pending = judging.get(token)
      if (pending === undefined) {
        pending = judge(token)
        judging.set(token, pending)
      }
      return pending
    },
    actor(token) {
      const verdict = verdicts.get(token)
      if (verdict === undefined) {
        const message = 'Cannot tell who calls: the token was not judged yet, try again'
        throw new Problem('unavailable', message, { retryAfterSeconds: 1 })
      }
      if ('problem' in verdict) throw verdict.problem
      if (clock.now() >= verdict.endsAt) throw refusal(EXPIRED)
      return verdict.actor
    },
  }
}

/** Never rejects. */
function verifier({ settings, clock, pseudonym }: TokenParts): (token: string) => Promise<Verdict> {
  const { issuer, audience, algorithms, clockSkewMs } = settings
  const keys = issuerKeys(settings)
  const options = () => ({
    issuer,
    audience,
    algorithms: [...algorithms],
    clockTolerance: clockSkewMs / 1000,
    requiredClaims: ['exp', 'sub'],
    currentDate: new Date(clock.now()),
  })
  return async token => {
    try {
      const { payload, protectedHeader } = await withAnyKey(token, await keys(), options)
      const type = protectedHeader.typ?.toLowerCase()
      if (type !== undefined && !TYPES.has(type)) throw refusal('the token is not one for access')
      const endsAt = payload.exp! * 1000 + clockSkewMs
      return { until: clock.now() + GOOD_MS, endsAt, actor: actorOf(payload, settings, pseudonym) }
    } catch (error) {
      return { until: clock.now() + BAD_MS, problem: problemOf(error) }
    }
  }
}

/** Several keys may fit where the token names none: each is tried. */
async function withAnyKey(
  token: string,
  keys: JWTVerifyGetKey,
  options: () => Parameters<typeof jwtVerify>[2],
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, keys, options())
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options())
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

/** Where the issuer's keys are is asked once; as long as that fails, again with the next token. */
function issuerKeys({ issuer, jwks }: TokenSettings): () => Promise<JWTVerifyGetKey> {
  let found: JWTVerifyGetKey | undefined
  return async () => {
    found ??= createRemoteJWKSet(jwks ?? (await discovered(issuer)), {
      cacheMaxAge: KEYS_KEPT_MS,
      cooldownDuration: KEYS_COOLDOWN_MS,
      timeoutDuration: KEYS_TIMEOUT_MS,
    })
    return found
  }
}

async function discovered(issuer: string): Promise<URL> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const answer = await fetch(address, { signal: AbortSignal.timeout(KEYS_TIMEOUT_MS), redirect: 'error' })
  const document = (await answer.json()) as { readonly issuer?: unknown; readonly jwks_uri?: unknown }
  if (document.issuer !== issuer || typeof document.jwks_uri !== 'string')
    throw new Error(`Cannot use ${address}: it describes ${String(document.issuer)}, ${issuer} was wanted`)
  return new URL(document.jwks_uri)
}

function actorOf(payload: JWTPayload, { roles }: TokenSettings, pseudonym: TokenParts['pseudonym']): Actor {
  const subject = payload.sub!
  const named = ['preferred_username', 'name', 'client_id'].map(claim => payload[claim])
  const name = named.find((value): value is string => typeof value === 'string') ?? subject
  const id = `user:${pseudonym(`${payload.iss}\n${subject}`)}`
  return Object.freeze({ id, name, roles: Object.freeze(roles(payload)) })
}

function refusal(found: string, cause?: unknown): Problem {
  return new Problem('unauthenticated', `Cannot tell who calls: ${found}`, cause === undefined ? {} : { cause })
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof errors.JWTExpired) return refusal(EXPIRED)
  if (error instanceof errors.JWTClaimValidationFailed)
    return refusal(`the token is not valid here, by its ${error.claim}`)
  if (error instanceof errors.JOSEAlgNotAllowed) return refusal('the token is signed in a way that is not taken')
  if (error instanceof errors.JWKSNoMatchingKey)
    return refusal('the token is signed by a key that its issuer does not have')
  if (error instanceof errors.JWSSignatureVerificationFailed) return refusal("the token's signature is not right")
  const isToken = error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid
  if (isToken || error instanceof errors.JOSENotSupported) return refusal('the token cannot be read')
  const message = "Cannot tell who calls: the issuer's keys cannot be had now"
  return new Problem('unavailable', message, { cause: error, retryAfterSeconds: 1 })
}

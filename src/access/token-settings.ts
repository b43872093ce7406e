/** Whose tokens are taken, and what their claims mean here. Pure. */
import { Problem } from '../errors.ts'
import { isLoopback } from './keyless.ts'
import { isRole, ROLE_NAMES, type Role } from './roles.ts'

/** As the configuration has it. */
export interface OidcKeys {
  readonly issuer?: string
  readonly audience?: string
  readonly jwks?: string
  readonly algorithms: string
  readonly clockSkewMs: number
  readonly rolesClaim: string
  readonly roles: string
}

export interface TokenSettings {
  readonly issuer: string
  readonly audience: string
  /** Where the issuer's keys are, where that is not to be discovered. */
  readonly jwks: URL | undefined
  readonly algorithms: readonly string[]
  readonly clockSkewMs: number
  /** Our roles that the claims of a token give. */
  readonly roles: (claims: Readonly<Record<string, unknown>>) => Role[]
}

/** Signatures by a key of which only the issuer has the secret half. */
const ALGORITHMS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
]

/** Undefined where no issuer is named. Throws `misconfigured`. */
export function tokenSettings(keys: OidcKeys): TokenSettings | undefined {
  const { issuer, audience, jwks, clockSkewMs, rolesClaim } = keys
  if (issuer === undefined) return undefined
  if (audience === undefined) {
    throw misconfigured(
      'oidc.issuer is given without oidc.audience, wanted the name that its tokens for this server carry',
    )
  }
  for (const address of [issuer, jwks]) if (address !== undefined) requireSafe(address)
  const algorithms = items(keys.algorithms)
  const strange = algorithms.find(name => !ALGORITHMS.includes(name))
  if (strange !== undefined || algorithms.length === 0) {
    throw misconfigured(`oidc.algorithms has ${strange ?? 'nothing'}, wanted some of ${ALGORITHMS.join(', ')}`)
  }
  const meanings = roleMeanings(keys.roles)
  const roles = (claims: Readonly<Record<string, unknown>>): Role[] => {
    const named = new Set(textsOf(claimAt(claims, rolesClaim)).flatMap(text => meanings(text)))
    return ROLE_NAMES.filter(role => named.has(role))
  }
  return { issuer, audience, jwks: jwks === undefined ? undefined : new URL(jwks), algorithms, clockSkewMs, roles }
}

function misconfigured(found: string): Problem {
  return new Problem('misconfigured', `Cannot take tokens: ${found}`)
}

/** Whoever can change what the issuer says on its way to us can make tokens. */
function requireSafe(address: string): void {
  const { protocol, hostname } = new URL(address)
  if (protocol === 'https:' || isLoopback(hostname)) return
  throw misconfigured(`${address} is not protected on its way, wanted https`)
}

function items(text: string): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

/** What a role of the issuer means here: by the pairs that are given, or by its name. */
function roleMeanings(text: string): (theirs: string) => Role[] {
  const pairs = items(text).map(pair => {
    const at = pair.lastIndexOf('=')
    const [theirs, ours] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
    if (at < 1 || !isRole(ours)) {
      throw misconfigured(
        `oidc.roles has ${JSON.stringify(pair)}, wanted theirs=ours with one of ${ROLE_NAMES.join(', ')}`,
      )
    }
    return { theirs, ours }
  })
  if (pairs.length === 0) return theirs => (isRole(theirs) ? [theirs] : [])
  return theirs => pairs.filter(pair => pair.theirs === theirs).map(({ ours }) => ours)
}

/** A claim by its whole name, which may have dots (a URL), or else inside of others. */
function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  return path.split('.').reduce<unknown>((at, name) => {
    const isInside = typeof at === 'object' && at !== null && Object.hasOwn(at, name)
    return isInside ? (at as Record<string, unknown>)[name] : undefined
  }, claims)
}

/** A list of texts, or one text with several words, as `scope` has it. */
function textsOf(claim: unknown): string[] {
  if (Array.isArray(claim)) return claim.filter(item => typeof item === 'string')
  return typeof claim === 'string' ? claim.split(/[\s,]+/) : []
}

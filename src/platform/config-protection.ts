/** The keys of the configuration that protect a server: limits of rate and of what waits, who calls, TLS, pages of others. */
import { Type } from 'typebox'
import type { ConfigKey } from './config-keys.ts'

export interface LimitsOfRate {
  /** Requests a second; 0 is no limit. */
  readonly addressRate: number
  readonly keyRate: number
  readonly modelRate: number
  /** Seconds. */
  readonly burstSeconds: number
}

export interface LimitsOfWaiting {
  readonly queueMax: number
  readonly queueMsMax: number
  readonly headerTimeoutMs: number
  readonly connectionsMax: number
}

export interface OidcConfig {
  readonly issuer?: string
  readonly audience?: string
  readonly jwks?: string
  /** Separated by commas. */
  readonly algorithms: string
  readonly clockSkewMs: number
  readonly rolesClaim: string
  /** `theirs=ours` pairs, separated by commas. */
  readonly roles: string
}

export interface TlsConfig {
  /** Paths of PEM files. */
  readonly cert?: string
  readonly key?: string
  readonly clientCa?: string
}

type Described = Omit<ConfigKey, 'env'>

const rate = (of: string): Described => ({
  schema: Type.Number({ minimum: 0, maximum: 1_000_000 }),
  wanted: 'a number from 0 (no limit) to 1000000',
  default: 0,
  doc: `Requests a second that are answered ${of}, on average; 0 is no limit`,
})

const whole = (doc: string, ofDefault: number, minimum: number, maximum: number): Described => ({
  schema: Type.Integer({ minimum, maximum }),
  wanted: `a whole number from ${minimum} to ${maximum}`,
  default: ofDefault,
  doc,
})

const path = (doc: string): Described => ({ schema: Type.String({ minLength: 1 }), wanted: 'the path of a file', doc })
const list = (doc: string, ofDefault: string, wanted: string): Described => ({
  schema: Type.String(),
  wanted,
  default: ofDefault,
  doc,
})
const url = (doc: string): Described => ({
  schema: Type.String({ pattern: '^https?://\\S+$' }),
  wanted: 'https://…',
  doc,
})

const HOUR_MS = 3_600_000

export type ProtectionKey =
  | 'limits.addressRate'
  | 'limits.keyRate'
  | 'limits.modelRate'
  | 'limits.burstSeconds'
  | 'limits.queueMax'
  | 'limits.queueMsMax'
  | 'limits.headerTimeoutMs'
  | 'limits.connectionsMax'
  | 'server.corsOrigins'
  | 'server.trustedProxies'
  | 'tls.cert'
  | 'tls.key'
  | 'tls.clientCa'
  | 'oidc.issuer'
  | 'oidc.audience'
  | 'oidc.jwks'
  | 'oidc.algorithms'
  | 'oidc.clockSkewMs'
  | 'oidc.rolesClaim'
  | 'oidc.roles'
  | 'redis.url'

export const PROTECTION_KEYS: Readonly<Record<ProtectionKey, Described>> = {
  'limits.addressRate': rate('from one address'),
  'limits.keyRate': rate('to one caller'),
  'limits.modelRate': rate('by one model'),
  'limits.burstSeconds': whole('Seconds of its rate that a caller may use at once after a rest', 1, 1, 86_400),
  'limits.queueMax': whole('Most requests that wait for their turn', 1_024, 0, 65_536),
  'limits.queueMsMax': whole('Longest time a request waits for its turn, in milliseconds', 500, 1, HOUR_MS),
  'limits.headerTimeoutMs': whole('Longest time until a request has said what it wants, in ms', 10_000, 100, HOUR_MS),
  'limits.connectionsMax': whole('Most connections at once', 10_000, 1, 1_000_000),
  'server.corsOrigins': list(
    'Origins whose pages may call the API, separated by commas; * is all of them',
    '',
    'https://app.example,https://other.example or *',
  ),
  'server.trustedProxies': list(
    'Proxies whose X-Forwarded-For is believed: addresses and networks, separated by commas',
    '',
    '10.0.0.0/8,::1',
  ),
  'tls.cert': path('Certificate chain in PEM; with it and its key the server speaks TLS only'),
  'tls.key': path('Private key of the certificate, in PEM'),
  'tls.clientCa': path('Certificates in PEM that callers must prove theirs by (mTLS)'),
  'oidc.issuer': url('Issuer of JSON Web Tokens that are taken beside API keys'),
  'oidc.audience': {
    schema: Type.String({ minLength: 1 }),
    wanted: 'the name by which the issuer knows this server',
    doc: 'Audience that a token must be for',
  },
  'oidc.jwks': url("Address of the issuer's keys; without it, the one that its discovery document names"),
  'oidc.algorithms': list(
    'Signatures that are taken, separated by commas',
    'RS256,PS256,ES256,EdDSA',
    'some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA',
  ),
  'oidc.clockSkewMs': whole("How far the issuer's clock may be off, in milliseconds", 30_000, 0, HOUR_MS),
  'oidc.rolesClaim': {
    schema: Type.String({ minLength: 1 }),
    wanted: 'the name of a claim; dots lead inside',
    default: 'roles',
    doc: 'Claim that names the roles of a caller, e.g. realm_access.roles',
  },
  'oidc.roles': list(
    "Our roles for the issuer's, theirs=ours separated by commas; without it, those of the same names",
    '',
    'ml-admins=admin,ml-team=scientist',
  ),
  'redis.url': {
    schema: Type.String({ pattern: '^($|rediss?://)' }),
    wanted: 'redis://… or nothing',
    default: '',
    doc: 'Redis or Valkey that replicas share their rate limits through; without it, each has its own',
    secret: 'password',
  },
}

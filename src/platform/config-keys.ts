/** The keys of the configuration. Documentation, `bellwether config` and the flags of commands are made of this table. */
import { type TSchema, Type } from 'typebox'
import { EVIDENCE_KEYS, type EvidenceConfig } from './config-evidence.ts'
import { MODELS_KEYS, type ModelsConfig } from './config-models.ts'
import {
  type LimitsOfRate,
  type LimitsOfWaiting,
  type OidcConfig,
  PROTECTION_KEYS,
  type TlsConfig,
} from './config-protection.ts'
import { STREAM_KEYS, type StreamConfig } from './config-stream.ts'
import { TRACING_KEYS, type TracingConfig } from './config-tracing.ts'
import { VALIDATION_KEYS, type ValidationConfig } from './config-validation.ts'
import { VERSIONS_KEYS, type VersionsConfig } from './config-versions.ts'
import { WEBHOOKS_KEYS, type WebhooksConfig } from './config-webhooks.ts'
import type { LogLevel } from './log.ts'

export interface Config {
  /** Path of the data folder. */
  readonly data: string
  readonly server: {
    readonly host: string
    readonly port: number
    /** Absent: no gRPC. */
    readonly grpcPort?: number
    readonly model?: string
    /** Processes that answer; 1: this one. */
    readonly workers: number
    /** Lists separated by commas. */
    readonly corsOrigins: string
    readonly trustedProxies: string
  }
  readonly tls: TlsConfig
  readonly oidc: OidcConfig
  readonly redis: {
    /** Empty: nothing is shared. */
    readonly url: string
  }
  readonly database: {
    /** Empty: SQLite in the data folder. */
    readonly url: string
  }
  readonly log: { readonly level: LogLevel }
  readonly keys: {
    /** 32 bytes, base64. */
    readonly master?: string
  }
  readonly limits: {
    readonly bodyBytesMax: number
    readonly batchRowsMax: number
    readonly concurrencyMax: number
    readonly requestTimeoutMs: number
    readonly artifactBytesMax: number
    readonly referenceBytesMax: number
  } & LimitsOfRate &
    LimitsOfWaiting
  readonly serving: ModelsConfig
  readonly stream: StreamConfig
  readonly tracing: TracingConfig
  readonly validation: ValidationConfig
  readonly versions: VersionsConfig
  readonly evidence: EvidenceConfig
  readonly webhooks: WebhooksConfig
  readonly ledger: {
    readonly segmentBytesMax: number
    readonly segmentAgeMsMax: number
    readonly flushMs: number
    /** As DuckDB reads it, e.g. `512MB`. */
    readonly engineMemory: string
    readonly engineThreads: number
  }
  readonly monitoring: {
    readonly windowMs: number
    readonly keepMs: number
  }
  readonly python: {
    /** A name on the path, or a path. */
    readonly command: string
  }
  readonly drift: {
    /** Predictions. */
    readonly window: number
    readonly minimum: number
    readonly alpha: number
    readonly psiWarning: number
    readonly psi: number
    readonly ks: number
  }
}

/** `server.port` and so on: the path of every value in `Config`. */
export type DottedKey = Paths<Config>

type Paths<T> = {
  [K in keyof T & string]-?: NonNullable<T[K]> extends object ? `${K}.${Paths<NonNullable<T[K]>>}` : K
}[keyof T & string]

export interface ConfigKey {
  /** Environment variable that gives it: `limits.bodyBytesMax` is `BELLWETHER_LIMITS_BODY_BYTES_MAX`. */
  readonly env: string
  readonly schema: TSchema
  /** The schema in words, for errors. */
  readonly wanted: string
  /** Absent: there is no value unless one is given. */
  readonly default?: string | number
  /** Option of the commands that take it, without dashes. */
  readonly flag?: string
  readonly doc: string
  /** How `bellwether config` hides it: `whole`, or only the `password` in a URL. */
  readonly secret?: 'whole' | 'password'
  /** Variables that others defined for the same thing, the first one first. */
  readonly foreign?: readonly ForeignVariable[]
}

/** A variable that somebody else defined, and that many programs read. */
export interface ForeignVariable {
  readonly name: string
  /** Its value as ours; empty where it says nothing about the key, undefined where it says what we cannot do. */
  readonly read?: (text: string) => string | undefined
}

const bytes = (doc: string, ofDefault: number): Omit<ConfigKey, 'env'> => ({
  schema: Type.Integer({ minimum: 1024 }),
  wanted: 'a whole number of bytes, at least 1024',
  default: ofDefault,
  doc,
})

const count = (doc: string, ofDefault: number, maximum: number): Omit<ConfigKey, 'env'> => ({
  schema: Type.Integer({ minimum: 1, maximum }),
  wanted: `a whole number from 1 to ${maximum}`,
  default: ofDefault,
  doc,
})

const threshold = (doc: string, ofDefault: number): Omit<ConfigKey, 'env'> => ({
  schema: Type.Number({ exclusiveMinimum: 0, maximum: 100 }),
  wanted: 'a number above 0, at most 100',
  default: ofDefault,
  doc,
})

const DAY_MS = 86_400_000

const TABLE: Readonly<Record<DottedKey, Omit<ConfigKey, 'env'>>> = {
  data: {
    schema: Type.String({ minLength: 1 }),
    wanted: 'the path of a folder',
    default: '.bellwether',
    flag: 'data',
    doc: 'Folder that holds everything the server keeps',
  },
  'server.host': {
    schema: Type.String({ minLength: 1 }),
    wanted: 'an address or a host name',
    default: '127.0.0.1',
    flag: 'host',
    doc: 'Address to listen on; another than this machine needs an API key to be there',
  },
  'server.port': {
    schema: Type.Integer({ minimum: 0, maximum: 65_535 }),
    wanted: 'a port from 0 (any that is free) to 65535',
    default: 8080,
    flag: 'port',
    doc: 'Port to listen on',
  },
  'server.grpcPort': {
    schema: Type.Integer({ minimum: 0, maximum: 65_535 }),
    wanted: 'a port from 0 (any that is free) to 65535',
    flag: 'grpc-port',
    doc: 'Port to listen on for gRPC; without it, there is none',
  },
  'server.model': {
    schema: Type.String({ minLength: 1 }),
    wanted: 'the name of a model',
    flag: 'model',
    doc: 'Model that POST /predict asks; without it, the only one there is',
  },
  'server.workers': {
    ...count('Processes that answer on the one port; with more than one, another keeps the records', 1, 128),
    flag: 'workers',
  },
  'database.url': {
    schema: Type.String({ pattern: '^($|postgres(ql)?://)' }),
    wanted: 'postgres://… or nothing',
    default: '',
    flag: 'database',
    doc: 'PostgreSQL database for metadata; without it, SQLite in the data folder',
    secret: 'password',
  },
  'log.level': {
    schema: Type.Union(['debug', 'info', 'warn', 'error', 'silent'].map(level => Type.Literal(level))),
    wanted: 'debug, info, warn, error or silent',
    default: 'info',
    flag: 'log-level',
    doc: 'Least level that is logged',
  },
  'keys.master': {
    schema: Type.String({ pattern: '^[A-Za-z0-9+/]{43}=(,[A-Za-z0-9+/]{43}=)*$' }),
    wanted: '32 bytes in base64',
    doc: 'Master key of everything encrypted; without it, one is made and kept in the data folder. While it is changed: the new one, a comma, those before',
    secret: 'whole',
  },
  'limits.bodyBytesMax': bytes('Largest body of a request', 8_388_608),
  'limits.batchRowsMax': count('Most rows of one batch', 10_000, 1_000_000),
  'limits.concurrencyMax': count('Most requests at once', 1024, 65_536),
  'limits.requestTimeoutMs': count('Longest time a request may take to arrive, in milliseconds', 30_000, DAY_MS),
  'limits.artifactBytesMax': bytes('Largest artifact of a model', 2_147_483_648),
  'limits.referenceBytesMax': bytes('Largest file of reference or evaluation data', 2_147_483_648),
  ...MODELS_KEYS,
  'ledger.segmentBytesMax': bytes('Size at which a journal file is sealed', 67_108_864),
  'ledger.segmentAgeMsMax': count('Age at which a journal file is sealed, in milliseconds', 3_600_000, 30 * DAY_MS),
  'ledger.flushMs': count('Longest time until a record is on the disk, in milliseconds', 50, 60_000),
  'ledger.engineMemory': {
    schema: Type.String({ pattern: '^[1-9][0-9]*(MB|GB)$' }),
    wanted: 'an amount such as 512MB or 2GB',
    default: '512MB',
    doc: 'Most memory of the engine that queries the ledger',
  },
  'ledger.engineThreads': count('Threads of the engine that queries the ledger', 1, 256),
  'monitoring.windowMs': {
    ...count('Length of the time windows in which predictions are counted, in milliseconds', 3_600_000, DAY_MS),
    schema: Type.Integer({ minimum: 1000, maximum: DAY_MS }),
    wanted: `a whole number from 1000 to ${DAY_MS}`,
  },
  'monitoring.keepMs': count('How long counts of time windows are kept, in milliseconds', 90 * DAY_MS, 3660 * DAY_MS),
  'python.command': {
    schema: Type.String({ minLength: 1 }),
    wanted: 'the name or the path of a program',
    default: 'python3',
    doc: 'Python program of models that run in Python and name none',
  },
  'drift.window': {
    ...count('Predictions that are compared with the reference data, the last ones', 500, 1_000_000),
    schema: Type.Integer({ minimum: 50, maximum: 1_000_000 }),
    wanted: 'a whole number from 50 to 1000000',
  },
  'drift.minimum': {
    ...count('Fewer predictions are not judged', 100, 1_000_000),
    schema: Type.Integer({ minimum: 20, maximum: 1_000_000 }),
    wanted: 'a whole number from 20 to 1000000',
  },
  'drift.alpha': {
    schema: Type.Number({ exclusiveMinimum: 0, maximum: 0.5 }),
    wanted: 'a probability above 0, at most 0.5',
    default: 1e-6,
    doc: 'Probability that one judgement finds drift where there is none',
  },
  'drift.psiWarning': threshold('PSI that is a warning', 0.1),
  'drift.psi': threshold('PSI that is drift', 0.25),
  'drift.ks': threshold('Kolmogorov–Smirnov statistic that is drift', 0.05),
  ...PROTECTION_KEYS,
  ...STREAM_KEYS,
  ...TRACING_KEYS,
  ...VALIDATION_KEYS,
  ...VERSIONS_KEYS,
  ...EVIDENCE_KEYS,
  ...WEBHOOKS_KEYS,
}

function environmentName(key: string): string {
  const words = key.replace(/[A-Z]/g, letter => `_${letter}`).replaceAll('.', '_')
  return `BELLWETHER_${words.toUpperCase()}`
}

/** Every key, in the order in which they are told. */
export const CONFIG_KEYS: Readonly<Record<DottedKey, ConfigKey>> = Object.fromEntries(
  Object.entries(TABLE).map(([key, described]) => [key, { ...described, env: environmentName(key) }]),
) as Record<DottedKey, ConfigKey>

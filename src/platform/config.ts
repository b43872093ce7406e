/**
 * Configuration: defaults, then a file, then the environment, then flags; each value knows where it came from. The table
 * below is all there is: flags, environment names, checks and documentation are made from it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { type FieldProblem, Problem } from '../errors.ts'

interface Setting<T> {
  readonly default: T
  readonly doc: string
  readonly secret?: boolean
  readonly check?: (value: T) => string | undefined
}

const atLeast =
  (minimum: number) =>
  (value: number): string | undefined =>
    Number.isInteger(value) && value >= minimum ? undefined : `wanted a whole number of at least ${minimum}`

const oneOf =
  (...allowed: readonly string[]) =>
  (value: string): string | undefined =>
    allowed.includes(value) ? undefined : `wanted one of ${allowed.join(', ')}`

const KIB = 1024
const MIB = KIB * KIB
const GIB = KIB * MIB

const text = (value: string, doc: string, more: Partial<Setting<string>> = {}): Setting<string> => ({
  default: value,
  doc,
  ...more,
})
const whole = (value: number, doc: string, minimum = 1): Setting<number> => ({
  default: value,
  doc,
  check: atLeast(minimum),
})

/** The effective values by dotted key; `SETTINGS` says what each means. */
export interface Config {
  readonly data: string
  readonly 'server.host': string
  readonly 'server.port': number
  readonly 'server.model': string
  readonly 'database.url': string
  readonly 'log.level': string
  readonly 'keys.master': string
  readonly 'limits.bodyBytesMax': number
  readonly 'limits.batchRowsMax': number
  readonly 'limits.concurrencyMax': number
  readonly 'limits.requestTimeoutMs': number
  readonly 'limits.artifactBytesMax': number
  readonly 'limits.referenceBytesMax': number
  readonly 'limits.loadedBytesMax': number
  readonly 'ledger.segmentBytesMax': number
  readonly 'ledger.segmentAgeMsMax': number
  readonly 'ledger.flushMs': number
  readonly 'ledger.engineMemory': string
  readonly 'ledger.engineThreads': number
}

export type ConfigKey = keyof Config

export const SETTINGS: { readonly [K in ConfigKey]: Setting<Config[K]> } = {
  data: text('.bellwether', 'folder of everything that is kept'),
  'server.host': text('127.0.0.1', 'address to listen on; beyond loopback a key is needed first'),
  'server.port': { ...whole(8080, 'port to listen on; 0 takes a free one', 0), check: port },
  'server.model': text('', 'model that POST /predict asks; empty: the only one there is'),
  'database.url': text('', 'postgres://… of the metadata; empty: SQLite in the data folder', { secret: true }),
  'log.level': text('info', 'debug, info, warn, error or silent', {
    check: oneOf('debug', 'info', 'warn', 'error', 'silent'),
  }),
  'keys.master': text('', 'master key, 32 bytes in base64; empty: a file in the data folder', { secret: true }),
  'limits.bodyBytesMax': whole(8 * MIB, 'largest body of a request, bytes'),
  'limits.batchRowsMax': whole(10_000, 'most rows in one request'),
  'limits.concurrencyMax': whole(1024, 'most requests worked on at once; more are answered 503'),
  'limits.requestTimeoutMs': whole(30_000, 'longest time a request may take to arrive, milliseconds', 100),
  'limits.artifactBytesMax': whole(2 * GIB, 'largest artifact, bytes'),
  'limits.referenceBytesMax': whole(2 * GIB, 'largest reference or evaluation file, bytes'),
  'limits.loadedBytesMax': whole(512 * MIB, 'memory that loaded models may hold, bytes'),
  'ledger.segmentBytesMax': whole(64 * MIB, 'size at which a journal file is closed and sealed, bytes', 4 * KIB),
  'ledger.segmentAgeMsMax': whole(3_600_000, 'age at which a journal file is closed and sealed, milliseconds', 1000),
  'ledger.flushMs': whole(50, 'longest time until a record is flushed to the device, milliseconds'),
  'ledger.engineMemory': text('512MB', 'memory of the analytical engine', {
    check: value => (/^\d+(KB|MB|GB)$/.test(value) ? undefined : 'wanted a size such as 512MB'),
  }),
  'ledger.engineThreads': whole(1, 'threads of the analytical engine'),
}

export interface LoadedConfig {
  readonly config: Config
  /** Where each value came from: `default`, `file PATH`, `env NAME` or `flag --NAME`. */
  readonly origin: Readonly<Record<ConfigKey, string>>
}

export interface ConfigSources {
  /** Dotted key → text, as flags give them. */
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Named by `--config`; else `bellwether.yaml` in `cwd`, where there is one. */
  readonly file?: string
}

const DEFAULT_FILE = 'bellwether.yaml'
const KEYS = Object.keys(SETTINGS) as ConfigKey[]

/** `ledger.flushMs` → `BELLWETHER_LEDGER_FLUSH_MS`. */
export function environmentName(key: string): string {
  return `BELLWETHER_${key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`
}

/** Throws `misconfigured` naming every wrong setting at once. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const problems: FieldProblem[] = []
  const values: Record<string, string | number> = {}
  const origin: Record<string, string> = {}
  const take = (key: string, value: unknown, from: string): void => {
    const taken = read(key, value)
    if (typeof taken === 'object') problems.push({ field: key, problem: `${taken.problem} (${from})` })
    else {
      values[key] = taken
      origin[key] = from
    }
  }
  for (const key of KEYS) take(key, SETTINGS[key].default, 'default')
  const path = filePath(sources)
  if (path !== undefined) for (const [key, value] of fileValues(path)) take(key, value, `file ${path}`)
  for (const key of KEYS) {
    const name = environmentName(key)
    const value = sources.env[name]
    if (value !== undefined) take(key, value, `env ${name}`)
  }
  for (const [key, value] of Object.entries(sources.flags)) {
    if (value !== undefined) take(key, value, `flag --${key}`)
  }
  if (problems.length > 0) {
    const list = problems.map(({ field, problem }) => `${field} ${problem}`).join('; ')
    throw new Problem('misconfigured', `Cannot use the configuration: ${list}`, { fields: problems })
  }
  return { config: values as unknown as Config, origin: origin as Record<ConfigKey, string> }
}

export interface ConfigRow {
  readonly key: ConfigKey
  /** Secrets are masked. */
  readonly value: string | number
  readonly origin: string
  readonly env: string
  readonly doc: string
}

export function describeConfig({ config, origin }: LoadedConfig): readonly ConfigRow[] {
  return KEYS.map(key => {
    const setting: Setting<string> | Setting<number> = SETTINGS[key]
    const value = setting.secret === true && config[key] !== '' ? '…' : config[key]
    return { key, value, origin: origin[key], env: environmentName(key), doc: setting.doc }
  })
}

function filePath({ file, cwd }: ConfigSources): string | undefined {
  const path = resolve(cwd, file ?? DEFAULT_FILE)
  if (existsSync(path)) return path
  if (file === undefined) return undefined
  throw new Problem('misconfigured', `Cannot read the configuration file ${path}: there is no such file`)
}

/** Nested mappings become dotted keys. */
function fileValues(path: string): readonly (readonly [string, unknown])[] {
  const document = parseDocument(readFileSync(path, 'utf8'))
  const error = document.errors[0]
  if (error !== undefined)
    throw new Problem('misconfigured', `Cannot read the configuration file ${path}: ${error.message}`)
  const flatten = (value: unknown, prefix: string): (readonly [string, unknown])[] => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[prefix, value]]
    return Object.entries(value).flatMap(([name, member]) =>
      flatten(member, prefix === '' ? name : `${prefix}.${name}`),
    )
  }
  const content = document.toJS({ maxAliasCount: 10 }) as unknown
  return content === null ? [] : flatten(content, '')
}

function read(key: string, value: unknown): string | number | { readonly problem: string } {
  if (!Object.hasOwn(SETTINGS, key)) return { problem: 'is not a setting; `bellwether config` lists them' }
  const setting: Setting<string> | Setting<number> = SETTINGS[key as ConfigKey]
  if (isText(setting)) {
    if (typeof value !== 'string') return { problem: `is ${shown(value)}, wanted a text` }
    const problem = setting.check?.(value)
    return problem === undefined ? value : { problem: `is ${setting.secret === true ? '…' : shown(value)}, ${problem}` }
  }
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number !== 'number' || Number.isNaN(number)) return { problem: `is ${shown(value)}, wanted a number` }
  const problem = setting.check?.(number)
  return problem === undefined ? number : { problem: `is ${shown(value)}, ${problem}` }
}

function isText(setting: Setting<string> | Setting<number>): setting is Setting<string> {
  return typeof setting.default === 'string'
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(JSON.stringify(value))
}

function port(value: number): string | undefined {
  return Number.isInteger(value) && value >= 0 && value <= 65_535 ? undefined : 'wanted a port from 0 to 65535'
}

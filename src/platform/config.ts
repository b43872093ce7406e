/**
 * Configuration: one table of keys, and the places a value may come from: defaults < variables that others defined (`OTEL_…`,
 * which are meant for many programs) < file < environment < flags.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { Problem } from '../errors.ts'
import { CONFIG_KEYS, type Config, type ConfigKey, type DottedKey } from './config-keys.ts'
import { errorCode } from './durable-file.ts'
import { nearest } from './suggest.ts'

export type { Config, DottedKey } from './config-keys.ts'

/** Where a value came from: `default`, `file /etc/bellwether.yaml`, `env BELLWETHER_DATA` or `flag --data`. */
export type Origin = string

export interface LoadedConfig {
  readonly config: Config
  /** By dotted key; also of keys without a value. */
  readonly origin: Readonly<Record<DottedKey, Origin>>
  /** Environment variables that look like ours and set nothing, and those of others that say what cannot be done. */
  readonly ignored: readonly IgnoredVariable[]
}

export interface IgnoredVariable {
  readonly name: string
  /** What was perhaps meant. */
  readonly meant: string | undefined
  /** What could be done, of a variable of others. */
  readonly wanted?: string
}

export interface ConfigSources {
  /** Values by dotted key (`server.port`) or by flag (`port`); undefined ones were not given. Texts are converted. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where `bellwether.yaml` is looked for. */
  readonly cwd: string
  /** A file that must be there, instead. */
  readonly file?: string
}

const FILE = 'bellwether.yaml'
/** Secrets for other servers, by names that models choose. */
const REMOTE_VARIABLES = 'BELLWETHER_REMOTE_'
/** Variables of the command line, which set no key. */
const OTHER_VARIABLES = new Set(['BELLWETHER_URL', 'BELLWETHER_KEY', 'BELLWETHER_CONFIG', 'BELLWETHER_TRACE'])

interface Found {
  readonly value: unknown
  readonly origin: Origin
}

/** Throws `misconfigured` naming what is unknown or wrong, and where it was written. */
export function loadConfig({ flags, env, cwd, file }: ConfigSources): LoadedConfig {
  const found = new Map<DottedKey, Found>()
  for (const [name, key] of keyEntries())
    if ('default' in key) found.set(name, { value: key.default, origin: 'default' })
  const unusable: IgnoredVariable[] = []
  for (const source of [fromOthers(env, unusable), fromFile(cwd, file), fromEnvironment(env), fromFlags(flags)]) {
    for (const [name, value] of source) found.set(name, value)
  }
  const origin = Object.fromEntries(keyEntries().map(([name]) => [name, found.get(name)?.origin ?? 'default']))
  return {
    config: nested(found),
    origin: origin as Record<DottedKey, Origin>,
    ignored: [...ignoredVariables(env), ...unusable],
  }
}

/** A row of what `describeConfig` tells. */
export interface ConfigRow {
  readonly key: DottedKey
  /** Empty where there is none; a secret is masked. */
  readonly value: string
  readonly origin: Origin
  readonly env: string
  readonly doc: string
}

export function describeConfig({ config, origin }: LoadedConfig): readonly ConfigRow[] {
  return keyEntries().map(([key, { env, doc, secret }]) => {
    const value = key.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], config)
    return {
      key,
      value: value === undefined ? '' : masked(String(value), secret),
      origin: origin[key],
      env,
      doc,
    }
  })
}

const MASK = '********'

function masked(text: string, secret: ConfigKey['secret']): string {
  if (text === '' || secret === undefined) return text
  if (secret === 'whole') return MASK
  // Every password of a URL, also one given as a parameter.
  return text.replace(/(:\/\/[^:/?#]*:).*(?=@)/, `$1${MASK}`).replace(/([?&][^=&#]*password=)[^&#]*/gi, `$1${MASK}`)
}

function keyEntries(): [DottedKey, ConfigKey][] {
  return Object.entries(CONFIG_KEYS) as [DottedKey, ConfigKey][]
}

function isKey(name: string): name is DottedKey {
  return Object.hasOwn(CONFIG_KEYS, name)
}

function fromFile(cwd: string, file: string | undefined): Map<DottedKey, Found> {
  const path = file === undefined ? join(cwd, FILE) : resolve(cwd, file)
  const text = readText(path, file !== undefined)
  const found = new Map<DottedKey, Found>()
  if (text === undefined) return found
  for (const [name, value] of flattened(parseYaml(text, path), path)) {
    const origin = `file ${path}`
    found.set(name, { value: judged(name, value, `${name} in ${path}`), origin })
  }
  return found
}

function readText(path: string, isRequired: boolean): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (!isRequired && errorCode(error) === 'ENOENT') return undefined
    const why = errorCode(error) === 'ENOENT' ? 'it is not there' : (error as Error).message
    throw new Problem('misconfigured', `Cannot read the configuration ${path}: ${why}`, { cause: error })
  }
}

function parseYaml(text: string, path: string): unknown {
  // Most starts have no file: they need not load what reads one.
  const { parseDocument } = createRequire(import.meta.url)('yaml') as typeof import('yaml')
  const document = parseDocument(text, { prettyErrors: true })
  const [error] = document.errors
  if (error !== undefined) {
    throw new Problem('misconfigured', `Cannot read the configuration ${path}: ${error.message.trim()}`)
  }
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch (error) {
    // A few aliases of aliases can stand for more than the memory holds, and no configuration needs any.
    throw new Problem('misconfigured', `Cannot read the configuration ${path}: it has aliases (*name)`, {
      cause: error,
    })
  }
}

/** The values of a file by dotted key. Only what the table has may be there, and groups only where it has groups. */
function* flattened(value: unknown, path: string, prefix = ''): Generator<[DottedKey, unknown]> {
  if (value === null || value === undefined) return
  if (typeof value !== 'object' || Array.isArray(value)) {
    const where = prefix === '' ? 'the whole file' : prefix.slice(0, -1)
    throw new Problem(
      'misconfigured',
      `Cannot read the configuration ${path}: ${where} is ${shown(value)}, wanted keys with values`,
    )
  }
  for (const [name, member] of Object.entries(value)) {
    const key = prefix + name
    if (isKey(key)) {
      if (member !== null) yield [key, member]
    } else if (keyEntries().some(([known]) => known.startsWith(`${key}.`))) yield* flattened(member, path, `${key}.`)
    else throw unknownKey(key, path)
  }
}

function unknownKey(key: string, where: string): Problem {
  const meant = nearest(key, Object.keys(CONFIG_KEYS))
  const hint = meant === undefined ? '' : `; was ${meant} meant?`
  return new Problem('misconfigured', `Cannot use the key ${key} of ${where}: there is no such key${hint}`)
}

/** What variables of others say; they never end a start, for they may be meant for other programs. */
function fromOthers(env: ConfigSources['env'], unusable: IgnoredVariable[]): Map<DottedKey, Found> {
  const found = new Map<DottedKey, Found>()
  for (const [name, key] of keyEntries()) {
    for (const variable of key.foreign ?? []) {
      const given = env[variable.name]?.trim() ?? ''
      const text = given === '' || variable.read === undefined ? given : variable.read(given)
      if (text === '' || found.has(name)) continue
      const value = text === undefined ? undefined : converted(key, text)
      if (value !== undefined && Value.Check(key.schema, value))
        found.set(name, { value, origin: `env ${variable.name}` })
      else unusable.push({ name: variable.name, meant: undefined, wanted: key.wanted })
    }
  }
  return found
}

function fromEnvironment(env: ConfigSources['env']): Map<DottedKey, Found> {
  const found = new Map<DottedKey, Found>()
  for (const [name, key] of keyEntries()) {
    const text = env[key.env]
    // A variable that is empty is one that a container's template had nothing for.
    if (text === undefined || text === '') continue
    const origin = `env ${key.env}`
    found.set(name, { value: judged(name, converted(key, text), key.env), origin })
  }
  return found
}

function fromFlags(flags: ConfigSources['flags']): Map<DottedKey, Found> {
  const found = new Map<DottedKey, Found>()
  for (const [given, value] of Object.entries(flags)) {
    if (value === undefined) continue
    const name = isKey(given) ? given : keyEntries().find(([, { flag }]) => flag === given)?.[0]
    if (name === undefined) throw unknownKey(given, 'the command line')
    const key: ConfigKey = CONFIG_KEYS[name]
    const flag = `--${key.flag ?? given}`
    const typed = typeof value === 'string' ? converted(key, value) : value
    found.set(name, { value: judged(name, typed, flag), origin: `flag ${flag}` })
  }
  return found
}

/** A text as the type that its key wants; one that cannot be it is left for `judged` to refuse. */
function converted(key: ConfigKey, text: string): unknown {
  const isNumber = 'type' in key.schema && (key.schema.type === 'integer' || key.schema.type === 'number')
  return isNumber && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

function judged(name: DottedKey, value: unknown, where: string): unknown {
  const key: ConfigKey = CONFIG_KEYS[name]
  if (Value.Check(key.schema as TSchema, value)) return value
  const found = key.secret === undefined ? `it is ${shown(value)}` : 'its value has another form'
  throw new Problem('misconfigured', `Cannot use ${where}: ${found}, wanted ${key.wanted}`)
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`
}

function nested(found: ReadonlyMap<DottedKey, Found>): Config {
  const config: Record<string, unknown> = {}
  for (const [name] of keyEntries()) {
    const parts = name.split('.')
    const leaf = parts.pop() as string
    let at = config
    for (const part of parts) {
      at[part] ??= {}
      at = at[part] as Record<string, unknown>
    }
    const value = found.get(name)?.value
    if (value !== undefined) at[leaf] = value
  }
  return config as unknown as Config
}

function ignoredVariables(env: ConfigSources['env']): LoadedConfig['ignored'] {
  const known = keyEntries().map(([, key]) => key.env)
  const others = Object.keys(env).filter(name => name.startsWith('BELLWETHER_') && !known.includes(name))
  return others
    .filter(name => !OTHER_VARIABLES.has(name) && !name.startsWith(REMOTE_VARIABLES))
    .sort()
    .map(name => ({ name, meant: nearest(name, known) }))
}

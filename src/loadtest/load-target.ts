/** Whom a load test asks: from a URL or the name of a model to an address, the version that answers, and its targets. */
import { type Client, client, httpTransport } from '../client.ts'
import { Problem } from '../errors.ts'
import type { CommandContext } from '../platform/command.ts'
import { runningServer } from '../platform/folder.ts'
import type { ReferenceProfile } from '../registry/profile.ts'
import type { ModelVersion } from '../registry/version.ts'
import { pathOf, splitModel, versionOf } from '../serving/fetch-version.ts'
import type { Endpoint } from './connection.ts'

export interface LoadTarget {
  readonly url: URL
  readonly api: Client
  readonly key: string | undefined
  /** Absent where the address is none of ours, or the server does not tell. */
  readonly version?: ModelVersion
}

const MODEL_PATH = /^\/models\/([^/]+)(?:\/versions\/([^/]+))?\/predict$/

/** The server that commands talk to: it must be one that runs, because an application in this process has no door. */
export function serverUrl({ options, config }: CommandContext): string {
  const named = options['server'] as string | undefined
  const url = named ?? runningServer(config.config.data)?.url
  if (url === undefined) {
    throw new Problem(
      'unavailable',
      `Cannot ask a server: none runs on the data folder ${config.config.data}; start one with \`bellwether start\`, or name one with --server`,
    )
  }
  if (URL.canParse(url) && /^https?:/.test(url)) return url.replace(/\/+$/, '')
  throw new Problem('usage', `Cannot ask the server ${JSON.stringify(url)}: wanted a URL such as http://127.0.0.1:8080`)
}

/** @param named a URL, or a model's name, perhaps with `@VERSION`. */
export async function loadTarget(context: CommandContext, named: string): Promise<LoadTarget> {
  const key = context.options['key'] as string | undefined
  if (/^https?:\/\//i.test(named)) return fromUrl(named, key, context.signal)
  const server = serverUrl(context)
  const api = client(httpTransport(server, key, context.signal))
  const [model, reference] = splitModel(named)
  const version = await versionOf(api, model, reference)
  const pinned = reference === undefined ? '' : `/versions/${encodeURIComponent(reference)}`
  const url = new URL(`${server}/models/${encodeURIComponent(model)}${pinned}/predict`)
  return { url, api, key, version: version as ModelVersion }
}

async function fromUrl(named: string, key: string | undefined, signal: AbortSignal): Promise<LoadTarget> {
  if (!URL.canParse(named)) throw new Problem('usage', `Cannot ask ${JSON.stringify(named)}: it is no URL`)
  const url = new URL(named)
  if (url.username !== '' || url.password !== '') {
    // It would be told in the report.
    throw new Problem('usage', `Cannot ask ${url.host} with a password in the URL: give it with --key or --header`)
  }
  url.hash = ''
  if (url.pathname === '/') url.pathname = '/predict'
  const api = client(httpTransport(url.origin, key, signal))
  const version = await versionAt(api, url.pathname)
  return { url, api, key, ...(version === undefined ? {} : { version }) }
}

/** Of a server that is not ours, or does not tell this caller, nothing is known; whether it answers shows soon enough. */
async function versionAt(api: Client, path: string): Promise<ModelVersion | undefined> {
  const [, model, reference] = MODEL_PATH.exec(path) ?? []
  try {
    const name = model === undefined ? await onlyModel(api, path) : decodeURIComponent(model)
    if (name === undefined) return undefined
    const version = await versionOf(api, name, reference === undefined ? undefined : decodeURIComponent(reference))
    return Array.isArray(version.signature?.inputs) ? (version as ModelVersion) : undefined
  } catch {
    return undefined
  }
}

async function onlyModel(api: Client, path: string): Promise<string | undefined> {
  if (path !== '/predict') return undefined
  const { models } = await api.json<{ models: { name: string }[] }>('GET', '/models?limit=2')
  return models.length === 1 ? models[0]!.name : undefined
}

/** What is known of the training data; nothing where the version was registered without. */
export async function profileOf(api: Client, version: ModelVersion): Promise<ReferenceProfile | undefined> {
  try {
    return await api.json<ReferenceProfile>('GET', `${pathOf(version)}/profile`)
  } catch (error) {
    if (error instanceof Problem && error.code === 'not_found') return undefined
    throw error
  }
}

export function endpointOf({ protocol, hostname, port }: URL): Endpoint {
  const isSecure = protocol === 'https:'
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (isSecure ? 443 : 80)), isSecure }
}

/** A whole request of HTTP/1.1. `headers` have names in small letters, and win over the usual ones. */
export function requestBytes(url: URL, headers: ReadonlyMap<string, string>, body: string): Buffer {
  const usual = { host: url.host, 'content-type': 'application/json', 'user-agent': 'bellwether-bench' }
  const all = new Map([...Object.entries(usual), ...headers])
  all.set('content-length', String(Buffer.byteLength(body)))
  const lines = [...all].map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}

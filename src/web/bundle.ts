/** The files of the dashboard, as a browser gets them. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { Problem } from '../errors.ts'

export interface BundleFile {
  readonly type: string
  /** Changes with the content. */
  readonly tag: string
  readonly bytes: Uint8Array
  /** Compressed, by `Content-Encoding`; none of what is compressed as it is. */
  readonly coded: { readonly br?: Uint8Array; readonly gzip?: Uint8Array }
}

/** By name: `main.js`, `style.css` and what these name. */
export type Bundle = ReadonlyMap<string, BundleFile>

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  woff2: 'font/woff2',
}
/** Brotli of the bundle in 60 ms; a level more takes five times as long and saves 3 %. */
const BROTLI_QUALITY = 9

/** Loads the bundle once, when it is first asked for; after a failure, again. */
export function lazyBundle(): () => Promise<Bundle> {
  let loading: Promise<Bundle> | undefined
  return () => {
    loading ??= loadBundle().catch((error: unknown) => {
      loading = undefined
      throw new Problem('failed', 'Cannot show the dashboard: its files could not be read', { cause: error })
    })
    return loading
  }
}

async function loadBundle(): Promise<Bundle> {
  const files = import.meta.url.endsWith('.ts') ? await bundled() : await published()
  return new Map(
    await Promise.all(files.map(async ({ name, bytes }) => [name, await bundleFile(name, bytes)] as const)),
  )
}

interface NamedBytes {
  readonly name: string
  readonly bytes: Uint8Array
}

/** In a clone: from the source as it is now. */
async function bundled(): Promise<readonly NamedBytes[]> {
  const script = new URL('../../scripts/bundle-dashboard.ts', import.meta.url).href
  const { bundleDashboard } = (await import(script)) as { bundleDashboard: () => Promise<readonly NamedBytes[]> }
  return bundleDashboard()
}

/** In the published package: beside this file, where `npm run build` put it. */
async function published(): Promise<readonly NamedBytes[]> {
  const folder = fileURLToPath(new URL('bundle', import.meta.url))
  const names = await readdir(folder)
  return Promise.all(names.map(async name => ({ name, bytes: await readFile(join(folder, name)) })))
}

async function bundleFile(name: string, bytes: Uint8Array): Promise<BundleFile> {
  const type = TYPES[name.split('.').at(-1)!] ?? 'application/octet-stream'
  const tag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 16)}"`
  if (type === TYPES['woff2']) return { type, tag, bytes, coded: {} }
  // Off the answering thread, which has better to do.
  const [br, zipped] = await Promise.all([
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
    promisify(gzip)(bytes),
  ])
  return { type, tag, bytes, coded: { br, gzip: zipped } }
}

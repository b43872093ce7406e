/** Writes a version as one file that needs nothing else. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Problem } from '../../errors.ts'
import { canonical } from '../../ledger/canonical.ts'
import type { Model } from '../../predictor/model.ts'
import type { Signature } from '../../registry/signature.ts'
import type { About, EdgeContent } from './edge-model.ts'
import { pack } from './pack.ts'

export const BUNDLE_TARGETS = ['esm', 'browser', 'lambda', 'azure'] as const
export type BundleTarget = (typeof BUNDLE_TARGETS)[number]

export interface BundleOptions {
  readonly target: BundleTarget
  /** For browsers: the name of the global that holds the model. */
  readonly global: string
}

/** What is put behind the runtime and the model, by target. */
const ENDINGS: Readonly<Record<BundleTarget, (options: BundleOptions) => string>> = {
  esm: () => 'export const { about, signature, predict, explain } = edge.model\n',
  browser: ({ global }) => `globalThis[${JSON.stringify(global)}] = edge.model\n`,
  lambda: () => 'export const { about } = edge.model\nexport const handler = edge.lambda\n',
  azure: () => 'export const { about } = edge.model\nexport const handler = edge.azure\nexport default handler\n',
}

/** The same version and target always give the same text. */
export async function bundleText(
  given: Omit<About, 'signatureSha256'>,
  signature: Signature,
  model: Model,
  options: BundleOptions,
): Promise<string> {
  if (!/^[A-Za-z_$][\w$]*$/.test(options.global)) {
    throw new Problem('usage', `Cannot use --global ${JSON.stringify(options.global)}: wanted a name of JavaScript`)
  }
  const signatureSha256 = createHash('sha256').update(canonical(signature)).digest('hex')
  const about: About = { ...given, signatureSha256 }
  const { json, bytes } = pack({ about, signature, model } satisfies EdgeContent)
  const head = `// ${about.model}@${about.version} (${about.format}), artifact ${about.artifactSha256}; made by Bellwether. One file, no dependencies.\n`
  const data = `const edge = runtime.openEdge({ json: ${JSON.stringify(json)}, bytes: ${JSON.stringify(bytes)} })\n`
  const body = `${await runtimeText()}${data}${ENDINGS[options.target](options)}`
  return options.target === 'browser' ? `${head};(() => {\n${body}})()\n` : head + body
}

let loading: Promise<string> | undefined

/** In a clone made from the source as it is; in the published package beside this file, where `npm run build` put it. */
function runtimeText(): Promise<string> {
  loading ??= import.meta.url.endsWith('.ts')
    ? bundled()
    : readFile(new URL('edge-runtime.js', import.meta.url), 'utf8')
  return loading
}

async function bundled(): Promise<string> {
  const script = new URL('../../../scripts/bundle-edge.ts', import.meta.url).href
  const { bundleEdge } = (await import(script)) as { bundleEdge: () => Promise<string> }
  return bundleEdge()
}

/** A version as a command on another machine gets it from the server: what it is, and its artifact. */
import { createHash } from 'node:crypto'
import type { Client } from '../client.ts'
import { Problem } from '../errors.ts'
import type { Model } from '../predictor/model.ts'
import type { Signature } from '../registry/signature.ts'

/** What of a version matters here. */
export interface FetchedVersion {
  readonly model: string
  readonly version: string
  readonly format: string
  readonly signature: Signature
  readonly artifact: { readonly sha256: string }
}

/** The artifact, if it is the one that the registry names. */
export async function modelOf(client: Client, version: FetchedVersion, purpose: string | undefined): Promise<Model> {
  if (version.format === 'python' || version.format === 'remote') throw notHere(version)
  const path = `${pathOf(version)}/artifact${purpose === undefined ? '' : `?purpose=${encodeURIComponent(purpose)}`}`
  const response = await client.send({ method: 'GET', path })
  const bytes = new Uint8Array(await response.arrayBuffer())
  const found = createHash('sha256').update(bytes).digest('hex')
  const wanted = version.artifact.sha256
  if (found !== wanted)
    throw new Problem('corrupt', `Cannot use the artifact: its SHA-256 is ${found}, wanted ${wanted}`)
  // A server, whose command line this is part of, starts without them.
  const [{ loadArtifact }, { isExternal }] = await Promise.all([
    import('../predictor/load-artifact.ts'),
    import('../predictor/model.ts'),
  ])
  const model = loadArtifact(bytes)
  if (isExternal(model)) throw notHere(version)
  return model
}

function notHere({ format }: FetchedVersion): Problem {
  const found = `a model of the format ${format} is computed where the server says`
  return new Problem('invalid', `Cannot compute it here: ${found}; to score a file, let the server answer: --record`)
}

export function pathOf({ model, version }: Pick<FetchedVersion, 'model' | 'version'>): string {
  return `/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}`
}

/** `churn@1.0.0` as its two parts. */
export function splitModel(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('@')
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** Without a pinned version, the one that answers now. */
export async function versionOf(client: Client, model: string, reference: string | undefined): Promise<FetchedVersion> {
  const base = `/models/${encodeURIComponent(model)}`
  const chosen = reference ?? (await currentVersion(client, base, model))
  return client.json<FetchedVersion>('GET', `${base}/versions/${encodeURIComponent(chosen)}`)
}

async function currentVersion(client: Client, base: string, model: string): Promise<string> {
  const { versions, aliases } = await client.json<{ versions: string[]; aliases: Record<string, string> }>('GET', base)
  const current = aliases['champion'] ?? versions.findLast(version => !version.includes('-')) ?? versions.at(-1)
  if (current === undefined) throw new Problem('not_found', `Cannot predict: ${model} has no version`)
  return current
}

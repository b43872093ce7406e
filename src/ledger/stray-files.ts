import { readdir } from 'node:fs/promises'
import { placesOfSeals } from './commit-segment.ts'
import { listSegments, readManifest } from './segments.ts'
import type { VerifyFault } from './verify.ts'

/**
 * Files among the Parquet files that no manifest names. They are no part of the ledger, but whoever reads the folder with
 * a tool of their own would take them for it. What a seal of this moment has put there is none of them.
 */
export async function strayFiles(folder: string): Promise<VerifyFault[]> {
  const found: string[] = []
  for await (const path of partitionFiles(folder, '')) found.push(path)
  const named = new Set(await placesOfSeals(folder)) // before the manifests: a seal that ends now is in one or the other
  for (const segment of await listSegments(folder)) {
    const manifest = await readManifest(folder, segment).catch(() => undefined)
    for (const { path } of manifest?.files ?? []) named.add(path)
  }
  return found
    .filter(path => !named.has(path))
    .map(path => ({ what: `${path} is no part of the ledger: no segment names it, but others would read it` }))
}

async function* partitionFiles(folder: string, below: string): AsyncGenerator<string> {
  const entries = await readdir(`${folder}/${below}`, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (below === '' && !entry.name.startsWith('kind=')) continue
    if (entry.isDirectory()) yield* partitionFiles(folder, path)
    else yield path
  }
}

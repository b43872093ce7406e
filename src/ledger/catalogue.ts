import type { Column } from './schema.ts'
import { type Manifest, readManifest } from './segments.ts'

/** The manifests of a ledger, each read once. They never change. */
export interface Catalogue {
  readonly folder: string
  /** The manifests of the first `count` segments. */
  first(count: number): Promise<readonly Manifest[]>
}

export function openCatalogue(folder: string): Catalogue {
  const manifests: Manifest[] = []
  const schemas = new Map<string, readonly Column[]>()
  let reading: Promise<void> = Promise.resolve()

  /** Segments of one model have equal columns: they are kept once. */
  const shared = (columns: readonly Column[]): readonly Column[] => {
    const key = JSON.stringify(columns)
    const known = schemas.get(key)
    if (known !== undefined) return known
    schemas.set(key, columns)
    return columns
  }

  const readUpTo = async (count: number): Promise<void> => {
    while (manifests.length < count) {
      const manifest = await readManifest(folder, manifests.length)
      manifests.push({ ...manifest, schemas: manifest.schemas.map(shared) })
    }
  }

  return {
    folder,
    async first(count) {
      const before = reading
      const mine = before.catch(() => undefined).then(() => readUpTo(count))
      reading = mine
      await mine
      return manifests.slice(0, count)
    },
  }
}

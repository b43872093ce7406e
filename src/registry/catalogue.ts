/** What there is, in memory: the data plane's view of the registry. */
import { compareSemver, isSemver } from './semver.ts'
import type { Standing, StandingState } from './standing.ts'
import type { RegistryChanges } from './store.ts'
import type { Alias, ModelVersion } from './version.ts'

/** What the data plane may ask. In memory, no SQL; a snapshot that `refresh` replaces. */
export interface Catalogue {
  has(model: string): boolean
  /** Sorted. */
  names(): readonly string[]
  /** Ascending by precedence (semver.org §11); empty for an unknown model. */
  versions(model: string): readonly string[]
  /** Sorted by name; empty for an unknown model. */
  aliases(model: string): readonly Alias[]
  /** The version that a semantic version or an alias names. */
  resolve(model: string, reference: string): string | undefined
  version(model: string, version: string): ModelVersion | undefined
  /** Undefined for a version in good standing. */
  standing(model: string, version: string): Standing | undefined
}

export interface CatalogueChange {
  readonly model: string
  /** A version that is new, or an alias that was moved (then `version` is where to) or removed (then absent). */
  readonly version?: string
  readonly alias?: string
  /** `version` is there, and its standing is another now. */
  readonly standing?: StandingState | 'restored'
}

interface ModelEntry {
  readonly versions: Map<string, ModelVersion>
  readonly aliases: Map<string, Alias>
  readonly standings: Map<string, Standing>
  /** Sorted views, remade when the model changes. */
  versionNames: readonly string[]
  aliasList: readonly Alias[]
}

export interface LiveCatalogue extends Catalogue {
  /** Takes in changes, oldest first. Returns what is different now. */
  apply(changes: RegistryChanges): readonly CatalogueChange[]
}

export function liveCatalogue(): LiveCatalogue {
  const models = new Map<string, ModelEntry>()
  /** Sorted when somebody asks: at the start, thousands come one after the other. */
  let names: readonly string[] | undefined

  const entry = (model: string): ModelEntry => {
    let found = models.get(model)
    if (found === undefined) {
      found = { versions: new Map(), aliases: new Map(), standings: new Map(), versionNames: [], aliasList: [] }
      models.set(model, found)
      names = undefined
    }
    return found
  }
  return {
    has: model => models.has(model),
    names: () => (names ??= [...models.keys()].sort()),
    versions: model => models.get(model)?.versionNames ?? [],
    aliases: model => models.get(model)?.aliasList ?? [],
    version: (model, version) => models.get(model)?.versions.get(version),
    standing: (model, version) => models.get(model)?.standings.get(version),
    resolve(model, reference): string | undefined {
      const found = models.get(model)
      if (found === undefined) return undefined
      return isSemver(reference)
        ? found.versions.has(reference)
          ? reference
          : undefined
        : found.aliases.get(reference)?.version
    },
    apply({ versions, aliases, standings }): readonly CatalogueChange[] {
      const changed: CatalogueChange[] = []
      const touched = new Set<ModelEntry>()
      for (const version of versions) {
        const found = entry(version.model)
        found.versions.set(version.version, version)
        touched.add(found)
        changed.push({ model: version.model, version: version.version })
      }
      for (const { model, alias, version, movedAt, movedBy } of aliases) {
        const found = entry(model)
        if (version === undefined) found.aliases.delete(alias)
        else found.aliases.set(alias, { model, alias, version, movedAt, movedBy })
        touched.add(found)
        changed.push({ model, alias, ...(version === undefined ? {} : { version }) })
      }
      for (const { model, version, standing } of standings) {
        if (standing === undefined) entry(model).standings.delete(version)
        else entry(model).standings.set(version, standing)
        changed.push({ model, version, standing: standing?.state ?? 'restored' })
      }
      for (const found of touched) {
        found.versionNames = [...found.versions.keys()].sort(compareSemver)
        found.aliasList = [...found.aliases.values()].sort((a, b) => (a.alias < b.alias ? -1 : 1))
      }
      return changed
    },
  }
}

/** Keys of the configuration that say what is demanded of new versions. */
import { Type } from 'typebox'
import type { ConfigKey } from './config-keys.ts'

export interface VersionsConfig {
  /** What becomes of a version that breaks callers and is no new major version. */
  readonly breaking: 'refuse' | 'tell'
}

type Key = `versions.${keyof VersionsConfig}`

export const VERSIONS_KEYS: { readonly [key in Key]: Omit<ConfigKey, 'env'> } = {
  'versions.breaking': {
    schema: Type.Union([Type.Literal('refuse'), Type.Literal('tell')]),
    wanted: 'refuse or tell',
    default: 'refuse',
    doc: 'What becomes of a version that breaks callers and whose number does not say so (no new major version)',
  },
}

/** Keys of the configuration that say what is demanded of new versions. */
import { Type } from 'typebox'
import type { ConfigKey } from './config-keys.ts'

export interface VersionsConfig {
  /** What becomes of a version that breaks callers and is no new major version. */
  readonly breaking: 'refuse' | 'tell'
  /** People who must approve of a version before it becomes champion: a number for all models, NAME=NUMBER for one. */
  readonly approvals: string
}

type Key = `versions.${keyof VersionsConfig}`

export const VERSIONS_KEYS: { readonly [key in Key]: Omit<ConfigKey, 'env'> } = {
  'versions.breaking': {
    schema: Type.Union([Type.Literal('refuse'), Type.Literal('tell')]),
    wanted: 'refuse or tell',
    default: 'refuse',
    doc: 'What becomes of a version that breaks callers and whose number does not say so (no new major version)',
  },
  'versions.approvals': {
    schema: Type.String({ maxLength: 10_000 }),
    wanted: 'a number from 0 to 9, or MODEL=NUMBER, separated by commas',
    default: '',
    doc: 'People who must approve of a version before it becomes champion, e.g. `1, fraud=2`; 0 where nothing is said',
  },
}

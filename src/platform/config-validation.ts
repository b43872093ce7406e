/** Keys of the configuration that say what a version must show before it answers. */
import { Type } from 'typebox'
import type { ConfigKey } from './config-keys.ts'

export interface ValidationConfig {
  /** Which versions need a passed validation to become champion: those whose model.yaml says so, all, or none. */
  readonly champion: 'declared' | 'always' | 'never'
}

export const VALIDATION_KEYS: { readonly 'validation.champion': Omit<ConfigKey, 'env'> } = {
  'validation.champion': {
    schema: Type.Union(['declared', 'always', 'never'].map(policy => Type.Literal(policy))),
    wanted: 'declared, always or never',
    default: 'declared',
    doc: 'Versions that need a passed validation to become champion: those whose model.yaml has `validation`, all, or none',
  },
}

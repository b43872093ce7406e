/** Keys of the configuration that say how long models stay in memory. */
import { Type } from 'typebox'
import type { ConfigKey } from './config-keys.ts'

export interface ModelsConfig {
  /** Bytes that loaded models may hold together. */
  readonly modelsBytesMax: number
  /** Milliseconds; 0: no model is put away for being idle. */
  readonly idleAfterMs: number
}

const DAY_MS = 86_400_000

type Described = Omit<ConfigKey, 'env'>

export const MODELS_KEYS: {
  readonly 'serving.modelsBytesMax': Described
  readonly 'serving.idleAfterMs': Described
} = {
  'serving.modelsBytesMax': {
    schema: Type.Integer({ minimum: 1 << 20 }),
    wanted: 'a whole number of bytes, at least 1048576',
    default: 1_073_741_824,
    doc: 'Memory that loaded models may hold; beyond it, those that were not asked for longest are put away',
  },
  'serving.idleAfterMs': {
    schema: Type.Integer({ minimum: 0, maximum: 30 * DAY_MS }),
    wanted: `a whole number from 0 to ${30 * DAY_MS}`,
    default: 1_800_000,
    doc: 'A model that nobody asked for so many milliseconds is put away, if it can be back within its latency target; 0: never',
  },
}

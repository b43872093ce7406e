/** Keys of the configuration about who is told of changes. */
import { Type } from 'typebox'
import type { ConfigKey } from './config-keys.ts'

export interface WebhooksConfig {
  /** `any`: hooks may be machines of private networks, and this one. */
  readonly addresses: 'public' | 'any'
  /** One try, milliseconds. */
  readonly timeoutMs: number
}

type Key = 'webhooks.addresses' | 'webhooks.timeoutMs'

export const WEBHOOKS_KEYS: { readonly [key in Key]: Omit<ConfigKey, 'env'> } = {
  'webhooks.addresses': {
    schema: Type.Union([Type.Literal('public'), Type.Literal('any')]),
    wanted: 'public or any',
    default: 'public',
    doc: '`any`: webhooks may be addresses of private networks and of this machine, too',
  },
  'webhooks.timeoutMs': {
    schema: Type.Integer({ minimum: 100, maximum: 300_000 }),
    wanted: 'a whole number from 100 to 300000',
    default: 10_000,
    doc: 'Longest wait for the answer of a webhook, milliseconds; then it is tried again later',
  },
}

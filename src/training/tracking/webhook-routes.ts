import type { Clock } from '../../platform/clock.ts'
import type { WebhooksConfig } from '../../platform/config-webhooks.ts'
import type { Keyring } from '../../platform/crypto.ts'
import type { Database } from '../../platform/database.ts'
import type { Ids } from '../../platform/ids.ts'
import type { JobHandler } from '../../platform/run-jobs.ts'
import type { Timers } from '../../platform/timers.ts'
import type { AnyRoute } from '../../route.ts'
import type { Message } from './fields.ts'
import type { Writing } from './group-commit.ts'
import { apiRoute, fieldsOf, type Row } from './routes.ts'
import { HOOK_JOB, hookHandler, type SendParts, tryHook } from './tell-hooks.ts'
import * as hooks from './webhooks.ts'

interface Parts {
  readonly db: Database
  readonly keyring: Keyring
  readonly clock: Clock
  readonly ids: Ids
  readonly timers: Timers
  readonly config: { readonly webhooks: WebhooksConfig }
}

type All = hooks.HookParts & SendParts

/** Who makes a hook makes this server call another. */
const PERMISSION = 'model:trust'

const READS: readonly Row<(parts: All, from: Message) => Promise<Message>>[] = [
  ['GET', 'webhooks', 'Webhooks', PERMISSION, hooks.listHooks],
  ['GET', 'webhooks/:webhook_id', 'A webhook', PERMISSION, hooks.getHook],
  ['POST', 'webhooks/:webhook_id/test', 'Send an example to a webhook', PERMISSION, tryHook],
]
const CHANGES: readonly Row<(parts: All, tx: Writing, from: Message) => Promise<Message>>[] = [
  ['POST', 'webhooks', 'Make a webhook', PERMISSION, hooks.createHook],
  ['PATCH', 'webhooks/:webhook_id', 'Change a webhook', PERMISSION, hooks.updateHook],
  ['DELETE', 'webhooks/:webhook_id', 'Delete a webhook', PERMISSION, hooks.deleteHook],
]

function allOf({ config, ...parts }: Parts): All {
  const { addresses, timeoutMs } = config.webhooks
  return { ...parts, allowsPrivateHooks: addresses === 'any', hookTimeoutMs: timeoutMs }
}

export function webhookRoutes(given: Parts): AnyRoute[] {
  const parts = allOf(given)
  const reads = READS.map(row => apiRoute(row, request => row[4](parts, fieldsOf(request))))
  const changes = CHANGES.map(row =>
    apiRoute(row, request => parts.db.sql.transaction().execute(tx => row[4](parts, tx, fieldsOf(request)))),
  )
  return [...reads, ...changes]
}

/** Who sends what hooks are to be told. */
export function hookHandlers(given: Parts): Readonly<Record<string, JobHandler>> {
  return { [HOOK_JOB]: hookHandler(allOf(given)) }
}

import type { Access } from '../access/access.ts'
import type { Log } from '../platform/log.ts'
import type { Registry } from './registry.ts'

/** How often replicas that share a database look what others changed. */
const REFRESH_MS = 2_000

/** Looks regularly what other replicas changed; returns how to stop. */
export function lookRegularly(access: Access, registry: Registry, log: Log): () => Promise<void> {
  const timer = setInterval(() => {
    Promise.all([access.refresh(), registry.refresh()]).catch((error: unknown) => {
      log.warn({ error }, 'Cannot read what others changed: answering from what is known')
    })
  }, REFRESH_MS)
  return async () => clearInterval(timer)
}

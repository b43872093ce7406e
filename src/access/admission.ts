/** Who may come in through the door. */
import { Problem } from '../errors.ts'
import type { Actor } from '../route.ts'
import { type Access, OWNER } from './access.ts'
import { keylessGuard } from './keyless.ts'

export type Admit = (
  authorization: string | undefined,
  host: string | undefined,
  origin: string | undefined,
  permission: string,
) => Actor

export interface Admitting {
  readonly admit: Admit
  readonly judged: Access['judged']
}

/**
 * The owner of the data folder, by a key that this process made and nobody else knows; while the door is open, holders of
 * keys that have the permission; and while there are no keys, whoever is on this machine.
 *
 * @param origins whose pages may call while there are no keys; those that are named, never all.
 */
export function admission(
  access: Access,
  ownerAuthorization: string,
  isOpen: boolean,
  origins: readonly string[] = [],
): Admitting {
  const welcome = new Set(origins)
  return {
    judged: access.judged,
    admit(authorization, host, origin, permission) {
      if (authorization === ownerAuthorization) return OWNER
      if (!isOpen) throw new Problem('unauthenticated', 'Cannot answer: this door is for the command that opened it')
      if (!access.hasKeys()) keylessGuard(host, origin !== undefined && welcome.has(origin) ? undefined : origin)
      const actor = access.authenticate(authorization)
      access.permit(actor, permission)
      return actor
    },
  }
}

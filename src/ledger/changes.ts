/** Brings changes from the outbox into the ledger: each once, also across a crash in between (docs/adr/0007). */
import { Problem } from '../errors.ts'
import type { Outbox } from '../platform/outbox.ts'
import { canonical } from './canonical.ts'
import type { Ledger } from './ledger.ts'
import type { ChangeRecord } from './record.ts'

export const CHANGE_TOPIC = 'change'

export interface Changes {
  /** Resolves when all changes that were committed before stand in the ledger. */
  recorded(): Promise<void>
}

export interface ChangesParts {
  readonly outbox: Outbox
  readonly ledger: Pick<Ledger, 'append' | 'find'>
  /** Told of each change once it stands in the ledger; again where it rejected, or a crash came between. */
  readonly onRecorded?: (change: ChangeRecord) => Promise<void>
}

/**
 * Entries of earlier processes are looked up first: theirs may be the append that was made while the entry was not removed
 * any more. Of its own entries this process knows which it has appended.
 */
export async function openChanges({ outbox, ledger, onRecorded }: ChangesParts): Promise<Changes> {
  const appended = new Set<string>()

  const bring = async (payload: string, mayBeThere: boolean): Promise<void> => {
    const record = JSON.parse(payload) as ChangeRecord
    if (record.kind !== 'change') throw new Problem('corrupt', `Cannot record the change ${record.id}: it is no change`)
    const isThere = appended.has(record.id) || (mayBeThere && (await ledger.find(record.id)) !== undefined)
    if (!isThere) {
      await ledger.append([canonical(record)], 'power')
      appended.add(record.id)
    }
    await onRecorded?.(record)
  }

  await outbox.drain(CHANGE_TOPIC, ({ payload }) => bring(payload, true))
  return {
    async recorded(): Promise<void> {
      await outbox.drain(CHANGE_TOPIC, ({ payload }) => bring(payload, false))
      appended.clear() // their entries are gone
    },
  }
}

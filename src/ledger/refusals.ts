/**
 * Writes what was refused, so that a flood cannot fill the disk (docs/adr/0006): the first refusal of a caller for a reason
 * is written at once; like ones within a second become one further record, with their count, when that second ends.
 */
import { Problem } from '../errors.ts'
import type { Ids } from '../platform/ids.ts'
import type { Timers } from '../platform/timers.ts'
import { canonical } from './canonical.ts'
import type { RefusalRecord } from './record.ts'

export type Refusal = Omit<RefusalRecord, 'kind' | 'id' | 'count'>

/** Hears of a record of refusals that was written. Must not throw. */
export type Refused = (record: RefusalRecord) => void

export interface Refusals {
  /**
   * Resolves when the refusal is in the journal, or counted towards the record to come. While the disk is full it is
   * counted as well, and the promise rejects with `storage_full`.
   */
  record(refusal: Refusal): Promise<void>
  /** Writes the counts that wait. Called before the ledger is read, and at the end. */
  flush(): Promise<void>
}

export interface RefusalsParts {
  readonly append: (records: readonly string[]) => Promise<void>
  readonly ids: Ids
  readonly timers: Timers
  readonly onWritten?: Refused
}

const WINDOW_MS = 1_000
/** Callers and reasons counted apart within a second; what comes beyond is written singly. */
const WINDOWS_MAX = 10_000

interface Window {
  readonly first: Refusal
  /** Not written yet. */
  count: number
  /** When the latest of them was refused. */
  at: number
}

export function refusals({ append, ids, timers, onWritten }: RefusalsParts): Refusals {
  const windows = new Map<string, Window>()

  const write = async (refusal: Refusal, at: number, count: number): Promise<void> => {
    const record: RefusalRecord = { ...refusal, at, kind: 'refusal', id: ids.next(), count }
    await append([canonical(record)])
    onWritten?.(record)
  }

  /** Writes what a window holds; what cannot be written is counted on. */
  const settle = async (window: Window): Promise<void> => {
    const { count } = window
    if (count === 0) return
    window.count = 0
    try {
      await write(window.first, window.at, count)
    } catch (error) {
      window.count += count
      throw error
    }
  }

  const close = async (key: string, window: Window): Promise<void> => {
    await settle(window).catch(() => undefined)
    // What came while the record was on its way, or could not be written, waits for the end of another second.
    if (window.count === 0) windows.delete(key)
    else closeLater(key, window)
  }
  const closeLater = (key: string, window: Window): void => void timers.after(WINDOW_MS, () => void close(key, window))

  return {
    async record(refusal): Promise<void> {
      const key = keyOf(refusal)
      const known = windows.get(key)
      if (known !== undefined) {
        known.count++
        known.at = refusal.at
        return
      }
      if (windows.size >= WINDOWS_MAX) return await write(refusal, refusal.at, 1)
      const window: Window = { first: refusal, count: 0, at: refusal.at }
      windows.set(key, window)
      closeLater(key, window)
      try {
        await write(refusal, refusal.at, 1)
      } catch (error) {
        window.count++
        throw error
      }
    },

    async flush(): Promise<void> {
      const results = await Promise.allSettled([...windows.values()].map(settle))
      const failed = results.find(result => result.status === 'rejected')
      // A full disk does not stop anybody from reading; the counts are kept.
      if (failed !== undefined && !(failed.reason instanceof Problem)) throw failed.reason
    },
  }
}

/** Refusals are alike where the same caller was refused the same thing for the same reason. */
function keyOf({ actor, source, door, code, model, version }: Refusal): string {
  return JSON.stringify([actor, source, door, code, model, version])
}

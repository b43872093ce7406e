/**
 * What the ledger has of messages whose answers did not arrive. A note beside the ledger says up to which record all answers
 * of the stream are in Kafka; what the stream recorded behind it, it recorded for a transaction that may have failed.
 */
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** What is needed of the ledger. */
export interface ReadableLedger {
  /** Number of records. */
  readonly size: number
  /** Canonical texts of the records from this one on. */
  lines(from: number): AsyncIterable<readonly string[]>
}

export interface Recorded {
  /** All that the stream has recorded so far is answered, and its answers are committed. */
  settle(): void
  /** Canonical texts by the id of the request, of what was recorded and is perhaps not answered. */
  unsettled(): Promise<Map<string, string>>
  close(): void
}

/** Sixteen digits and a line feed: written at once and always as long, so that a killed process leaves no half of it. */
const NOTE_BYTES = 17
const OF_STREAM = '"door":"stream"'

/** @param name of what is answered: groups and topics have notes of their own. */
export function openRecorded(folder: string, name: string, ledger: ReadableLedger): Recorded {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = `settled-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`
  const fd = openSync(join(folder, file), 'a+', 0o600)
  closeSync(fd)
  const note = openSync(join(folder, file), 'r+')
  let settled = readNote(note)
  return {
    settle(): void {
      if (settled === ledger.size) return
      settled = ledger.size
      writeSync(note, `${String(settled).padStart(NOTE_BYTES - 1, '0')}\n`, 0)
    },
    async unsettled(): Promise<Map<string, string>> {
      const found = new Map<string, string>()
      // After a loss of power the note may know of records that the ledger lost.
      if (settled >= ledger.size) return found
      for await (const lines of ledger.lines(settled)) {
        for (const line of lines) take(found, line)
      }
      return found
    },
    close: () => closeSync(note),
  }
}

function readNote(fd: number): number {
  const bytes = Buffer.alloc(NOTE_BYTES)
  const read = readSync(fd, bytes, 0, NOTE_BYTES, 0)
  const text = bytes.toString('latin1', 0, read)
  return /^\d{16}\n$/.test(text) ? Number(text) : 0
}

function take(found: Map<string, string>, line: string): void {
  if (!line.includes(OF_STREAM)) return
  const { door, requestId } = JSON.parse(line) as { door?: string; requestId?: string }
  if (door === 'stream' && requestId !== undefined) found.set(requestId, line)
}

/** A ledger in a folder of its own, and records to fill it, for tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ManualClock, manualClock } from '../platform/clock.ts'
import { openKeyring, openSigner, type Signer } from '../platform/crypto.ts'
import { type Ids, uuid7 } from '../platform/ids.ts'
import { canonical } from './canonical.ts'
import type { Duck } from './duck.ts'
import type { Engine } from './engine.ts'
import { journalLeaves, segmentLeaves } from './leaves.ts'
import { type LedgerOptions, type LedgerParts, type OpenedLedger, openLedger } from './open-ledger.ts'

export interface LedgerWorld {
  /** Of the ledger. */
  readonly folder: string
  readonly signer: Signer
  readonly clock: ManualClock
  readonly ids: Ids
  /** Messages of warnings and errors. */
  readonly logged: string[]
  open(options?: Partial<LedgerOptions>, parts?: Partial<LedgerParts>): Promise<OpenedLedger>
  /** Closes what was opened and removes the folder. */
  close(): Promise<void>
}

export const DAY_MS = 86_400_000
/** 2026-11-22. */
export const START_AT: number = 20_779 * DAY_MS

export async function ledgerWorld(): Promise<LedgerWorld> {
  const data = await mkdtemp(join(tmpdir(), 'bellwether-ledger-'))
  const signer = await openSigner(data, 'ledger', await openKeyring(data))
  const clock = manualClock(START_AT)
  const folder = join(data, 'ledger')
  const logged: string[] = []
  const opened: OpenedLedger[] = []
  const write = (_: unknown, message: string): void => void logged.push(message)
  return {
    folder,
    signer,
    clock,
    ids: uuid7(clock),
    logged,
    async open(options = {}, parts = {}) {
      const ledger = await openLedger({
        folder,
        signer,
        clock,
        log: { info: () => undefined, warn: write, error: write },
        options: {
          segmentBytesMax: 1 << 26,
          segmentAgeMsMax: 3_600_000,
          flushMs: 5,
          engineMemory: '256MB',
          engineThreads: 1,
          ...options,
        },
        ...parts,
      })
      opened.push(ledger)
      return ledger
    },
    async close() {
      for (const ledger of opened) await ledger.close()
      await rm(data, { recursive: true, force: true })
    },
  }
}

/** Predictions as a bank's model makes them; `more` replaces members. */
export function predictionText(world: Pick<LedgerWorld, 'ids' | 'clock'>, index: number, more: object = {}): string {
  return canonical({
    kind: 'prediction',
    id: world.ids.next(),
    at: world.clock.now(),
    actor: 'key:7f3a7f3a7f3a',
    source: '127.0.0.1',
    door: 'http',
    model: 'churn',
    version: '1.0.0',
    requestId: `request-${index}`,
    features: { age: 18 + (index % 60), balance: Math.sqrt(index), has_cr_card: index % 2 === 0 },
    outputs: { churn_probability: 1 / (1 + (index % 97)) },
    latencyMs: (index % 1000) / 1000,
    ...more,
  })
}

export function idOf(text: string): string {
  return (JSON.parse(text) as { id: string }).id
}

/** What verification needs of an engine, in this process: many verifications then cost no start of another. */
export function engineIn(duck: Duck, folder: string): Pick<Engine, 'ask'> {
  return {
    ask: (what, question: object) => {
      const { segment, path, first } = question as { segment: number; path: string; first: number }
      const leaves = what === 'segmentLeaves' ? segmentLeaves(duck, folder, segment) : journalLeaves(path, first)
      return leaves as Promise<never>
    },
  }
}

/**
 * Counts again, after a start, what the ledger has and no stored window: the part of the last process's life that it kept
 * in memory. Runs beside answering; what is served meanwhile is counted live, and the two are added, because they are apart
 * in the log: all before the position where this process began, all from there on.
 */
import type { LedgerPage } from '../ledger/ledger.ts'
import { countedWindow, type LiveCounts } from './live-counts.ts'
import type { VersionName, WatchParts } from './watch-parts.ts'
import { countedColumn } from './watched.ts'
import { LATENCY_LOWERS } from './window-counts.ts'

export interface RecoveryParts {
  readonly live: (name: VersionName) => Promise<LiveCounts>
  /** Stores the windows that ended by then. */
  readonly store: (until: number) => Promise<void>
  /** Versions that are counted already. */
  readonly asked: () => readonly VersionName[]
  readonly isClosed: () => boolean
}

/** So much is counted at once: a ledger that was never counted is gone through in days. */
const CHUNK_MS = 86_400_000
const VERSIONS_AT_ONCE = 32
/** A call that is answered later after its beginning than this is counted late in vain where the process is killed. */
const LATE_MS_MAX = 600_000
const QUERY_LIMIT_MAX = 10_000

interface Progress {
  /** Windows that began before are counted. */
  countedUntil: number | undefined
  readonly restored: Set<LiveCounts>
}

/** Returns what recovers; where that failed, calling it again goes on. */
export function recovery(parts: WatchParts, within: RecoveryParts): () => Promise<void> {
  const { live, store, isClosed } = within
  const before = parts.ledger.size
  const { windowMs } = parts.options
  const progress: Progress = { countedUntil: undefined, restored: new Set() }

  return async () => {
    if (before === 0) return
    progress.countedUntil ??= await beginning(parts)
    const last = parts.clock.now()
    for (let since = progress.countedUntil; since < Number.POSITIVE_INFINITY && !isClosed(); ) {
      const next = since + Math.max(CHUNK_MS, windowMs)
      const until = next > last ? Number.POSITIVE_INFINITY : Math.floor(next / windowMs) * windowMs
      await count(parts, live, { since, until, before })
      progress.countedUntil = until
      since = until
      if (until < Number.POSITIVE_INFINITY) await store(until)
    }
    await restoreLatest(parts, within, { before, restored: progress.restored })
  }
}

/**
 * Where to begin. One window more than the mark says, or several short ones, are counted again, in the place of what is
 * stored: what came late for them may have died with the last process.
 */
async function beginning({ ledger, store, clock, options }: WatchParts): Promise<number> {
  const { windowMs, keepMs } = options
  const aligned = (at: number): number => Math.floor(at / windowMs) * windowMs
  const mark = await store.countedUntil(ledger.keyId)
  if (mark === undefined) {
    const { records } = await ledger.query({ order: 'oldest', limit: 1 })
    return aligned(Math.max(records[0]?.at ?? 0, clock.now() - keepMs))
  }
  let from = aligned(mark - Math.max(windowMs, LATE_MS_MAX))
  // Windows may have had another length: one that reaches beyond the new beginning is counted again from its own.
  for (let first = await store.rewind(ledger.keyId, from); first < from; ) {
    from = aligned(first)
    first = await store.rewind(ledger.keyId, from)
  }
  return from
}

interface Range {
  readonly since: number
  readonly until: number
  readonly before: number
}

/** Adds all or nothing of a range, so that it may be tried again. */
async function count({ ledger, options }: WatchParts, live: RecoveryParts['live'], range: Range): Promise<void> {
  const seen = await ledger.seenVersions(range)
  const found: { readonly of: LiveCounts; readonly windows: Awaited<ReturnType<typeof ledger.counts>> }[] = []
  for (let from = 0; from < seen.length; from += VERSIONS_AT_ONCE) {
    const some = await Promise.all(seen.slice(from, from + VERSIONS_AT_ONCE).map(live))
    const windows = await ledger.counts({
      ...range,
      windowMs: options.windowMs,
      latencyLowers: LATENCY_LOWERS,
      targets: some.map(({ model, version, layout }) => ({
        model,
        version,
        columns: layout.columns.map(countedColumn),
      })),
    })
    for (const of of some) {
      found.push({ of, windows: windows.filter(({ model, version }) => model === of.model && version === of.version) })
    }
  }
  for (const { of, windows } of found)
    for (const window of windows) of.add(countedWindow(of.layout, window, options.windowMs))
}

/** Puts the last predictions of each version before those that came since. */
async function restoreLatest(
  { ledger, store, registry, latestRows }: WatchParts,
  { live, asked, isClosed }: RecoveryParts,
  { before, restored }: { readonly before: number; readonly restored: Set<LiveCounts> },
): Promise<void> {
  for (const name of await store.versions(ledger.keyId)) if (name.version !== '') await live(name)
  for (const { model, version } of asked()) {
    if (isClosed()) return
    const counts = await live({ model, version })
    if (restored.has(counts)) continue
    const wanted = latestRows(registry.catalogue.version(model, version))
    const newest: Readonly<Record<string, unknown>>[] = []
    for (let after: string | undefined = String(before); after !== undefined && newest.length < wanted; ) {
      const limit = Math.min(wanted - newest.length, QUERY_LIMIT_MAX)
      const page: LedgerPage = await ledger.query({ kind: 'prediction', model, version, limit, after })
      for (const record of page.records) newest.push({ ...record })
      after = page.next
    }
    counts.restore(newest.reverse())
    restored.add(counts)
  }
}

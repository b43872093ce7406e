/** Windows added up: what was stored and what was counted since, of one ledger or of several. */
import { Problem } from '../errors.ts'
import { counterBytes, countersOf } from './counter-bytes.ts'
import type { OpenWindow } from './live-counts.ts'
import type { StoredWindow } from './store.ts'
import type { Layout } from './watched.ts'

/** Windows of the same time become one; oldest first. The given ones stay as they are. */
export function sumWindows(windows: readonly OpenWindow[]): OpenWindow[] {
  const sums = [...Map.groupBy(windows, ({ from, to }) => `${from} ${to}`).values()].map(sumOf)
  return sums.sort((a, b) => a.from - b.from || a.to - b.to)
}

function sumOf(windows: readonly OpenWindow[]): OpenWindow {
  const { from, to, counters } = windows[0]!
  const sum = { from, to, counters: new Float64Array(counters.length), refusals: new Map<string, number>() }
  for (const window of windows) {
    for (let index = 0; index < counters.length; index++) sum.counters[index]! += window.counters[index]!
    for (const [code, count] of window.refusals) sum.refusals.set(code, (sum.refusals.get(code) ?? 0) + count)
  }
  return sum
}

/** Throws `corrupt` where the stored bytes are not of this layout. */
export function windowOfStored(
  { model, version, from, to, refusals, counters: bytes }: StoredWindow,
  { length }: Pick<Layout, 'length'>,
  read: typeof countersOf = countersOf,
): OpenWindow {
  const counters = read(bytes, length)
  if (counters !== undefined) return { from, to, counters, refusals: new Map(Object.entries(refusals)) }
  const when = new Date(from).toISOString()
  throw new Problem(
    'corrupt',
    `Cannot read the counts of ${model}@${version} at ${when}: they are not ${length} counters`,
  )
}

/** Adds what came late for a window to what is stored of it. */
export function mergeStored(there: StoredWindow, added: StoredWindow, length: number): StoredWindow {
  const { counters, refusals } = sumOf([windowOfStored(there, { length }), windowOfStored(added, { length })])
  return { ...added, refusals: Object.fromEntries(refusals), counters: counterBytes(counters) }
}

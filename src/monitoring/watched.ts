/** Which columns of a version are watched, and how their counters lie behind each other. */
import type { CountedColumn } from '../ledger/count-question.ts'
import { type CountedSlots, countedSlots } from '../ledger/tally.ts'
import type { ColumnProfile, ReferenceProfile } from '../registry/profile.ts'
import type { ModelVersion } from '../registry/version.ts'
import { LATENCY_LOWERS } from './window-counts.ts'

export interface WatchedColumn {
  readonly name: string
  readonly kind: 'feature' | 'output'
  readonly profile: ColumnProfile
}

/** Places of a window's counters: rows, calls, buckets of latency, then the slots of each column. */
export interface Layout {
  readonly columns: readonly WatchedColumn[]
  readonly slots: readonly CountedSlots[]
  /** Counters in all. */
  readonly length: number
}

export const ROWS = 0
export const INVOCATIONS = 1
export const LATENCY = 2

/**
 * The columns of the reference profile, features first. Without sensitive ones: the ledger has them sealed, so that what is
 * counted live could not be counted again.
 */
export function watchedColumns(
  version: Pick<ModelVersion, 'signature'> | undefined,
  profile: ReferenceProfile | undefined,
): WatchedColumn[] {
  if (version === undefined || profile === undefined) return []
  const sensitive = new Set(version.signature.inputs.filter(input => input.sensitive).map(({ name }) => name))
  const features = profile.features.filter(({ name }) => !sensitive.has(name))
  return [
    ...features.map(column => ({ name: column.name, kind: 'feature' as const, profile: column })),
    ...profile.outputs.map(column => ({ name: column.name, kind: 'output' as const, profile: column })),
  ]
}

export function layoutOf(columns: readonly WatchedColumn[]): Layout {
  const slots = countedSlots(columns.map(countedColumn), LATENCY + LATENCY_LOWERS.length)
  const last = slots.at(-1)
  return { columns, slots, length: last === undefined ? LATENCY + LATENCY_LOWERS.length : last.base + last.slots }
}

/** How the ledger is asked to count it. */
export function countedColumn({ name, kind, profile }: WatchedColumn): CountedColumn {
  const path = [kind === 'feature' ? 'features' : 'outputs', name] as const
  if (profile.kind === 'categorical') return { path, kind: 'categorical', categories: profile.categories }
  return { path, kind: 'numeric', lowers: profile.lowers, maximum: profile.maximum }
}

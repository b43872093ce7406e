/** Reference data and traffic for tests: profiles, and windows counted as serving counts them. */
import type { WindowCounts } from '../monitoring/window-counts.ts'
import { binning, type ColumnProfile, type ReferenceProfile } from '../registry/profile.ts'
import type { Feature, Signature } from '../registry/signature.ts'
import { type DriftSettings, driftSettings } from './settings.ts'

export const DEFAULTS = { window: 500, minimum: 100, alpha: 1e-6, psiWarning: 0.1, psi: 0.25, ks: 0.05 }
export const SETTINGS: DriftSettings = driftSettings(DEFAULTS)

export function profileOf(
  features: readonly ColumnProfile[],
  outputs: readonly ColumnProfile[] = [],
): ReferenceProfile {
  return { format: 1, rows: 1, features, outputs }
}

export function signatureOf(names: readonly string[], sensitive: readonly string[] = []): Signature {
  const feature = (name: string): Feature => ({
    name,
    type: 'numeric',
    nullable: true,
    sensitive: sensitive.includes(name),
    protected: false,
  })
  return { inputs: names.map(feature), outputs: [] }
}

/** Counts values by column, as serving does. */
export function windowOf(
  columns: readonly {
    readonly profile: ColumnProfile
    readonly kind?: 'feature' | 'output'
    readonly values: Iterable<number>
  }[],
  times: { readonly from: number; readonly to: number } = { from: 1_000, to: 2_000 },
): WindowCounts {
  const counted = columns.map(({ profile, kind = 'feature' as const, values }) => {
    const { slots, slotOf } = binning(profile)
    const counts = new Array<number>(slots).fill(0)
    for (const value of values) counts[slotOf(value)]!++
    return { name: profile.name, kind, counts }
  })
  const rows = counted[0]?.counts.reduce((sum, count) => sum + count, 0) ?? 0
  return {
    model: 'churn',
    version: '1.0.0',
    ...times,
    rows,
    invocations: rows,
    refusals: {},
    latency: [],
    columns: counted,
  }
}

/** `count` values of a function of 0 ≤ u < 1, evenly spread: a sample without chance. */
export function spread(count: number, value: (u: number) => number = u => u): Float64Array {
  return Float64Array.from({ length: count }, (_, at) => value((at + 0.5) / count))
}

/** As `spread`, but in an order in which any stretch of it is spread, too: multiples of the golden ratio. */
export function mixed(count: number, value: (u: number) => number = u => u): Float64Array {
  return Float64Array.from({ length: count }, (_, at) => value(((at + 1) * 0.6180339887498949) % 1))
}

/** Rows like those a version was trained on, made of what is known of it: its signature and its reference profile. Pure. */
import type { Random } from '../math/random.ts'
import type { ColumnProfile, ReferenceProfile } from '../registry/profile.ts'
import type { Feature, Signature } from '../registry/signature.ts'

type Cell = number | boolean | string | null

/** Features are drawn each by itself: their distributions are those of the reference data, how they go together is not. */
export function sampleRows(
  { inputs }: Signature,
  profile: ReferenceProfile | undefined,
  count: number,
  random: Random,
): Record<string, Cell>[] {
  const columns = inputs.map(({ name }) => profile?.features.find(column => column.name === name))
  return Array.from({ length: count }, () =>
    Object.fromEntries(inputs.map((feature, i) => [feature.name, cellOf(feature, columns[i], random)])),
  )
}

function cellOf(feature: Feature, column: ColumnProfile | undefined, random: Random): Cell {
  if (feature.type === 'string') return textOf(feature, column, random)
  const value = column?.kind === 'numeric' ? drawn(column, feature, random) : declared(feature, random)
  if (value === undefined) return null
  if (feature.type === 'boolean') return value !== 0
  return within(feature, feature.type === 'integer' ? Math.round(value) : value)
}

function textOf({ categories = [], nullable }: Feature, column: ColumnProfile | undefined, random: Random): Cell {
  if (column?.kind === 'categorical') {
    const at = slotOf([...column.counts, nullable ? column.missing : 0], random)
    return column.categories[at] ?? null
  }
  return categories[Math.floor(random() * categories.length)] ?? (nullable ? null : '')
}

/** From the bins of the reference data: their lower bounds are values that were seen there. */
function drawn(
  { lowers, counts, missing }: Extract<ColumnProfile, { kind: 'numeric' }>,
  { nullable }: Feature,
  random: Random,
): number | undefined {
  return lowers[slotOf([...counts, nullable ? missing : 0], random)]
}

/** Without reference data: anything that is allowed. */
function declared({ type, minimum, maximum, observed }: Feature, random: Random): number {
  if (type === 'boolean' || type === 'numeric') return random() < 0.5 ? 0 : 1
  const low = minimum ?? observed?.minimum ?? Math.min(0, maximum ?? 0)
  const high = maximum ?? observed?.maximum ?? Math.max(1, low + 1)
  return low + (high - low) * random()
}

/** Rounding must not lead out of the declared limits, which may be no whole numbers. */
function within({ type, minimum = -Infinity, maximum = Infinity }: Feature, value: number): number {
  if (type !== 'integer') return Math.min(maximum, Math.max(minimum, value))
  return Math.min(Math.floor(maximum), Math.max(Math.ceil(minimum), value))
}

/** One of the slots, as often as its count says; the first where nothing was counted. */
function slotOf(counts: readonly number[], random: Random): number {
  let left = random() * counts.reduce((sum, count) => sum + count, 0)
  for (let slot = 0; slot < counts.length; slot++) {
    left -= counts[slot]!
    if (left < 0) return slot
  }
  return Math.max(
    0,
    counts.findLastIndex(count => count > 0),
  )
}

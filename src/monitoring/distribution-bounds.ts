/** Where the buckets of a model's outputs lie: fixed by what is known when the model is loaded, so that counts can be added up. */
import type { LoadedModel } from '../serving/lane.ts'

const EQUAL_BUCKETS = 20
/** Where nothing is known of a number: decades on both sides of zero. */
const DECADES = [1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1, 0.1]

/** Upper bounds of the buckets of an output, ascending. */
export function distributionBounds({ version, profile }: LoadedModel, column: number): number[] {
  const { name, minimum, maximum } = version.signature.outputs[column]!
  if (version.task === 'binary' || version.task === 'multiclass') return equalBounds(minimum ?? 0, maximum ?? 1)
  if (minimum !== undefined && maximum !== undefined && minimum < maximum) return equalBounds(minimum, maximum)
  const seen = profile?.outputs.find(output => output.name === name)
  if (seen?.kind === 'numeric' && seen.lowers.length > 1) return [...new Set([...seen.lowers, seen.maximum])]
  return [...DECADES.map(bound => -bound), 0, ...DECADES.toReversed()]
}

function equalBounds(minimum: number, maximum: number): number[] {
  const width = maximum - minimum
  // Rounded to what a label should show: 0.15, not 0.15000000000000002.
  return Array.from({ length: EQUAL_BUCKETS }, (_, at) =>
    Number((minimum + (width * (at + 1)) / EQUAL_BUCKETS).toPrecision(12)),
  )
}

/** Reason codes: the features that moved an answer most, in sentences for people. */
import type { Scalar } from '../ledger/record.ts'
import type { DeclaredReasons } from '../registry/explain-keys.ts'
import type { Feature, Output } from '../registry/signature.ts'

export interface Reason {
  readonly feature: string
  /** Absent where it is missing, or may not be told. */
  readonly value?: Scalar
  readonly contribution: number
  /** Share of the answer, where it is known: see `effectsOf`. */
  readonly effect?: number
  readonly text: string
}

/** What is known of one feature of one answer. */
export interface Moved {
  readonly feature: Feature
  readonly value: Scalar | undefined
  /** Whether `value` may be told. */
  readonly isTold: boolean
  readonly contribution: number
  readonly effect: number | undefined
}

/** The `top` features by the size of their contributions; those that moved nothing are no reason. */
export function reasonsOf(
  moved: readonly Moved[],
  output: Pick<Output, 'name'>,
  declared: DeclaredReasons | undefined,
  top: number,
): Reason[] {
  const ordered = moved.filter(({ contribution }) => contribution !== 0)
  ordered.sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
  return ordered.slice(0, top).map(one => {
    const { feature, value, isTold, contribution, effect } = one
    return {
      feature: feature.name,
      ...(value === undefined || !isTold ? {} : { value }),
      contribution,
      ...(effect === undefined ? {} : { effect }),
      text: sentence(one, output, declared),
    }
  })
}

function sentence(
  { feature, value, isTold, contribution }: Moved,
  { name }: Pick<Output, 'name'>,
  declared: DeclaredReasons = {},
): string {
  const shown = isTold ? valueText(feature, value) : 'not shown'
  const own = Object.hasOwn(declared, feature.name) ? declared[feature.name]! : {}
  const given = contribution > 0 ? own.raises : own.lowers
  if (given !== undefined) return given.replaceAll('{value}', () => shown)
  const words = label(feature.name)
  const subject = `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
  return `${subject} (${shown}) ${contribution > 0 ? 'raises' : 'lowers'} ${label(name)}`
}

function valueText({ unit, type }: Feature, value: Scalar | undefined): string {
  if (value === undefined) return 'missing'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (type === 'boolean') return value === 1 ? 'yes' : 'no'
  const text = typeof value === 'number' ? value.toLocaleString('en', { maximumSignificantDigits: 6 }) : value
  return unit === undefined ? text : `${text} ${unit}`
}

/** `num_products` → `num products`. */
function label(name: string): string {
  return name.replaceAll(/[_.]+/g, ' ').trim() || name
}

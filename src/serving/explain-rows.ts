/** Explains the rows of a call: between the predictions and the records, which keep what is found. */
import { Problem } from '../errors.ts'
import type { CallContext } from './context.ts'
import type { ExplanationWriter } from './explanation-text.ts'
import type { LoadedModel } from './lane.ts'
import type { Rows } from './signature.ts'

/** What is known of the reasons that are given, and how they are written down. */
export interface Reasoning {
  readonly method: string
  /** Margins explained. */
  readonly outputCount: number
  readonly featureCount: number
  /** Expected margins. */
  readonly bias: Float64Array
  readonly writer: ExplanationWriter
}

/** A way to explain the answers of a version at once, ready to use. */
export interface Explaining extends Reasoning {
  /** As `Explainer.explain`. */
  explain(rows: Float64Array, count: number, out: Float64Array): void
  /** Memory that it holds, bytes. */
  readonly bytes: number
  /** Room for the numbers of one row, for whoever is done with them in the same turn. */
  readonly scratch: Float64Array
}

/** What was found, row by row. */
export interface Explained {
  readonly by: Reasoning
  /** `values[(row × outputCount + output) × featureCount + feature]`. */
  readonly values: Float64Array
}

/** Explains the rows of a call, or says by `undefined` that nobody wants it. */
export type Explain = (
  model: LoadedModel,
  rows: Rows,
  context: CallContext,
  timer: () => number,
) => Explained | Promise<Explained> | undefined

/** Where the version always says its reasons, or the caller asked for them. Throws `invalid` where there is no exact way. */
export const explainAsked: Explain = (model, rows, context, timer) => {
  const { explaining } = model
  if (explaining !== undefined) return explainRows(explaining, rows, timer, false)
  if (!context.explain) return undefined
  const exact = model.exact()
  if (exact !== undefined) return explainRows(exact, rows, timer, false)
  const { model: name, version } = model.version
  throw new Problem(
    'invalid',
    `Cannot explain the answer: ${name}@${version} has no exact explanation; POST /models/${name}/explain estimates one`,
  )
}

/** So long others wait for a batch that is explained. */
const TURN_MS = 2

/**
 * A single row is explained at once, so that its record can be written in the same turn.
 *
 * @param isKept whether the numbers are looked at after this turn; else those of a single row are overwritten by the next.
 */
export function explainRows(
  by: Explaining,
  rows: Pick<Rows, 'values' | 'count'>,
  timer: () => number,
  isKept: boolean,
): Explained | Promise<Explained> {
  const { outputCount, featureCount, scratch } = by
  const isSingle = rows.count === 1
  const values = isSingle && !isKept ? scratch : new Float64Array(rows.count * outputCount * featureCount)
  if (!isSingle) return inTurns(by, rows, values, timer)
  by.explain(rows.values, 1, values)
  return { by, values }
}

async function inTurns(
  by: Explaining,
  { values: rows, count }: Pick<Rows, 'values' | 'count'>,
  values: Float64Array,
  timer: () => number,
): Promise<Explained> {
  const { featureCount: width } = by
  const size = by.outputCount * width
  let since = timer()
  for (let row = 0; row < count; row++) {
    by.explain(rows.subarray(row * width, (row + 1) * width), 1, values.subarray(row * size, (row + 1) * size))
    if (timer() - since < TURN_MS) continue
    await new Promise(resolve => setImmediate(resolve))
    since = timer()
  }
  return { by, values }
}

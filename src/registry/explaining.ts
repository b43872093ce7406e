/** Decides at registration whether each answer is explained, by what an explanation costs. */
import { Problem } from '../errors.ts'
import type { Explainer } from '../predictor/explainer.ts'
import type { DeclaredReasons, ExplainMode } from './explain-keys.ts'
import type { EncodedColumn } from './rows.ts'

/** Up to here an explanation costs less than the rest of a request. */
const ALWAYS_BELOW_US = 10
/** So many rows are measured, one after the other, so long and so often; the fastest round counts, for other work disturbs. */
const ROWS = 64
const ROUNDS_MAX = 40
const MEASURE_MS = 60

/**
 * Throws `invalid` where model.yaml wants each answer explained and there is no exact way.
 *
 * @param columns of the reference data, if there is any.
 * @param notes gets what was decided.
 */
export function explainMode(
  declared: ExplainMode | undefined,
  explainer: Explainer | undefined,
  columns: readonly Pick<EncodedColumn, 'values'>[] | undefined,
  notes: string[],
): ExplainMode {
  if (explainer === undefined) {
    if (declared === 'always') throw noExact()
    return 'on-request'
  }
  if (declared !== undefined) return declared
  const took = microseconds(explainer, sampleOf(explainer.featureCount, columns))
  const told = took < 10 ? took.toFixed(1) : took.toFixed(0)
  const isCheap = took < ALWAYS_BELOW_US
  notes.push(
    isCheap
      ? `each answer is explained with its record, which takes ${told} µs; "explain: on-request" would not`
      : `answers are explained on request, which takes ${told} µs; "explain: always" keeps the reasons of each`,
  )
  return isCheap ? 'always' : 'on-request'
}

/** Throws `invalid` for sentences about what is no feature. */
export function requireReasonsKnown(reasons: DeclaredReasons | undefined, features: readonly string[]): void {
  const unknown = Object.keys(reasons ?? {}).filter(name => !features.includes(name))
  if (unknown.length === 0) return
  const problem = `is no feature of the model; it has ${features.slice(0, 20).join(', ')}`
  const fields = unknown.slice(0, 20).map(name => ({ field: `reasons.${name}`, problem }))
  throw new Problem('invalid', `Cannot register: reasons.${unknown[0]} ${problem}`, { fields })
}

function noExact(): Problem {
  const problem = 'wants each answer explained, and this model has no exact explanation; choose on-request'
  return new Problem('invalid', `Cannot register: explain ${problem}`, { fields: [{ field: 'explain', problem }] })
}

function sampleOf(width: number, columns: readonly Pick<EncodedColumn, 'values'>[] | undefined): Float64Array {
  const rows = new Float64Array(ROWS * width)
  for (const [at, { values }] of (columns ?? []).entries()) {
    for (let row = 0; row < ROWS; row++) rows[row * width + at] = values[(row * 7919) % values.length] ?? 0
  }
  return rows
}

function microseconds({ explain, featureCount, outputCount }: Explainer, rows: Float64Array): number {
  const out = new Float64Array(featureCount * outputCount)
  const singles = Array.from({ length: ROWS }, (_, row) => rows.subarray(row * featureCount, (row + 1) * featureCount))
  const began = performance.now()
  let fastest = Infinity
  for (let round = 0; round < ROUNDS_MAX && performance.now() - began < MEASURE_MS; round++) {
    const since = performance.now()
    let done = 0
    for (; done < ROWS && performance.now() - began < MEASURE_MS; done++) explain(singles[done]!, 1, out)
    fastest = Math.min(fastest, ((performance.now() - since) * 1000) / Math.max(1, done))
  }
  return fastest
}

/** Explanations of models whose inside is not known, or not asked: estimated from answers to made-up rows. */
import { Problem } from '../errors.ts'
import { seededRandom } from '../math/random.ts'
import type { Answering } from '../predictor/explain/answering.ts'
import { kernelShap } from '../predictor/explain/kernel-shap.ts'
import { lime } from '../predictor/explain/lime.ts'
import type { Background } from '../predictor/explainer.ts'
import type { AnyPredictor, MarginPredictor } from '../predictor/predictor.ts'
import type { Explained } from '../serving/explain-rows.ts'
import type { Rows } from '../serving/signature.ts'

/** What was estimated of some rows: `(row × outputs + output) × features + feature`. */
export interface Sampled {
  /** Expected margin or answer, the same for all rows; of LIME the intercepts, row by row. */
  readonly bias: Float64Array
  readonly contributions: Float64Array
  readonly standardErrors: Float64Array
  /** LIME: weighted share of the variance that the local model explains, by row and output. */
  readonly rSquared?: Float64Array
  readonly outputCount: number
}

/** What a call's explanations are, with what else is known of them. */
export interface Found extends Explained {
  readonly sampled?: Sampled
}

/** The bias of a row: its own, where each has one. */
export function biasOf(bias: Float64Array, row: number, outputs: number): Float64Array {
  return bias.length > outputs ? bias.slice(row * outputs, (row + 1) * outputs) : bias
}

/** Each asks the model about as many made-up rows as it has coalitions times the background. */
export const SAMPLED_ROWS_MAX = 20
/** The same question has the same answer. */
const SEED = 1

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Where the predictor knows margins, they are explained: contributions to them add up as those of the exact methods do. */
export function answeringOf(predictor: AnyPredictor): Answering {
  if (!('margin' in predictor)) return predictor
  const { features, marginCount, margin } = predictor as MarginPredictor
  return { features, outputCount: marginCount, predict: margin }
}

export async function sampled(
  method: 'kernel-shap' | 'lime',
  predictor: AnyPredictor,
  background: Background,
  rows: Pick<Rows, 'values' | 'count'>,
  categorical: readonly boolean[],
): Promise<Sampled> {
  if (rows.count > SAMPLED_ROWS_MAX) {
    const found = `there are ${rows.count} rows, ${method} takes at most ${SAMPLED_ROWS_MAX} at once`
    throw new Problem('too_large', `Cannot explain: ${found}`)
  }
  const model = answeringOf(predictor)
  const width = model.features.length
  const size = model.outputCount * width
  const contributions = new Float64Array(rows.count * size)
  const standardErrors = new Float64Array(rows.count * size)
  const bias = new Float64Array(rows.count * model.outputCount)
  const rSquared = new Float64Array(rows.count * model.outputCount)
  const random = seededRandom(SEED)
  for (let row = 0; row < rows.count; row++) {
    const values = rows.values.slice(row * width, (row + 1) * width)
    if (method === 'kernel-shap') {
      const found = await kernelShap(model, background, values, { random, pause: turn })
      contributions.set(found.contributions, row * size)
      standardErrors.set(found.standardErrors, row * size)
      bias.set(found.bias, row * model.outputCount)
    } else {
      const found = await lime(model, background, values, { random, pause: turn, categorical })
      contributions.set(found.coefficients, row * size)
      standardErrors.set(found.standardErrors, row * size)
      bias.set(found.intercepts, row * model.outputCount)
      rSquared.set(found.rSquared, row * model.outputCount)
    }
  }
  const { outputCount } = model
  if (method === 'lime') return { bias, contributions, standardErrors, rSquared, outputCount }
  return { bias: bias.slice(0, outputCount), contributions, standardErrors, outputCount }
}

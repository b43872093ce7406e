/**
 * LIME for tables (Ribeiro, Singh and Guestrin 2016, "Why should I trust you?"): a ridge regression on rows made up around
 * the row explained, the near ones weighing more. What it says is a slope of the model near the row; unlike Shapley values it
 * does not add up to the answer, and it depends on how wide "near" is. The conventions are those of the authors' `lime`
 * package with `discretize_continuous=False` and all features kept.
 */

import { normalQuantile } from '../../math/distributions/normal.ts'
import {
  addObservation,
  addProducts,
  noProducts,
  type Products,
  type RidgeFit,
  ridge,
} from '../../math/linear/ridge.ts'
import type { Random } from '../../math/random.ts'
import type { Background } from '../explainer.ts'
import { requireBackground } from '../shap/rows.ts'
import { type Answering, answerEach, type SampledEffort } from './answering.ts'

export interface LimeOptions extends SampledEffort {
  /** Rows to make up; 5,000 unless it is said. */
  readonly samples?: number
  /** 0.75 × √features unless it is said: a row at this distance weighs e^−½. */
  readonly kernelWidth?: number
  /** Penalty on squared coefficients; 1 unless it is said. */
  readonly penalty?: number
  /** Numbers are drawn around the background's mean, or around the row explained. */
  readonly around?: 'background' | 'row'
  /** Features whose numbers are names of categories. Those with at most two values in the background count among them. */
  readonly categorical?: readonly boolean[]
}

export interface LimeExplanation {
  readonly method: 'lime'
  /** What the model answers for the row, by output; what the regression does. */
  readonly answers: Float64Array
  readonly localAnswers: Float64Array
  readonly intercepts: Float64Array
  /**
   * `output × features + feature`: change of the answer with one standard deviation (of the background) of a number; with a
   * category being that of the row, or a value being missing as it is there.
   */
  readonly coefficients: Float64Array
  /** Of each coefficient, from fits to parts of the made-up rows. */
  readonly standardErrors: Float64Array
  /** Weighted share of the answers' variance that the regression explains, by output: how far to trust it. */
  readonly rSquared: Float64Array
  /** Mean overlap (Jaccard) of the five largest coefficients between fits to parts: 1 where chance did not choose them. */
  readonly stability: number
  readonly kernelWidth: number
  readonly rowsAsked: number
}

const PARTS = 5
const TOP = 5
const FEATURES_MAX = 1024

/** Rejects with a `RangeError` where the background is empty, or an option makes no sense. */
export async function lime(
  model: Answering,
  background: Background,
  row: Float64Array,
  options: LimeOptions,
): Promise<LimeExplanation> {
  const [width, outputs] = [model.features.length, model.outputCount]
  requireBackground(background, width)
  const { samples = 5000, kernelWidth = 0.75 * Math.sqrt(width), penalty = 1, random } = options
  requireOptions(row, width, samples, kernelWidth, penalty)
  const columns = Array.from(row, (_, column) => columnOf(background, row, column, options))
  const parts = Array.from({ length: PARTS }, () => noProducts(width, outputs))
  const answers = new Float64Array(outputs)
  const rowScaled = row.map((value, at) => columns[at]!.scaled(value))
  const z = new Float64Array(width)
  await answerEach(
    model,
    samples,
    (index, made) => {
      for (const [at, column] of columns.entries()) made[at] = index === 0 ? row[at]! : column.draw(random)
    },
    (index, answer, made) => {
      if (index === 0) answers.set(answer)
      for (const [at, column] of columns.entries()) z[at] = column.scaled(made[at]!)
      addObservation(parts[index % PARTS]!, z, answer, weightOf(z, rowScaled, kernelWidth))
    },
    options,
  )
  return { method: 'lime', answers, ...fitted(parts, rowScaled, penalty), kernelWidth, rowsAsked: samples }
}

function requireOptions(row: Float64Array, width: number, samples: number, kernelWidth: number, penalty: number): void {
  const fail = (detail: string): never => {
    throw new RangeError(`Cannot explain: ${detail}`)
  }
  if (row.length !== width) fail(`the row has ${row.length} values, wanted ${width}`)
  if (width > FEATURES_MAX) fail(`the model has ${width} features, wanted at most ${FEATURES_MAX}`)
  if (!(Number.isInteger(samples) && samples >= 2 * PARTS)) fail(`samples is ${samples}, wanted at least ${2 * PARTS}`)
  if (!(kernelWidth > 0)) fail(`the kernel width is ${kernelWidth}, wanted a number above 0`)
  if (!(penalty > 0)) fail(`the penalty is ${penalty}, wanted a number above 0`)
}

/** How a feature is made up, and what it is in the regression. */
interface Column {
  draw(random: Random): number
  scaled(value: number): number
}

function columnOf({ rows, count }: Background, row: Float64Array, column: number, options: LimeOptions): Column {
  const [width, value] = [row.length, row[column]!]
  const values = Float64Array.from({ length: count }, (_, at) => rows[at * width + column]!)
  const numbers = values.filter(Number.isFinite)
  const isCategory = (options.categorical?.[column] ?? false) || new Set(numbers).size <= 2
  if (isCategory || !Number.isFinite(value)) {
    return {
      draw: random => values[Math.floor(random() * count)]!,
      scaled: drawn => (Object.is(drawn, value) ? 1 : 0),
    }
  }
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length
  const deviation = Math.sqrt(numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length)
  const center = options.around === 'row' ? value : mean
  return {
    // Of 0 the quantile is not finite.
    draw: random => center + deviation * normalQuantile(random() || 0.5),
    scaled: drawn => (drawn - mean) / deviation,
  }
}

/** √ exp(−d² / width²), d being the distance from the row explained. */
function weightOf(z: Float64Array, row: Float64Array, kernelWidth: number): number {
  let squares = 0
  for (let at = 0; at < z.length; at++) squares += (z[at]! - row[at]!) ** 2
  return Math.sqrt(Math.exp(-squares / kernelWidth ** 2))
}

type Fitted = Omit<LimeExplanation, 'method' | 'answers' | 'kernelWidth' | 'rowsAsked'>

function fitted(parts: readonly Products[], row: Float64Array, penalty: number): Fitted {
  const [size, outputs] = [parts[0]!.size, parts[0]!.outputs]
  const all = noProducts(size, outputs)
  for (const part of parts) addProducts(all, part)
  const fit = fitOf(all, penalty)
  // A part has fewer rows, so the same shrinkage is a smaller penalty.
  const fits = parts.map(part => fitOf(part, penalty / PARTS).coefficients)
  const standardErrors = fit.coefficients.map((_, at) => {
    const mean = fits.reduce((sum, found) => sum + found[at]!, 0) / PARTS
    const squares = fits.reduce((sum, found) => sum + (found[at]! - mean) ** 2, 0)
    return Math.sqrt(squares / (PARTS - 1) / PARTS)
  })
  const localAnswers = fit.intercepts.map((intercept, output) =>
    row.reduce((sum, value, at) => sum + value * fit.coefficients[output * size + at]!, intercept),
  )
  return { ...fit, localAnswers, standardErrors, stability: stabilityOf(fits, size, outputs) }
}

function fitOf(products: Products, penalty: number): RidgeFit {
  const nowhere = (length: number): Float64Array => new Float64Array(length).fill(Number.NaN)
  const { size, outputs } = products
  // No fit where an answer of the model is no number, or nothing made up is near.
  return (
    ridge(products, penalty) ?? {
      coefficients: nowhere(outputs * size),
      intercepts: nowhere(outputs),
      rSquared: nowhere(outputs),
    }
  )
}

function stabilityOf(fits: readonly Float64Array[], size: number, outputs: number): number {
  const top = Math.min(TOP, size)
  let [sum, count] = [0, 0]
  for (let output = 0; output < outputs; output++) {
    const largest = fits.map(fit => largestOf(fit.subarray(output * size, (output + 1) * size), top))
    for (const [at, one] of largest.entries()) {
      for (const other of largest.slice(at + 1)) {
        const same = [...one].filter(feature => other.has(feature)).length
        sum += same / (2 * top - same)
        count++
      }
    }
  }
  return sum / count
}

function largestOf(coefficients: Float64Array, count: number): ReadonlySet<number> {
  const order = Array.from(coefficients, (value, feature) => ({ feature, size: Math.abs(value) }))
  order.sort((a, b) => b.size - a.size || a.feature - b.feature)
  return new Set(order.slice(0, count).map(({ feature }) => feature))
}

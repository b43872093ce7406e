/**
 * Partial dependence and individual conditional expectation: what a model answers on average, and for each row, where one or
 * two features are set to each value of a grid (Friedman 2001, doi:10.1214/aos/1013203451; Goldstein et al. 2015,
 * doi:10.1080/10618600.2014.907095). Misleads where features go together: it asks about rows that do not exist. The
 * conventions are those of scikit-learn's `partial_dependence` with `method="brute"`.
 */
import { sortedValues } from '../../math/quantiles.ts'
import type { Background } from '../explainer.ts'
import { requireBackground } from '../shap/rows.ts'
import { type Answering, answerEach, type Effort } from './answering.ts'

export interface GridOptions {
  /** Points on the grid of a feature that has as many values or more; 100 unless it is said. */
  readonly points?: number
  /** Where such a grid begins and ends; 0.05 and 0.95 unless it is said. */
  readonly percentiles?: readonly [number, number]
  /** Its values are names of categories: the grid has them all. */
  readonly isCategorical?: boolean
}

/**
 * All values of a feature where they are few, else points that stand evenly between two percentiles. Missing values are left
 * out. Throws `RangeError` where the percentiles are the same number, or no value is there.
 */
export function gridOf(values: Float64Array, options: GridOptions = {}): Float64Array {
  const { points = 100, percentiles = [0.05, 0.95], isCategorical = false } = options
  if (!(Number.isInteger(points) && points >= 2)) throw problem(`the grid has ${points} points, wanted at least 2`)
  const sorted = sortedValues(values).filter(Number.isFinite)
  if (sorted.length === 0) throw problem('the feature has no values')
  const distinct = sorted.filter((value, at) => value !== sorted[at - 1])
  if (isCategorical || distinct.length < points) return distinct
  const [low, high] = percentiles.map(p => plottingQuantile(sorted, p)) as [number, number]
  if (!(low < high)) throw problem(`the percentiles ${percentiles.join(' and ')} of the feature are ${low} and ${high}`)
  return Float64Array.from({ length: points }, (_, at) => low + ((high - low) * at) / (points - 1))
}

/** Quantile by Cunane's plotting positions (SciPy's `mquantiles` with its defaults, α = β = 0.4). */
function plottingQuantile(sorted: Float64Array, p: number): number {
  const n = sorted.length
  if (!(p >= 0 && p <= 1)) throw problem(`a percentile is ${p}, wanted 0 … 1`)
  const at = n * p + 0.4 + 0.2 * p
  const low = Math.floor(Math.min(Math.max(at, 1), n - 1))
  const share = Math.min(Math.max(at - low, 0), 1)
  return (1 - share) * sorted[low - 1]! + share * sorted[low]!
}

export interface PartialDependenceOptions extends Effort {
  /** Whether to keep what each row answers (ICE). */
  readonly individual?: boolean
}

export interface PartialDependence {
  /** Mean answers: `output × cells + cell`, a cell being a point of the grid, or of both: `first × points of the second + second`. */
  readonly means: Float64Array
  /** What each row answers: `(output × rows + row) × cells + cell`. */
  readonly individual?: Float64Array
  readonly rowsAsked: number
}

/** Numbers kept of individual answers. */
const INDIVIDUAL_MAX = 20_000_000

/**
 * @param data rows to average over.
 * @param features one or two, with the values that each is set to.
 * Rejects with a `RangeError` where there are no rows, no such feature, or too much to keep.
 */
export async function partialDependence(
  model: Answering,
  data: Background,
  features: readonly { readonly feature: number; readonly grid: Float64Array }[],
  options: PartialDependenceOptions = {},
): Promise<PartialDependence> {
  const [width, outputs, count] = [model.features.length, model.outputCount, data.count]
  requireBackground(data, width)
  if (features.length < 1 || features.length > 2) throw problem(`${features.length} features given, wanted 1 or 2`)
  for (const { feature } of features) requireFeature(feature, width)
  const inner = features[1]?.grid.length ?? 1
  const cells = features[0]!.grid.length * inner
  const isKept = options.individual === true
  if (isKept && outputs * count * cells > INDIVIDUAL_MAX) {
    throw problem(
      `${outputs * count * cells} answers to keep, wanted at most ${INDIVIDUAL_MAX}; give fewer rows or points`,
    )
  }
  const means = new Float64Array(outputs * cells)
  const individual = new Float64Array(isKept ? outputs * count * cells : 0)
  await answerEach(
    model,
    cells * count,
    (index, row) => {
      const [cell, from] = [Math.floor(index / count), (index % count) * width]
      row.set(data.rows.subarray(from, from + width))
      row[features[0]!.feature] = features[0]!.grid[Math.floor(cell / inner)]!
      if (features[1] !== undefined) row[features[1].feature] = features[1].grid[cell % inner]!
    },
    (index, answers) => {
      const [cell, row] = [Math.floor(index / count), index % count]
      for (let output = 0; output < outputs; output++) {
        means[output * cells + cell]! += answers[output]!
        if (isKept) individual[(output * count + row) * cells + cell] = answers[output]!
      }
    },
    options,
  )
  for (let at = 0; at < means.length; at++) means[at]! /= count
  return { means, ...(isKept ? { individual } : {}), rowsAsked: cells * count }
}

export function requireFeature(feature: number, width: number): void {
  if (!(Number.isInteger(feature) && feature >= 0 && feature < width)) {
    throw problem(`there is no feature ${feature}, wanted 0 … ${width - 1}`)
  }
}

function problem(detail: string): RangeError {
  return new RangeError(`Cannot compute the dependence: ${detail}`)
}

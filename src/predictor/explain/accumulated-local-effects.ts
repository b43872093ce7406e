/**
 * Accumulated local effects of one feature: how the answer changes from one value of the feature to the next, for the rows
 * that are there, added up (Apley and Zhu 2020, doi:10.1111/rssb.12377). Where features go together this asks about rows that
 * could exist, which partial dependence does not. The conventions are those of the authors' R package `ALEPlot`: effects are
 * centred, so that their mean over the rows is 0.
 */
import { sortedValues } from '../../math/quantiles.ts'
import type { Background } from '../explainer.ts'
import { requireBackground } from '../shap/rows.ts'
import { type Answering, answerEach, type Effort } from './answering.ts'
import { columnOf, intervalEnds, intervalOf, requireTwo } from './intervals.ts'
import { requireFeature } from './partial-dependence.ts'

export interface LocalEffects {
  /** Ends of the intervals, or the values of a feature that has few, in the order in which effects are added up. */
  readonly values: Float64Array
  /** `output × values + value`. */
  readonly effects: Float64Array
  /** Standard error of the change from the value before, by output and value; NaN at the first, and where one row told it. */
  readonly standardErrors: Float64Array
  /** Rows in the interval that ends at the value, the first being 0; or rows that have the value. */
  readonly counts: Int32Array
  readonly rowsAsked: number
}

export interface LocalEffectsOptions extends Effort {
  /** Intervals with about as many rows each; 40 unless it is said. */
  readonly intervals?: number
  /** Ends of the intervals instead, ascending, from the least value to the largest. */
  readonly ends?: Float64Array
}

/** Rejects with a `RangeError` where there are no rows, or the feature does not take two values. */
export async function accumulatedLocalEffects(
  model: Answering,
  data: Background,
  feature: number,
  options: LocalEffectsOptions = {},
): Promise<LocalEffects> {
  const width = model.features.length
  requireBackground(data, width)
  requireFeature(feature, width)
  const column = columnOf(data, feature, width)
  const values = options.ends ?? intervalEnds(sortedValues(column).filter(Number.isFinite), options.intervals ?? 40)
  requireTwo(values.length)
  const counts = new Int32Array(values.length)
  const steps: Step[] = []
  for (const [row, value] of column.entries()) {
    const interval = intervalOf(values, value)
    if (interval === undefined) continue
    counts[interval]!++
    steps.push({ row, from: values[interval - 1]!, to: values[interval]!, into: interval })
  }
  const { means, standardErrors } = await changes(model, data, feature, steps, values.length, options)
  // Between two ends the effect is taken to be the mean of both.
  const effects = accumulated(means, values.length, counts, total =>
    total.reduce((sum, effect, at) => sum + (at === 0 ? 0 : ((total[at - 1]! + effect) / 2) * counts[at]!), 0),
  )
  return { values: values.slice(), effects, standardErrors, counts, rowsAsked: 2 * steps.length }
}

/**
 * The same for a feature of few values: each row is asked about with the next value and with the one before.
 *
 * @param order its values in the order in which effects are added up: ascending, or, for categories, as `categoryOrder` has
 *   them. Rows with other values are left out.
 */
export async function accumulatedLocalEffectsOf(
  model: Answering,
  data: Background,
  feature: number,
  order: Float64Array,
  options: Effort = {},
): Promise<LocalEffects> {
  const width = model.features.length
  requireBackground(data, width)
  requireFeature(feature, width)
  requireTwo(order.length)
  const places = new Map(Array.from(order, (value, at) => [value, at]))
  const counts = new Int32Array(order.length)
  const steps: Step[] = []
  for (const [row, value] of columnOf(data, feature, width).entries()) {
    const at = places.get(value)
    if (at === undefined) continue
    counts[at]!++
    if (at + 1 < order.length) steps.push({ row, from: value, to: order[at + 1]!, into: at + 1 })
    if (at > 0) steps.push({ row, from: order[at - 1]!, to: value, into: at })
  }
  const { means, standardErrors } = await changes(model, data, feature, steps, order.length, options)
  const effects = accumulated(means, order.length, counts, total =>
    total.reduce((sum, effect, at) => sum + effect * counts[at]!, 0),
  )
  return { values: order.slice(), effects, standardErrors, counts, rowsAsked: 2 * steps.length }
}

/** A row asked about twice: what changes counts for the value number `into`. */
interface Step {
  readonly row: number
  readonly from: number
  readonly to: number
  readonly into: number
}

/** Mean change of the answer into each value, by output, and its standard error. */
async function changes(
  model: Answering,
  { rows }: Background,
  feature: number,
  steps: readonly Step[],
  size: number,
  effort: Effort,
): Promise<{ readonly means: Float64Array; readonly standardErrors: Float64Array }> {
  const [width, outputs] = [model.features.length, model.outputCount]
  const counts = new Float64Array(size)
  const means = new Float64Array(outputs * size)
  const squares = new Float64Array(outputs * size)
  const before = new Float64Array(outputs)
  await answerEach(
    model,
    2 * steps.length,
    (index, row) => {
      const step = steps[index >> 1]!
      row.set(rows.subarray(step.row * width, (step.row + 1) * width))
      row[feature] = index % 2 === 0 ? step.from : step.to
    },
    (index, answers) => {
      if (index % 2 === 0) {
        before.set(answers)
        return
      }
      // Welford 1962.
      const { into } = steps[index >> 1]!
      const count = ++counts[into]!
      for (let output = 0; output < outputs; output++) {
        const change = answers[output]! - before[output]!
        const at = output * size + into
        const excess = change - means[at]!
        means[at]! += excess / count
        squares[at]! += excess * (change - means[at]!)
      }
    },
    effort,
  )
  const standardErrors = squares.map((sum, at) => {
    const count = counts[at % size]!
    return count < 2 ? Number.NaN : Math.sqrt(sum / (count - 1) / count)
  })
  return { means, standardErrors }
}

/**
 * Adds up changes, and takes from each output's effects their mean over the rows.
 *
 * @param weigh sums the effects over the rows.
 */
function accumulated(
  changes: Float64Array,
  size: number,
  counts: Int32Array,
  weigh: (total: Float64Array) => number,
): Float64Array {
  const rows = counts.reduce((sum, count) => sum + count, 0)
  const effects = changes.slice()
  for (let start = 0; start < effects.length; start += size) {
    const total = effects.subarray(start, start + size)
    for (let at = 1; at < size; at++) total[at]! += total[at - 1]!
    const mean = weigh(total) / rows
    for (let at = 0; at < size; at++) total[at]! -= mean
  }
  return effects
}

/** What is told of one row: its answer, what moved it, in the margin's units and the answer's, and in sentences. */
import type { Scalar } from '../ledger/record.ts'
import { columnsOf, marginNames } from '../serving/explaining.ts'
import type { Journey } from '../serving/journey.ts'
import type { Lane, LoadedModel } from '../serving/lane.ts'
import { answerText } from '../serving/prediction-text.ts'
import { effectsOf, scaleOf } from './effects.ts'
import { interactionsOf } from './interactions.ts'
import type { Question } from './question.ts'
import { type Moved, type Reason, reasonsOf } from './reasons.ts'
import { biasOf, type Found } from './sampled.ts'

/** By feature; of several margins, by margin first. */
type Named = Readonly<Record<string, number | Readonly<Record<string, number>>>>

export interface Told {
  readonly method: string
  readonly scale: string
  readonly explanation: { readonly bias: Named | number; readonly contributions: Named }
  /** Absent where some contributions are withheld, and of LIME, whose coefficients are no parts of it. */
  readonly margin?: Named | number
  readonly effects?: Named
  readonly standardErrors?: Named
  readonly rSquared?: Named | number
  readonly interactions?: unknown
  readonly reasons: readonly Reason[]
}

/** A row's values and contributions, wherever they come from. */
export interface Row {
  readonly method: string
  readonly bias: Float64Array
  readonly contributions: Float64Array
  readonly outputs: ArrayLike<number>
  readonly standardErrors?: Float64Array
  readonly rSquared?: Float64Array
  /** By input of the signature; undefined where it is missing. */
  readonly values: readonly (Scalar | undefined)[]
  /** Features whose value may not be told. */
  readonly withheld?: ReadonlySet<string>
}

/** The answer to one row of a call. */
export function answerOf(journey: Journey, lane: Lane, row: number, question: Question): object {
  const { model } = lane
  const found = journey.explained as Found
  const { by, values: all, sampled } = found
  const size = by.outputCount * by.featureCount
  const part = (values: Float64Array, each: number): Float64Array => values.slice(row * each, (row + 1) * each)
  const rows = journey.rows!
  const inputs = part(rows.values, model.signature.width)
  const told = tell(
    model,
    {
      method: by.method,
      bias: biasOf(sampled?.bias ?? by.bias, row, by.outputCount),
      contributions: part(all, size),
      outputs: part(rows.outputs, model.outputs.count),
      values: model.signature.inputs.map((feature, input) => cellOf(feature, inputs[model.signature.columns[input]!]!)),
      ...(sampled && { standardErrors: part(sampled.standardErrors, size) }),
      ...(sampled?.rSquared && { rSquared: part(sampled.rSquared, by.outputCount) }),
    },
    question.top,
  )
  const answer = JSON.parse(answerText(lane, journey.ids[row]!, journey.outputTexts[row]!)) as object
  return { ...answer, ...told, ...(question.interactions && { interactions: interactionsOf(model, inputs) }) }
}

/** A cell as the caller wrote it. */
function cellOf({ type, categories }: LoadedModel['signature']['inputs'][number], value: number): Scalar | undefined {
  if (Number.isNaN(value)) return undefined
  if (type === 'string') return categories?.[value]
  return type === 'boolean' ? value === 1 : value
}

export function tell(model: LoadedModel, row: Row, top: number): Told {
  const { bias, contributions, outputs, standardErrors, rSquared } = row
  const count = bias.length
  const width = contributions.length / count
  const margins = marginNames(count, model.version, model.predictor)
  const { names } = columnsOf(model.signature)
  const isAdditive = row.method !== 'lime'
  const sums = Array.from(
    bias,
    (start, margin) => start + sum(contributions.subarray(margin * width, (margin + 1) * width)),
  )
  const scale = isAdditive ? scaleOf(sums, outputs) : 'margin' in model.predictor ? 'margin' : 'output'
  const effects = isAdditive ? effectsOf(scale, bias, contributions) : undefined
  const byMargin = (values: ArrayLike<number>): Named | number =>
    margins.length === 0 ? values[0]! : Object.fromEntries(margins.map((name, margin) => [name, values[margin]!]))
  const byFeature = (values: Float64Array): Named => {
    const of = (margin: number) => Object.fromEntries(names.map((name, at) => [name, values[margin * width + at]!]))
    return margins.length === 0 ? of(0) : Object.fromEntries(margins.map((name, margin) => [name, of(margin)]))
  }
  return {
    method: row.method,
    scale,
    explanation: { bias: byMargin(bias), contributions: byFeature(contributions) },
    ...(isAdditive && { margin: byMargin(sums) }),
    ...(effects && { effects: byFeature(effects) }),
    ...(standardErrors && { standardErrors: byFeature(standardErrors) }),
    ...(rSquared && { rSquared: byMargin(rSquared) }),
    reasons: reasons(model, row, effects, sums, top),
  }
}

/** Of several margins, the reasons for the largest: the class that was answered. */
function reasons(
  model: LoadedModel,
  row: Row,
  effects: Float64Array | undefined,
  margins: readonly number[],
  top: number,
): Reason[] {
  const { signature, version, predictor } = model
  const width = row.contributions.length / margins.length
  const margin = margins.indexOf(Math.max(...margins))
  const moved = signature.inputs.map((feature, input): Moved => {
    const at = margin * width + signature.columns[input]!
    const isTold = row.withheld?.has(feature.name) !== true
    return { feature, value: row.values[input], isTold, contribution: row.contributions[at]!, effect: effects?.[at] }
  })
  const name = marginNames(margins.length, version, predictor)[margin] ?? version.signature.outputs[0]!.name
  return reasonsOf(moved, { name }, version.reasons, top)
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}

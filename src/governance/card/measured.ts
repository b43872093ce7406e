/** What a card shows of a version's evaluation data: curves, calibration, groups, what moves the answers. Made once; the data never changes. */
import { quantileBounds } from '../../math/histogram.ts'
import type { Estimate } from '../../math/inference/estimate.ts'
import { reliability } from '../../math/metrics/calibration.ts'
import { thresholdCurve } from '../../math/metrics/curves.ts'
import { demographicParity, equalizedOdds, equalOpportunity, groupRates } from '../../math/metrics/fairness.ts'
import { confusionMatrix } from '../../math/metrics/multiclass.ts'
import { seededRandom } from '../../math/random.ts'
import type { Explainer } from '../../predictor/explainer.ts'
import type { ModelVersion } from '../../registry/version.ts'
import { estimates, type Scored } from '../../training/validation/measures.ts'
import type { Prepared } from '../../training/validation/prepare.ts'
import { type Slice, slicesOf } from '../../training/validation/slices.ts'

/** x and y, in order. */
export type Curve = readonly (readonly [x: number, y: number])[]

export interface MeasuredGroup {
  readonly name: string
  readonly rows: number
  readonly selectionRate: number
  readonly truePositiveRate: number | null
  readonly falsePositiveRate: number | null
  readonly accuracy: number
}

interface Apart {
  readonly difference: number
  /** Null where nobody is called so in any group. */
  readonly ratio: number | null
}

export interface MeasuredGroups {
  readonly column: string
  /** Whether model.yaml says that the column is protected. */
  readonly isProtected: boolean
  readonly groups: readonly MeasuredGroup[]
  /** Largest difference between groups, and smallest over largest rate. */
  readonly demographicParity?: Apart
  readonly equalOpportunity?: Apart
  readonly equalizedOdds?: Apart
}

export interface Measured {
  readonly rows: number
  readonly threshold?: number
  /** Share of the rows that are positive. */
  readonly prevalence?: number
  readonly metrics: Readonly<Record<string, { readonly value: number; readonly low: number; readonly high: number }>>
  readonly roc?: Curve
  readonly precisionRecall?: Curve
  /** Mean score against share of positives, by tenths of the rows. */
  readonly calibration?: readonly { readonly score: number; readonly share: number; readonly rows: number }[]
  /** Rows are what it was, columns what was called. */
  readonly confusion?: readonly (readonly number[])[]
  readonly classes?: readonly string[]
  /** Of a regression: answered against true, a sample. */
  readonly scatter?: Curve
  /** Mean size of the contributions to the margin, largest first. */
  readonly importance?: readonly { readonly feature: string; readonly value: number }[]
  readonly importanceMethod?: string
  readonly fairness: readonly MeasuredGroups[]
}

export interface MeasuringParts {
  readonly version: ModelVersion
  readonly scored: Scored
  readonly prepared: Prepared
  readonly classes?: readonly string[]
  /** Names of the explainer's columns go with it. */
  readonly explainer?: { readonly by: Explainer; readonly names: readonly string[]; readonly inputs: Int32Array }
}

const POINTS_MAX = 200
const CALIBRATION_BINS = 10
const EXPLAINED_ROWS_MAX = 2_000
const SCATTER_ROWS_MAX = 500
const GROUPS_MAX = 12
const GROUP_ROWS_MIN = 20
const LEVEL = 0.95
const SEED = 20_240

export function measure(parts: MeasuringParts): Measured {
  const { version, scored, prepared, classes } = parts
  const found = estimates(scored, LEVEL, seededRandom(SEED))
  return {
    rows: prepared.rows,
    metrics: Object.fromEntries(Object.entries(found).map(([name, estimate]) => [name, intervalOf(estimate!)])),
    ...(scored.task === 'binary' ? binaryPart(scored) : {}),
    ...(scored.task === 'multiclass' ? { confusion: matrixOf(scored, classes), classes: classes ?? [] } : {}),
    ...(scored.task === 'regression' ? { scatter: scatterOf(scored) } : {}),
    ...importancePart(parts),
    fairness: scored.task === 'binary' ? fairnessOf(version, scored, prepared) : [],
  }
}

function intervalOf({ value, low, high }: Estimate): Measured['metrics'][string] {
  return { value: rounded(value), low: rounded(low), high: rounded(high) }
}

/** Enough for a page, and the same on every machine. */
function rounded(value: number): number {
  return Number(value.toPrecision(6))
}

function binaryPart({ truth, answers, threshold, isProbability }: Scored): Partial<Measured> {
  const [scores] = answers as [Float64Array]
  const points = thresholdCurve(truth, scores)
  const positives = truth.reduce((sum, label) => sum + label, 0)
  const bounds = isProbability ? quantileBounds(scores, CALIBRATION_BINS) : []
  return {
    threshold,
    prevalence: rounded(positives / truth.length),
    confusion: [0, 1].map(label => [0, 1].map(call => count(truth, scores, threshold, label, call))),
    classes: ['negative', 'positive'],
    roc: thinned(
      points.map(({ falsePositiveRate, truePositiveRate }) => [falsePositiveRate, truePositiveRate] as const),
    ),
    precisionRecall: thinned(
      points.slice(1).map(({ truePositiveRate, precision }) => [truePositiveRate, precision] as const),
    ),
    ...(bounds.length < 2
      ? {}
      : {
          calibration: reliability(truth, scores, bounds).map(({ meanScore, positiveShare, rows }) => ({
            score: rounded(meanScore),
            share: rounded(positiveShare),
            rows,
          })),
        }),
  }
}

function count(truth: Float64Array, scores: Float64Array, threshold: number, label: number, call: number): number {
  let found = 0
  for (let row = 0; row < truth.length; row++) {
    if (truth[row] === label && (scores[row]! >= threshold ? 1 : 0) === call) found++
  }
  return found
}

/** Points that lie evenly along the curve, with both ends. */
function thinned(curve: Curve): Curve {
  const of = (point: readonly [number, number]) => [rounded(point[0]), rounded(point[1])] as const
  if (curve.length <= POINTS_MAX) return curve.map(of)
  return Array.from({ length: POINTS_MAX }, (_, at) =>
    of(curve[Math.round((at * (curve.length - 1)) / (POINTS_MAX - 1))]!),
  )
}

function matrixOf({ truth, called }: Scored, classes: readonly string[] | undefined): number[][] {
  let most = classes?.length ?? 0
  for (const column of [truth, called]) for (const value of column) most = Math.max(most, value + 1)
  return confusionMatrix(truth, called, most)
}

function scatterOf({ truth, answers }: Scored): Curve {
  const step = Math.max(1, Math.floor(truth.length / SCATTER_ROWS_MAX))
  const points: [number, number][] = []
  for (let row = 0; row < truth.length; row += step) points.push([rounded(truth[row]!), rounded(answers[0]![row]!)])
  return points
}

function importancePart({ explainer, prepared }: MeasuringParts): Partial<Measured> {
  if (explainer === undefined) return {}
  const { by, names, inputs } = explainer
  const step = Math.max(1, Math.ceil(prepared.rows / EXPLAINED_ROWS_MAX))
  const rows = Math.ceil(prepared.rows / step)
  const width = by.featureCount
  const values = new Float64Array(rows * width)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      values[row * width + column] = prepared.features[inputs[column]!]![row * step]!
    }
  }
  const out = new Float64Array(rows * by.outputCount * width)
  by.explain(values, rows, out)
  const sums = new Float64Array(width)
  for (let at = 0; at < out.length; at++) sums[at % width]! += Math.abs(out[at]!)
  const importance = names
    .map((feature, column) => ({ feature, value: rounded(sums[column]! / rows) }))
    .sort((a, b) => b.value - a.value || (a.feature < b.feature ? -1 : 1))
  return { importance, importanceMethod: by.method }
}

/** Columns of the evaluation data by which people may be told apart: protected features, and texts beside the features. */
function fairnessOf(version: ModelVersion, scored: Scored, prepared: Prepared): MeasuredGroups[] {
  const { inputs } = version.signature
  const columns = groupColumns(version, prepared)
  const all = Map.groupBy(slicesOf(prepared, inputs, columns), ({ column }) => column)
  return [...all].flatMap(([column, slices]) => {
    const large = slices.filter(({ rows }) => rows.length >= GROUP_ROWS_MIN).sort((a, b) => (a.name < b.name ? -1 : 1))
    if (large.length < 2) return []
    const isProtected = inputs.some(({ name, protected: is }) => name === column && is)
    return [groupsOf(column, isProtected, large, scored)]
  })
}

export function groupColumns({ signature, target }: ModelVersion, { table }: Prepared): string[] {
  const own = new Set(signature.inputs.map(({ name }) => name))
  const protectedOnes = signature.inputs.filter(feature => feature.protected).map(({ name }) => name)
  const beside = [...table.columns].flatMap(([name, column]) => {
    const isGroup = column.kind === 'string' && column.texts.length >= 2 && column.texts.length <= GROUPS_MAX
    return isGroup && !own.has(name) && name !== target ? [name] : []
  })
  return [...protectedOnes, ...beside]
}

function groupsOf(column: string, isProtected: boolean, slices: readonly Slice[], scored: Scored): MeasuredGroups {
  const numbers = new Float64Array(scored.truth.length).fill(-1)
  for (const [number, { rows }] of slices.entries()) for (const row of rows) numbers[row] = number
  const rates = groupRates(scored.truth, scored.called, numbers, slices.length)
  const known = (rate: number): number | null => (Number.isNaN(rate) ? null : rounded(rate))
  const apart = (found: { readonly difference: number; readonly ratio: number } | undefined) =>
    found && { difference: rounded(found.difference), ratio: known(found.ratio) }
  const parity = apart(demographicParity(rates))
  const opportunity = apart(equalOpportunity(rates))
  const odds = apart(equalizedOdds(rates))
  return {
    column,
    isProtected,
    groups: rates.map((rate, at) => ({
      name: slices[at]!.name,
      rows: rate.rows,
      selectionRate: rounded(rate.selectionRate),
      truePositiveRate: known(rate.truePositiveRate),
      falsePositiveRate: known(rate.falsePositiveRate),
      accuracy: rounded(rate.accuracy),
    })),
    ...(parity === undefined ? {} : { demographicParity: parity }),
    ...(opportunity === undefined ? {} : { equalOpportunity: opportunity }),
    ...(odds === undefined ? {} : { equalizedOdds: odds }),
  }
}

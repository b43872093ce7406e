/**
 * Exact Shapley values of a pipeline whose margins are sums of numbers that each depend on one feature, and of forests: each
 * part is explained by itself and the parts are added up, which is right because the Shapley value of a sum is the sum of
 * the values. Players are the features as the caller sees them: a coalition knows all columns made of a feature, or none.
 */
import type { Background, Explainer } from '../explainer.ts'
import type { Forest } from '../forest.ts'
import { forestPredictor } from '../forest-predictor.ts'
import { fastTreeShap } from '../kernels/fast-tree-shap.ts'
import { usedSteps } from '../onnx/simplify.ts'
import type { Pipeline } from '../pipeline.ts'
import { pipelinePredictor } from '../pipeline-predictor.ts'
import type { Predictor } from '../predictor.ts'
import { hasCover } from './cover-shares.ts'
import type { Players } from './forest-trees.ts'
import { interventionalTreeShap } from './interventional-tree-shap.ts'
import { columnMeans } from './linear-shap.ts'
import { CONSTANT, type ForestStep, type PipelineMargins, pipelineMargins } from './pipeline-margins.ts'
import { requireRoom } from './rows.ts'
import { treeShap } from './tree-shap.ts'

const BLOCK_ROWS_MAX = 64
/** Contributions that a row may have; and that a block of rows has at a time. */
const ROW_MAX = 1 << 20
const BLOCK_MAX = 1 << 21

/**
 * @param background rows as the caller sees them. Without it, numbers are compared with 0, and forests must have cover.
 * @param isInterventional compares forests with the background also where they have cover.
 * @returns undefined where the margins are no such sums, or a forest has neither cover nor a background.
 */
export function pipelineShap(
  pipeline: Pipeline,
  background?: Background,
  isInterventional = false,
): Explainer | undefined {
  const found = pipelineMargins(pipeline)
  if (found === undefined) return undefined
  const used = new Set(found.margins.flatMap(({ terms }) => [...terms.keys()]))
  const steps = [...new Set([...used].map(register => found.forests.get(register)).filter(step => step !== undefined))]
  const largest = pipeline.features.length * Math.max(found.margins.length, ...steps.map(({ to }) => to.length))
  if (largest > ROW_MAX) return undefined
  const singles = Int32Array.from([...used].filter(register => !found.forests.has(register)))
  const numbers = registersOf(pipeline, singles)
  const among = background && prepared(numbers, background)
  const forests: ForestPart[] = []
  for (const step of steps) {
    const part = forestPart(pipeline, step, found, background, isInterventional)
    if (part === undefined) return undefined
    forests.push(part)
  }
  const usual = usualOf(found, singles, numbers, among)
  const blockRows = Math.max(1, Math.min(BLOCK_ROWS_MAX, Math.floor(BLOCK_MAX / largest)))
  return explainerFor(pipeline, found, { singles, numbers, forests, usual, blockRows })
}

/** A predictor of registers. */
function registersOf(pipeline: Pipeline, outputs: Int32Array): Predictor {
  return pipelinePredictor({ ...pipeline, steps: usedSteps(pipeline.steps, outputs), outputs }, forestPredictor)
}

function prepared(numbers: Predictor, { rows, count }: Background): Background {
  const out = new Float64Array(count * numbers.outputCount)
  numbers.predict(rows, count, out)
  return { rows: out, count }
}

interface ForestPart {
  readonly step: ForestStep
  readonly columns: Predictor
  readonly explainer: Explainer
}

function forestPart(
  pipeline: Pipeline,
  step: ForestStep,
  { origins }: PipelineMargins,
  background: Background | undefined,
  isInterventional: boolean,
): ForestPart | undefined {
  const columns = registersOf(pipeline, step.from)
  const of = step.from.map(register => origins[register]!)
  const players: Players = { count: pipeline.features.length, of }
  const split = new Set(step.forest.feature.filter(column => column >= 0))
  if ([...split].some(column => of[column]! < CONSTANT)) return undefined
  // A column that never changes is known to every coalition, which cover does not tell.
  const isCovered = !isInterventional && hasCover(step.forest) && ![...split].some(column => of[column] === CONSTANT)
  if (isCovered) {
    const explainer = fastTreeShap(step.forest, {}, players) ?? treeShap(step.forest, players)
    return { step, columns, explainer }
  }
  if (background === undefined || step.forest.lines !== undefined) return undefined
  const rows = prepared(columns, background)
  return { step, columns, explainer: interventionalTreeShap(step.forest as Forest, rows, players) }
}

/** What each number is compared with: its mean, or 0; what never changes, with itself. */
function usualOf(
  { origins }: PipelineMargins,
  singles: Int32Array,
  numbers: Predictor,
  among: Background | undefined,
): Float64Array {
  const nothing = new Float64Array(singles.length)
  numbers.predict(new Float64Array(numbers.features.length), 1, nothing)
  const means = among && columnMeans(among.rows, among.count, singles.length, false)
  return nothing.map((value, at) => (origins[singles[at]!] === CONSTANT ? value : (means?.[at] ?? 0)))
}

interface Parts {
  readonly singles: Int32Array
  readonly numbers: Predictor
  readonly usual: Float64Array
  readonly forests: readonly ForestPart[]
  readonly blockRows: number
}

function explainerFor(pipeline: Pipeline, found: PipelineMargins, parts: Parts): Explainer {
  const [outputs, width] = [found.margins.length, pipeline.features.length]
  const size = outputs * width
  const { blockRows } = parts
  const adders = [
    ...parts.forests.map(part => forestAdder(found, part, width, blockRows)),
    numberAdder(found, parts, width),
  ]
  const [first] = parts.forests
  const needed = pipeline.intake.flatMap(({ read }, column) => (read === 'whole' ? [column] : []))
  return {
    method: first?.explainer.method ?? 'linear-shap',
    outputCount: outputs,
    featureCount: width,
    bias: biasOf(found, parts),
    bytes: parts.forests.reduce(
      (sum, { explainer, columns }) => sum + explainer.bytes + columns.bytes,
      parts.numbers.bytes,
    ),
    explain(rows, count, out) {
      requireRoom(rows, count * width, out, count * size)
      out.fill(0, 0, count * size)
      for (let start = 0; start < count; start += blockRows) {
        const many = Math.min(blockRows, count - start)
        const block = rows.subarray(start * width, (start + many) * width)
        const into = out.subarray(start * size, (start + many) * size)
        for (const add of adders) add(block, many, into)
        for (let row = 0; row < many; row++) {
          // The answer is NaN: a number is missing that must be there.
          if (needed.some(column => Number.isNaN(block[row * width + column]!))) {
            into.fill(Number.NaN, row * size, (row + 1) * size)
          }
        }
      }
    },
  }
}

function biasOf({ margins }: PipelineMargins, { singles, usual, forests }: Parts): Float64Array {
  return Float64Array.from(margins, ({ constant, terms }) => {
    let bias = constant
    for (const [at, register] of singles.entries()) bias += (terms.get(register) ?? 0) * usual[at]!
    for (const { step, explainer } of forests) {
      for (const [at, register] of step.to.entries()) bias += (terms.get(register) ?? 0) * explainer.bias[at]!
    }
    return bias
  })
}

type Add = (rows: Float64Array, count: number, out: Float64Array) => void

function numberAdder(
  { margins, origins }: PipelineMargins,
  { singles, numbers, usual, blockRows }: Parts,
  width: number,
): Add {
  const values = new Float64Array(blockRows * singles.length)
  const changing = Array.from(singles.keys()).filter(at => origins[singles[at]!] !== CONSTANT)
  const coefficients = margins.map(({ terms }) => Float64Array.from(singles, register => terms.get(register) ?? 0))
  return (rows, count, out) => {
    numbers.predict(rows, count, values)
    for (let row = 0; row < count; row++) {
      for (const [margin, weights] of coefficients.entries()) {
        const start = (row * margins.length + margin) * width
        for (const at of changing) {
          if (weights[at] === 0) continue
          out[start + origins[singles[at]!]!]! += weights[at]! * (values[row * singles.length + at]! - usual[at]!)
        }
      }
    }
  }
}

function forestAdder(
  { margins }: PipelineMargins,
  { step, columns, explainer }: ForestPart,
  width: number,
  blockRows: number,
): Add {
  const given = new Float64Array(blockRows * step.from.length)
  const parts = new Float64Array(blockRows * step.to.length * width)
  return (rows, count, out) => {
    columns.predict(rows, count, given)
    explainer.explain(given, count, parts)
    for (let row = 0; row < count; row++) {
      for (const [margin, { terms }] of margins.entries()) {
        const start = (row * margins.length + margin) * width
        for (const [at, register] of step.to.entries()) {
          const coefficient = terms.get(register) ?? 0
          if (coefficient === 0) continue
          const from = (row * step.to.length + at) * width
          for (let column = 0; column < width; column++) out[start + column]! += coefficient * parts[from + column]!
        }
      }
    }
  }
}

/**
 * The predictor of a forest: by the WebAssembly kernel that suits it best, or, where none does or WebAssembly is not to be
 * had, by the scalar path. Answers are the same to the last bit.
 */
import { type Forest, forestBytes } from '../forest.ts'
import { forestPredictor, type Margins, scalarMargins } from '../forest-predictor.ts'
import type { MarginPredictor } from '../predictor.ts'
import { type Columns, columnsOf } from './predict-columns.ts'
import { guessedCosts, measuredCosts, type RowCosts, scalarCost } from './predict-costs.ts'
import { type EngineKind, engineBytes, type PredictEngine, startEngine, suits } from './predict-engines.ts'
import { ROWS } from './predict-room.ts'
import { shapesOf, type TreeShape } from './predict-shapes.ts'

export interface PredictBudget {
  /** Memory that a kernel may take, beside the forest; 64 MB. */
  readonly bytes?: number
  /** Milliseconds from anywhere, finer than a tenth. Where there is a clock, kernels that may be the best are tried, some milliseconds each. */
  readonly now?: () => number
  /** This kernel and no other, where the forest suits it. */
  readonly kind?: EngineKind | 'scalar'
}

const BYTES_MAX = 64 << 20
const KINDS: readonly EngineKind[] = ['dense', 'sparse', 'walk']
/** A guess may be so far off. */
const DOUBT = 2

interface Chosen {
  readonly engine: PredictEngine
  readonly costs: RowCosts
}

/** What `predictorOf` makes of a forest, with a say in how. */
export function fastPredictor(forest: Forest, budget: PredictBudget = {}): MarginPredictor {
  const kernel = kernelMargins(forest, budget)
  if (kernel === undefined) return forestPredictor(forest)
  return { ...forestPredictor(forest, kernel.margins), bytes: forestBytes(forest) + kernel.bytes }
}

function kernelMargins(forest: Forest, budget: PredictBudget): { margins: Margins; bytes: number } | undefined {
  const { bytes = BYTES_MAX, kind } = budget
  if (kind === 'scalar' || forest.roots.length === 0 || forest.feature.length * 12 > bytes) return undefined
  if (forest.lines !== undefined) return undefined
  if (forest.lines !== undefined) return undefined // lines in leaves need the row's numbers
  if (forest.precision === 'float32' && forest.base.some(base => Math.fround(base) !== base)) return undefined
  const columns = columnsOf(forest, Math.floor(bytes / ROWS))
  if (columns === undefined) return undefined
  const shapes = shapesOf(forest)
  const chosen = choose(forest, shapes, columns, { ...budget, bytes, kinds: kind === undefined ? KINDS : [kind] })
  if (chosen === undefined) return undefined
  const { engine, costs } = chosen
  // a single row asks of every set of categories, and there may be thousands
  const isScalarAlone = 10 * columns.sets.length > scalarCost(shapes)
  return { margins: marginsBy(forest, engine, costs, isScalarAlone), bytes: engine.bytes }
}

function choose(
  forest: Forest,
  shapes: readonly TreeShape[],
  columns: Columns,
  { bytes, kinds, now }: PredictBudget & { readonly bytes: number; readonly kinds: readonly EngineKind[] },
): Chosen | undefined {
  const able = kinds
    .filter(one => suits(one, shapes, columns) && engineBytes(one, forest, shapes, columns) <= bytes)
    .map(one => ({ kind: one, costs: guessedCosts(one, shapes, columns) }))
    .sort((a, b) => a.costs.inBlock - b.costs.inBlock)
  const tried = now === undefined ? 1 : KINDS.length
  let best: Chosen | undefined
  for (const { kind, costs: guessed } of able.slice(0, tried)) {
    if (guessed.inBlock > able[0]!.costs.inBlock * DOUBT) break
    const engine = startEngine(kind, forest, shapes, columns)
    if (engine === undefined) return undefined
    const costs = (now && measuredCosts(engine, forest, columns, now)) ?? guessed
    if (best === undefined || costs.inBlock < best.costs.inBlock) best = { engine, costs }
  }
  return best
}

function marginsBy(forest: Forest, engine: PredictEngine, costs: RowCosts, isScalarAlone: boolean): Margins {
  const scalar = isScalarAlone ? scalarMargins(forest) : undefined
  const width = forest.features.length
  const outputs = forest.base.length
  /** From so many rows on a block is faster than one after the other. */
  const enough = scalar === undefined ? Math.min(ROWS * (costs.inBlock / costs.alone), ROWS) : ROWS / 8
  return (rows, count, out) => {
    for (let from = 0; from < count; from += ROWS) {
      const here = Math.min(ROWS, count - from)
      if (here >= enough) engine.block(rows, from, here, out)
      else if (scalar !== undefined) {
        scalar(rows.subarray(from * width), here, out.subarray(from * outputs))
      } else {
        for (let row = from; row < from + here; row++) engine.one(rows, row, out)
      }
    }
  }
}

/**
 * The predictor of a forest: by the WebAssembly kernel that suits it best, or, where none does or WebAssembly is not to be
 * had, by the scalar path. Answers are the same to the last bit.
 */
import { type Forest, forestBytes } from '../forest.ts'
import { forestPredictor, type Margins } from '../forest-predictor.ts'
import type { MarginPredictor } from '../predictor.ts'
import { columnsOf } from './predict-columns.ts'
import { type EngineKind, engineBytes, type PredictEngine, startEngine, suits } from './predict-engines.ts'
import { ROWS } from './predict-room.ts'
import { shapesOf, type TreeShape } from './predict-shapes.ts'

export interface PredictBudget {
  /** Memory that a kernel may take, beside the forest. */
  readonly bytes?: number
  /** Milliseconds from anywhere. Where there is a clock, kernels that look alike are tried on a few rows, which takes some milliseconds. */
  readonly now?: () => number
  /** This kernel and no other, where the forest suits it. */
  readonly kind?: EngineKind | 'scalar'
}

const BYTES_MAX = 64 << 20
const KINDS: readonly EngineKind[] = ['dense', 'sparse', 'walk']

export function fastPredictor(forest: Forest, budget: PredictBudget = {}): MarginPredictor {
  const engine = engineOf(forest, budget)
  if (engine === undefined) return forestPredictor(forest)
  return { ...forestPredictor(forest, marginsBy(engine)), bytes: forestBytes(forest) + engine.bytes }
}

function engineOf(forest: Forest, { bytes = BYTES_MAX, kind }: PredictBudget): PredictEngine | undefined {
  if (kind === 'scalar' || forest.roots.length === 0 || forest.lines !== undefined) return undefined
  if (forest.precision === 'float32' && forest.base.some(base => Math.fround(base) !== base)) return undefined
  if (forest.feature.length * 12 > bytes) return undefined
  const columns = columnsOf(forest, Math.floor(bytes / ROWS))
  if (columns === undefined) return undefined
  const shapes = shapesOf(forest)
  const able = (kind === undefined ? KINDS : [kind])
    .filter(one => suits(one, shapes, columns) && engineBytes(one, forest, shapes, columns) <= bytes)
    .sort((a, b) => blockCost(a, shapes) - blockCost(b, shapes))
  return able[0] === undefined ? undefined : startEngine(able[0], forest, shapes, columns)
}

/** Instructions a row, about, in a block of 64. */
function blockCost(kind: EngineKind, shapes: readonly TreeShape[]): number {
  const costs: Record<EngineKind, (shape: TreeShape) => number> = {
    dense: ({ depth }) => 4 + 2.5 * 2 ** Math.max(0, depth - 3),
    sparse: ({ leaves }) => 4 + 0.6 * leaves,
    walk: ({ depth }) => 5 + 8 * depth,
  }
  return shapes.reduce((sum, shape) => sum + costs[kind](shape), 0)
}

function marginsBy(engine: PredictEngine): Margins {
  const few = 16
  return (rows, count, out) => {
    for (let from = 0; from < count; from += ROWS) {
      const here = Math.min(ROWS, count - from)
      if (here >= few) engine.block(rows, from, here, out)
      else for (let row = from; row < from + here; row++) engine.one(rows, row, out)
    }
  }
}

/** What predicting costs: guessed in instructions, or measured on made-up rows. */
import { type Random, seededRandom } from '../../math/random.ts'
import type { Forest } from '../forest.ts'
import type { Columns } from './predict-columns.ts'
import type { EngineKind, PredictEngine } from './predict-engines.ts'
import { ROWS } from './predict-room.ts'
import type { TreeShape } from './predict-shapes.ts'

/** Of a row, alone and as one of a block of 64: in whatever unit, but the same. */
export interface RowCosts {
  readonly alone: number
  readonly inBlock: number
}

/** Time that an engine is tried for, milliseconds. */
const TRIAL_MS = 2
const TRIAL_ROUNDS = 200

/** Instructions, about. */
export function guessedCosts(kind: EngineKind, shapes: readonly TreeShape[], columns: Columns): RowCosts {
  const costs: Record<EngineKind, (shape: TreeShape) => number> = {
    dense: ({ depth }) => 4 + 2 * 2 ** Math.max(0, depth - 3),
    sparse: ({ leaves }) => 4 + 0.5 * leaves,
    walk: ({ depth }) => 5 + 9 * depth,
  }
  const inBlock = shapes.reduce((sum, shape) => sum + costs[kind](shape), 12 * columns.axes.length + columns.count)
  const step = columns.count <= 16 ? 14 : 24
  const alone = shapes.reduce((sum, { depth }) => sum + 5 + step * Math.ceil(depth / 3), 12 * columns.count)
  return { alone, inBlock }
}

/** Instructions a row in the scalar path, about. */
export function scalarCost(shapes: readonly TreeShape[]): number {
  return shapes.reduce((sum, { depth }) => sum + 5 + 20 * depth, 0)
}

/** Milliseconds; `undefined` where the clock stands still. */
export function measuredCosts(
  engine: PredictEngine,
  forest: Forest,
  columns: Columns,
  now: () => number,
): RowCosts | undefined {
  const random = seededRandom(1)
  const rows = Float64Array.from({ length: ROWS * forest.features.length }, (_, index) =>
    madeUp(columns, index % forest.features.length, random),
  )
  const out = new Float64Array(ROWS * forest.base.length)
  const block = (): void => engine.block(rows, 0, ROWS, out)
  const alone = (): void => {
    for (let row = 0; row < ROWS; row++) engine.one(rows, row, out)
  }
  const costs = { alone: fastest(alone, now) / ROWS, inBlock: fastest(block, now) / ROWS }
  return Number.isFinite(costs.alone + costs.inBlock) ? costs : undefined
}

/** One in twenty is missing; the others are thresholds and categories that the forest asks for. */
function madeUp({ axes, classed }: Columns, feature: number, random: Random): number {
  if (random() < 0.05) return Number.NaN
  const cuts = axes.find(axis => axis.feature === feature)?.cuts
  if (cuts !== undefined) return cuts[Math.floor(random() * cuts.length)]!
  const categories = classed.find(one => one.feature === feature)?.classes.length ?? 0
  return Math.floor(random() * categories)
}

function fastest(run: () => void, now: () => number): number {
  let least = Number.POSITIVE_INFINITY
  const started = now()
  for (let round = 0; round < TRIAL_ROUNDS; round++) {
    const before = now()
    if (before - started > TRIAL_MS) break
    run()
    const took = now() - before
    if (took > 0) least = Math.min(least, took)
  }
  return least
}

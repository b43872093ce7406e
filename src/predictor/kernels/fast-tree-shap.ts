/**
 * Exact path-dependent TreeSHAP by WebAssembly kernels: the numbers of `treeShap`, from the same decisions, in float32 sums
 * of a few dozen trees that are added up in float64.
 *
 * Three ways: tables for forests of at most 8 features, tables for any number, and quadrature, which takes the trees whose
 * tables would be too large.
 */
import { gaussLegendre, type Quadrature } from '../../math/gauss-legendre.ts'
import type { Explainer } from '../explainer.ts'
import type { Forest } from '../forest.ts'
import { coverShares, expectedMargins } from '../shap/cover-shares.ts'
import { requireRoom } from '../shap/rows.ts'
import { Arena } from './shap-arena.ts'
import { BLOCK } from './shap-block.ts'
import { columnsOf } from './shap-columns.ts'
import {
  directEngine,
  type Placed,
  quadratureEngine,
  type Setting,
  scatteredEngine,
  suitsDirect,
} from './shap-engines.ts'
import { shapKernels } from './shap-kernels.ts'
import { planOf } from './shap-plan.ts'

export interface FastTreeShapOptions {
  /** Memory for tables and nodes, bytes; 64 MB. */
  readonly budget?: number
}

const BUDGET = 64 << 20
const COLUMNS_MAX = 4096
/** The sides of a node share its rows but for rounding: the quadrature kernel takes one as the rest of the other. */
const SHARES_TOLERANCE = 1e-6

/**
 * @param forest one that `hasCover`.
 * @returns `undefined` where kernels cannot do it and `treeShap` must: no SIMD here, a forest beyond the budget, cover that
 * does not add up.
 */
export function fastTreeShap(forest: Forest, { budget = BUDGET }: FastTreeShapOptions = {}): Explainer | undefined {
  const kernels = shapKernels()
  const shares = coverShares(forest)
  if (kernels === undefined || !addUp(forest, shares)) return undefined
  const columns = columnsOf(forest, COLUMNS_MAX)
  if (columns === undefined) return undefined
  const plan = planOf(forest, columns, shares, budget)
  if (plan === undefined) return undefined
  const shape = { outputs: forest.base.length, features: forest.features.length }
  const setting: Setting = { forest, columns, shares, shape, rules: quadratures(), kernels }
  const arena = new Arena()
  const placed: Placed[] = []
  if (plan.tabled.length > 0) {
    const engine = suitsDirect(forest, columns) ? directEngine : scatteredEngine
    placed.push(engine(setting, plan.tabled, arena))
  }
  if (plan.walked.length > 0) placed.push(quadratureEngine(setting, plan.walked, arena))
  const memory = arena.memory()
  const adders = placed.map(ready => ready(memory))
  const size = shape.outputs * shape.features
  return {
    method: 'tree-shap',
    outputCount: shape.outputs,
    featureCount: shape.features,
    bias: expectedMargins(forest, shares),
    bytes: memory.buffer.byteLength + columns.bytes,
    explain(rows, count, out) {
      requireRoom(rows, count * shape.features, out, count * size)
      out.fill(0, 0, count * size)
      for (let from = 0; from < count; from += BLOCK) {
        for (const add of adders) add(rows, from, Math.min(BLOCK, count - from), out)
      }
    },
  }
}

function addUp({ feature, child }: Forest, shares: Float64Array): boolean {
  return feature.every(
    (of, node) => of < 0 || Math.abs(shares[child[node]!]! + shares[child[node]! + 1]! - 1) <= SHARES_TOLERANCE,
  )
}

/** By number of features on a path, the quadrature that is exact for it. */
function quadratures(): (features: number) => Quadrature {
  const known = new Map<number, Quadrature>()
  return features => {
    const points = Math.max(1, Math.ceil(features / 2))
    const rule = known.get(points) ?? gaussLegendre(points)
    known.set(points, rule)
    return rule
  }
}

/**
 * Exact path-dependent TreeSHAP by WebAssembly kernels: the numbers of `treeShap`, from the same decisions, in float32 sums
 * of a few dozen trees that are added up in float64 (docs/adr/0016).
 *
 * Three ways: tables for forests of at most 8 features, tables for any number, and quadrature, which takes the trees whose
 * tables would be too large.
 */
import { gaussLegendre, type Quadrature } from '../../math/gauss-legendre.ts'
import { seededRandom } from '../../math/random.ts'
import type { Explainer } from '../explainer.ts'
import type { Forest } from '../forest.ts'
import { coverShares, expectedMargins } from '../shap/cover-shares.ts'
import { type Players, columnsOf as playersOf } from '../shap/forest-trees.ts'
import { requireRoom } from '../shap/rows.ts'
import { Arena } from './shap-arena.ts'
import { BLOCK } from './shap-block.ts'
import { columnsOf } from './shap-columns.ts'
import { type Placed, quadratureEngine, type Setting, tableEngine } from './shap-engines.ts'
import { shapKernels } from './shap-kernels.ts'
import { type Plan, planOf, walkedBytes } from './shap-plan.ts'

export interface ShapBudget {
  /** Memory for tables and nodes; 64 MB. */
  readonly bytes?: number
  /** Milliseconds from anywhere. Where there is a clock, tables are tried against quadrature, which takes some milliseconds. */
  readonly now?: () => number
  /** `quadrature`: no tables, however much memory there is. */
  readonly kind?: 'tables' | 'quadrature'
}

const BYTES_MAX = 64 << 20
const COLUMNS_MAX = 4096
/** The sides of a node share its rows but for rounding: the quadrature kernel takes one as the rest of the other. */
const SHARES_TOLERANCE = 1e-6
/** Leaves of this size are worked on in float32. */
const FLOAT32_MIN = 1e-25
const FLOAT32_MAX = 1e30
/** Trees and rows that quadrature is tried on. */
const TRIAL_TREES = 8
const TRIAL_ROWS = 256
const TRIAL_RUNS = 50
const TRIAL_MS = 20
/** Tables must be so much slower to be given up: a trial says too little to change for less. */
const MARGIN = 1.5

type Explain = Explainer['explain']

/**
 * @param forest one that `hasCover`.
 * @param players as of `treeShap`.
 * @returns `undefined` where kernels cannot do it and `treeShap` must: no SIMD here, a forest beyond the budget or the memory there is,
 * cover that does not add up, leaves out of float32's range.
 */
export function fastTreeShap(
  forest: Forest,
  { bytes = BYTES_MAX, now, kind }: ShapBudget = {},
  players: Players = playersOf(forest),
): Explainer | undefined {
  const kernels = shapKernels()
  const shares = coverShares(forest)
  if (kernels === undefined || !addUp(forest, shares) || !fitFloat32(forest)) return undefined
  const columns = columnsOf(forest, COLUMNS_MAX, players)
  if (columns === undefined) return undefined
  const plan = planOf(forest, columns, shares, bytes)
  if (plan === undefined) return undefined
  const shape = { outputs: forest.base.length, features: players.count }
  const setting: Setting = { forest, columns, shares, shape, rules: quadratures(), kernels }
  const made = whereThereIsRoom(() => {
    const walked = { tabled: [], walked: plan.walked.concat(plan.tabled).sort((a, b) => a.output - b.output) }
    const first = explainBy(setting, kind === 'quadrature' ? walked : plan)
    const isTried = kind === undefined && now !== undefined
    return isTried && isSlow(first.explain, setting, plan, now) ? explainBy(setting, walked) : first
  })
  return (
    made && {
      method: 'tree-shap',
      outputCount: shape.outputs,
      featureCount: shape.features,
      bias: expectedMargins(forest, shares),
      bytes: made.bytes + columns.bytes,
      explain: made.explain,
    }
  )
}

/** `undefined` where the system refuses the memory. */
function whereThereIsRoom<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function explainBy(setting: Setting, plan: Plan): { readonly explain: Explain; readonly bytes: number } {
  const { shape, forest } = setting
  const width = forest.features.length
  const arena = new Arena()
  const placed: Placed[] = []
  if (plan.tabled.length > 0) {
    placed.push(tableEngine(setting)(setting, plan.tabled, arena))
  }
  if (plan.walked.length > 0) placed.push(quadratureEngine(setting, plan.walked, arena))
  const memory = arena.memory()
  const adders = placed.map(ready => ready(memory))
  const size = shape.outputs * shape.features
  return {
    bytes: memory.buffer.byteLength,
    explain(rows, count, out) {
      requireRoom(rows, count * width, out, count * size)
      out.fill(0, 0, count * size)
      for (let from = 0; from < count; from += BLOCK) {
        for (const add of adders) add(rows, from, Math.min(BLOCK, count - from), out)
      }
    },
  }
}

/** Whether quadrature of all trees would, judging by some of them, be faster than the tables. */
function isSlow(explain: Explain, setting: Setting, { tabled, walked }: Plan, now: () => number): boolean {
  if (tabled.length === 0) return false
  const rows = trialRows(setting.forest)
  const out = new Float64Array(TRIAL_ROWS * setting.shape.outputs * setting.shape.features)
  // The shortest of several: the first ones run before the engine has optimised the kernel.
  const time = (some: Explain): number => {
    let shortest = Number.POSITIVE_INFINITY
    const end = now() + TRIAL_MS
    for (let run = 0; run < 3 || (run < TRIAL_RUNS && now() < end); run++) {
      const started = now()
      some(rows, TRIAL_ROWS, out)
      shortest = Math.min(shortest, now() - started)
    }
    return shortest
  }
  const step = Math.ceil(tabled.length / TRIAL_TREES)
  const some = tabled.filter((_, index) => index % step === 0)
  const work = (trees: Plan['walked']): number => trees.reduce((sum, tree) => sum + walkedBytes(tree), 0)
  const byQuadrature = time(explainBy(setting, { tabled: [], walked: some }).explain) / work(some)
  return time(explain) > MARGIN * byQuadrature * (work(tabled) + work(walked))
}

/** Rows that go many ways: values are thresholds, and some are missing. */
function trialRows({ features, feature, value }: Forest): Float64Array {
  const random = seededRandom(1)
  const rows = new Float64Array(TRIAL_ROWS * features.length).fill(Number.NaN)
  for (let index = 0; index < rows.length * 3; index++) {
    const node = Math.floor(random() * feature.length)
    if (feature[node]! < 0) continue
    rows[Math.floor(random() * TRIAL_ROWS) * features.length + feature[node]!] = value[node]!
  }
  return rows
}

function addUp({ feature, child }: Forest, shares: Float64Array): boolean {
  return feature.every((of, node) => {
    const left = child[node]!
    return of < 0 || Math.abs(shares[left]! + shares[left + 1]! - 1) <= SHARES_TOLERANCE
  })
}

/** Whether sums of leaves, and a millionth of them, are numbers that float32 has. */
function fitFloat32({ feature, value, leafVectors, weights }: Forest): boolean {
  const heaviest = weights?.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) ?? 1
  const leaves = leafVectors ?? value.filter((_, node) => feature[node]! < 0)
  const largest = heaviest * leaves.reduce((most, leaf) => Math.max(most, Math.abs(leaf)), 0)
  return largest === 0 || (largest > FLOAT32_MIN && largest < FLOAT32_MAX)
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

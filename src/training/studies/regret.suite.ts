/** Known functions, and how far a sampler comes towards their least value with so many trials. */
import { hypervolume, paretoFront } from '../../math/search/pareto.ts'
import type { GivenStudy, SamplerKind } from './definition.ts'
import { readStudy } from './definition.ts'
import { openHistory } from './history.ts'
import type { Setting } from './space.ts'
import { suggest } from './suggest.ts'
import type { TrialsRow } from './tables.ts'

export interface KnownFunction {
  readonly space: GivenStudy['space']
  readonly of: (x: readonly number[]) => number
}

const cube = (dimensions: number, low: number, high: number): GivenStudy['space'] =>
  Object.fromEntries(Array.from({ length: dimensions }, (_, i) => [`x${i}`, { type: 'float' as const, low, high }]))

const HARTMANN_A = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
]
const HARTMANN_P = [
  [1312, 1696, 5569, 124, 8283, 5886],
  [2329, 4135, 8307, 3736, 1004, 9991],
  [2348, 1451, 3522, 2883, 3047, 6650],
  [4047, 8828, 8732, 5743, 1091, 381],
]
const HARTMANN_WEIGHTS = [1, 1.2, 3, 3.2]

export const FUNCTIONS: Readonly<Record<string, KnownFunction>> = {
  branin: {
    space: { x: { type: 'float', low: -5, high: 10 }, y: { type: 'float', low: 0, high: 15 } },
    of: ([x = 0, y = 0]) =>
      (y - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6) ** 2 +
      10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
      10,
  },
  hartmann6: {
    space: cube(6, 0, 1),
    of: x =>
      -HARTMANN_WEIGHTS.reduce((sum, weight, i) => {
        const inner = x.reduce((far, value, j) => far + HARTMANN_A[i]![j]! * (value - HARTMANN_P[i]![j]! / 1e4) ** 2, 0)
        return sum + weight * Math.exp(-inner)
      }, 0),
  },
  ackley5: {
    space: cube(5, -32.768, 32.768),
    of: x => {
      const squares = x.reduce((sum, value) => sum + value * value, 0) / x.length
      const waves = x.reduce((sum, value) => sum + Math.cos(2 * Math.PI * value), 0) / x.length
      return -20 * Math.exp(-0.2 * Math.sqrt(squares)) - Math.exp(waves) + 20 + Math.E
    },
  },
  rosenbrock4: {
    space: cube(4, -5, 10),
    of: x => x.slice(1).reduce((sum, next, i) => sum + 100 * (next - x[i]! ** 2) ** 2 + (1 - x[i]!) ** 2, 0),
  },
  rastrigin3: {
    space: cube(3, -5.12, 5.12),
    of: x => x.reduce((sum, value) => sum + value * value - 10 * Math.cos(2 * Math.PI * value) + 10, 0),
  },
}

/** The least value after so many trials, one after the other. */
export function bestFound(kind: SamplerKind, { space, of }: KnownFunction, trials: number, seed: number): number {
  const definition = readStudy({ name: 'known', space, sampler: kind }, seed)
  const history = openHistory(definition)
  let best = Infinity
  for (let number = 0; number < trials; number++) {
    const { params, trace } = suggest(definition, history, number)
    const value = of(definition.space.parameters.map(({ name }) => params[name] as number))
    best = Math.min(best, value)
    history.take([finishedRow(number, params, trace, [value])], number + 1)
  }
  return best
}

export function finishedRow(
  number: number,
  params: Readonly<Record<string, Setting>>,
  trace: unknown,
  values: readonly number[],
): TrialsRow {
  return {
    study: 'known',
    number,
    state: 'complete',
    params: JSON.stringify(params),
    trace: trace === undefined ? null : JSON.stringify(trace),
    outcome: JSON.stringify(values),
    attempt: 1,
    worker: null,
    lease_until: null,
    last_step: null,
    last_value: null,
    error: null,
    created_at: 0,
    started_at: 0,
    finished_at: 0,
    revision: number + 1,
  }
}

/** By linear interpolation between the ordered values, as numpy does. */
export function quantile(values: readonly number[], p: number): number {
  const ordered = values.toSorted((a, b) => a - b)
  const place = p * (ordered.length - 1)
  const low = ordered[Math.floor(place)]!
  return low + (ordered[Math.ceil(place)]! - low) * (place - Math.floor(place))
}

/** The volume up to (1.1, 1.1) that so many trials of the two objectives of ZDT1 dominate (Zitzler et al. 2000). */
export function frontVolume(kind: SamplerKind, trials: number, seed: number): number {
  const given: GivenStudy = {
    name: 'known',
    space: cube(5, 0, 1),
    objectives: { first: 'minimize', second: 'minimize' },
  }
  const definition = readStudy({ ...given, sampler: kind }, seed)
  const history = openHistory(definition)
  const points: number[][] = []
  for (let number = 0; number < trials; number++) {
    const { params, trace } = suggest(definition, history, number)
    const [first, ...rest] = definition.space.parameters.map(({ name }) => params[name] as number)
    const g = 1 + (9 * rest.reduce((sum, value) => sum + value, 0)) / rest.length
    const values = [first!, g * (1 - Math.sqrt(first! / g))]
    points.push(values)
    history.take([finishedRow(number, params, trace, values)], number + 1)
  }
  return hypervolume(
    paretoFront(points).map(i => points[i]!),
    [1.1, 1.1],
  )
}

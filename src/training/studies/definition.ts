/** What a study is, as somebody writes it in YAML or JSON, and as it is kept: complete and judged. */
import { type FieldProblem, Problem } from '../../errors.ts'
import { SOBOL_DIMENSIONS_MAX } from '../../math/search/sobol.ts'
import { type GivenParameter, readSpace, type Space } from './space.ts'

export type Direction = 'minimize' | 'maximize'
export type SamplerKind = 'random' | 'sobol' | 'tpe' | 'cma-es' | 'nsga2'

export interface SamplerSettings {
  readonly kind: SamplerKind
  /** Trials that fill the space evenly before the sampler learns from them. */
  readonly startup: number
  /** Of TPE: points drawn, of which one is taken. */
  readonly candidates: number
  /** Of CMA-ES and NSGA-II: points in a generation. */
  readonly population: number
}

export type PrunerSettings =
  | {
      readonly kind: 'median'
      readonly percentile: number
      readonly startup: number
      readonly warmup: number
      readonly interval: number
    }
  | {
      readonly kind: 'asha' | 'hyperband'
      readonly min: number
      readonly max: number | undefined
      readonly factor: number
    }

/** As it is sent. */
export interface GivenStudy {
  readonly name: string
  readonly description?: string
  readonly objectives?: Readonly<Record<string, Direction>>
  readonly space: Readonly<Record<string, GivenParameter>>
  readonly sampler?: SamplerKind | (Partial<SamplerSettings> & { readonly kind: SamplerKind })
  readonly pruner?: 'median' | 'asha' | 'hyperband' | GivenPruner
  readonly seed?: number
  readonly trials?: number
  readonly heartbeatMs?: number
  readonly attempts?: number
}

export interface GivenPruner {
  readonly kind: 'median' | 'asha' | 'hyperband'
  readonly percentile?: number
  readonly startup?: number
  readonly warmup?: number
  readonly interval?: number
  readonly min?: number
  readonly max?: number
  readonly factor?: number
}

export interface Objective {
  readonly name: string
  readonly direction: Direction
}

export interface StudyDefinition {
  readonly name: string
  readonly objectives: readonly Objective[]
  readonly space: Space
  readonly sampler: SamplerSettings
  readonly pruner: PrunerSettings | undefined
  readonly seed: number
  /** How many trials there shall be; undefined: until nobody asks any more. */
  readonly trials: number | undefined
  /** A trial whose worker was silent for so long is given to another. */
  readonly heartbeatMs: number
  /** How often a trial is begun at most. */
  readonly attempts: number
}

export const TRIALS_MAX = 100_000
const OBJECTIVES_MAX = 8
const HEARTBEAT_MS = 3_600_000
/** What a study may be called: a regular expression. */
export const STUDY_NAME = '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'
const NAME = new RegExp(STUDY_NAME)

/**
 * @param seed taken where none is given.
 * @throws Problem `invalid`, which names every field that is wrong.
 */
export function readStudy(given: GivenStudy, seed: number): StudyDefinition {
  const problems: FieldProblem[] = []
  if (!NAME.test(given.name)) {
    problems.push({ field: 'name', problem: 'wanted letters, digits and . _ - (100 at most), a letter or digit first' })
  }
  const objectives = Object.entries(given.objectives ?? { value: 'minimize' as const }).map(([name, direction]) => ({
    name,
    direction,
  }))
  if (objectives.length === 0 || objectives.length > OBJECTIVES_MAX) {
    problems.push({ field: 'objectives', problem: `are ${objectives.length}, wanted 1 to ${OBJECTIVES_MAX}` })
  }
  const space = readSpace(given.space, problems)
  const sampler = readSampler(given, objectives.length)
  judgeSampler(sampler, space, objectives.length, problems)
  const pruner = readPruner(given.pruner, objectives.length, problems)
  if (problems.length > 0) {
    const told = problems.slice(0, 3).map(({ field, problem }) => `${field} ${problem}`)
    throw new Problem('invalid', `Cannot read the study: ${told.join('; ')}`, { fields: problems })
  }
  return {
    name: given.name,
    objectives,
    space,
    sampler,
    pruner,
    seed: given.seed ?? seed,
    trials: given.trials,
    heartbeatMs: given.heartbeatMs ?? HEARTBEAT_MS,
    attempts: given.attempts ?? 3,
  }
}

function readSampler({ sampler, space }: GivenStudy, objectives: number): SamplerSettings {
  const kind = objectives > 1 ? 'nsga2' : 'tpe'
  const given = typeof sampler === 'string' ? { kind: sampler } : (sampler ?? { kind })
  const dimensions = Math.max(1, Object.keys(space).length)
  const population = given.kind === 'nsga2' ? 50 : 4 + Math.floor(3 * Math.log(dimensions))
  return { startup: given.kind === 'nsga2' ? population : 10, candidates: 24, population, ...given }
}

function judgeSampler(
  { kind }: SamplerSettings,
  { parameters, groups }: Space,
  objectives: number,
  problems: FieldProblem[],
): void {
  const wrong = (problem: string): void => void problems.push({ field: 'sampler', problem })
  if (kind === 'sobol' && parameters.length > SOBOL_DIMENSIONS_MAX) {
    wrong(`sobol fills ${SOBOL_DIMENSIONS_MAX} parameters at most, found ${parameters.length}; random has no limit`)
  }
  if (kind !== 'cma-es') return
  if (objectives > 1) wrong('cma-es has one objective; nsga2 and tpe take several')
  const chosen = parameters.find(({ dimension }) => dimension.kind === 'choice')
  if (chosen !== undefined) wrong(`cma-es needs numbers, and ${chosen.name} is categorical; tpe takes both`)
  const conditional = groups.flatMap(group => (group.when.length === 0 ? [] : group.parameters))[0]
  if (conditional !== undefined)
    wrong(`cma-es needs every parameter always, and ${conditional.name} is conditional; tpe takes those too`)
}

function readPruner(
  given: GivenStudy['pruner'],
  objectives: number,
  problems: FieldProblem[],
): PrunerSettings | undefined {
  if (given === undefined) return undefined
  const wrong = (problem: string): void => void problems.push({ field: 'pruner', problem })
  const pruner: GivenPruner = typeof given === 'string' ? { kind: given } : given
  const { kind, percentile = 50, startup = 5, warmup = 0, interval = 1, min = 1, max, factor = 3 } = pruner
  if (objectives > 1) wrong('prunes by one objective, and the study has several')
  const known: readonly string[] = kind === 'median' ? MEDIAN : SUCCESSIVE
  const strange = Object.keys(pruner).find(key => key !== 'kind' && !known.includes(key))
  if (strange !== undefined) wrong(`has ${strange}, which ${kind} does not know; it knows ${known.join(', ')}`)
  if (kind === 'median') return { kind, percentile, startup, warmup, interval }
  if (max !== undefined && max < min) wrong(`has max ${max} below min ${min}`)
  if (kind === 'hyperband' && max === undefined) wrong('has no max: hyperband needs the last step of a whole trial')
  return { kind, min, max, factor }
}

const MEDIAN = ['percentile', 'startup', 'warmup', 'interval']
const SUCCESSIVE = ['min', 'max', 'factor']

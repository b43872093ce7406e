/** What is searched: parameters by name, each with its values, some only where others have certain ones. */
import type { FieldProblem } from '../../errors.ts'
import { type Dimension, onGrid } from '../../math/search/dimension.ts'

/** A value of a parameter, as it is sent and stored. */
export type Setting = number | string | boolean | null
export type Settings = Readonly<Record<string, Setting>>

/** A parameter as somebody wrote it, right or wrong. */
export interface GivenParameter {
  readonly type: 'float' | 'int' | 'categorical'
  readonly low?: number
  readonly high?: number
  readonly step?: number
  readonly log?: boolean
  readonly choices?: readonly Setting[]
  readonly when?: Readonly<Record<string, Setting | readonly Setting[]>>
}

export interface Parameter {
  readonly name: string
  /** Its place in the space, from 0. */
  readonly index: number
  readonly dimension: Dimension
  /** The values of a categorical one, in order. */
  readonly choices: readonly Setting[] | undefined
  readonly when: readonly Condition[]
}

/** The parameter exists only where the other one does and has one of these values. */
interface Condition {
  readonly parameter: string
  readonly values: readonly Setting[]
}

/** Parameters that exist together or not at all, so that they can be searched together. Parents' groups come before. */
export interface Group {
  readonly when: readonly Condition[]
  readonly parameters: readonly Parameter[]
}

export interface Space {
  readonly parameters: readonly Parameter[]
  readonly groups: readonly Group[]
}

export const PARAMETERS_MAX = 200
const CHOICES_MAX = 1_000
const TEXT_MAX = 500
const NAME = /^[A-Za-z][\w./-]{0,99}$/
const STEPS_MAX = 2 ** 48

/** Reads a space; what is wrong with it is added to `problems`, each under `space.<name>`. */
export function readSpace(given: Readonly<Record<string, GivenParameter>>, problems: FieldProblem[]): Space {
  const names = Object.keys(given)
  const wrong = (name: string, problem: string): void => void problems.push({ field: `space.${name}`, problem })
  if (names.length === 0) problems.push({ field: 'space', problem: 'has no parameter' })
  if (names.length > PARAMETERS_MAX) {
    problems.push({ field: 'space', problem: `has ${names.length} parameters, at most ${PARAMETERS_MAX}` })
    return { parameters: [], groups: [] }
  }
  const parameters = names.flatMap((name, index) => {
    const at = (problem: string): void => wrong(name, problem)
    if (!NAME.test(name)) at('is no name: wanted a letter, then letters, digits and _ . / - (100 at most)')
    const parameter = readParameter(name, index, given[name]!, at)
    return parameter === undefined ? [] : [parameter]
  })
  const known = new Map(parameters.map(parameter => [parameter.name, parameter]))
  const before = problems.length
  for (const { name, when } of parameters) {
    for (const condition of when) judgeCondition(condition, known, names, problem => wrong(name, problem))
  }
  return { parameters, groups: problems.length === before ? grouped(parameters, wrong) : [] }
}

type Wrong = (problem: string) => void

function readParameter(name: string, index: number, given: GivenParameter, wrong: Wrong): Parameter | undefined {
  const when = Object.entries(given.when ?? {}).map(([parameter, values]) => ({
    parameter,
    values: Array.isArray(values) ? (values as readonly Setting[]) : [values as Setting],
  }))
  if (given.type === 'categorical') {
    const choices = readChoices(given, wrong)
    return choices && { name, index, dimension: { kind: 'choice', count: choices.length }, choices, when }
  }
  const dimension = readRange(given, wrong)
  return dimension && { name, index, dimension, choices: undefined, when }
}

function readChoices(given: GivenParameter, wrong: Wrong): readonly Setting[] | undefined {
  for (const key of ['low', 'high', 'step', 'log'] as const) {
    if (given[key] !== undefined) return void wrong(`is categorical and has ${key}, wanted choices only`)
  }
  const choices = given.choices ?? []
  if (choices.length === 0) return void wrong('has no choices')
  if (choices.length > CHOICES_MAX) return void wrong(`has ${choices.length} choices, at most ${CHOICES_MAX}`)
  if (choices.some(choice => typeof choice === 'string' && choice.length > TEXT_MAX)) {
    return void wrong(`has a choice of more than ${TEXT_MAX} characters`)
  }
  const repeated = choices.find((choice, i) => choices.indexOf(choice) !== i)
  if (repeated !== undefined) return void wrong(`has the choice ${JSON.stringify(repeated)} twice`)
  return choices
}

function readRange(given: GivenParameter, wrong: Wrong): Dimension | undefined {
  const { type, low, high, log = false, choices } = given
  if (choices !== undefined) return void wrong(`is of type ${type} and has choices, wanted low and high`)
  if (low === undefined || high === undefined) return void wrong('has no low or no high')
  if (!(Number.isFinite(low) && Number.isFinite(high) && Number.isFinite(high - low))) {
    return void wrong(`goes from ${low} to ${high}, wanted finite numbers that are no farther apart than doubles reach`)
  }
  if (low > high) return void wrong(`has low ${low} above high ${high}`)
  if (log && low <= 0) return void wrong(`has low ${low}, wanted above 0 because of log`)
  if (type === 'int' && !(Number.isSafeInteger(low) && Number.isSafeInteger(high))) {
    return void wrong(`is of type int and goes from ${low} to ${high}, wanted whole numbers below 2^53`)
  }
  if (type === 'float' && log && given.step !== undefined) {
    return void wrong('has step and log, wanted one of them: a float in steps is not searched by its logarithm')
  }
  const step = given.step ?? (type === 'int' ? 1 : undefined)
  if (step === undefined) return { kind: 'range', low, high, log, step }
  if (!(step > 0 && Number.isFinite(step))) return void wrong(`has step ${step}, wanted above 0`)
  if (type === 'int' && !Number.isInteger(step)) return void wrong(`has step ${step}, wanted a whole number`)
  if (type === 'int' && log && step !== 1) return void wrong('has step and log, wanted one of them')
  const steps = Math.floor((high - low) / step + 1e-9)
  if (steps > STEPS_MAX || step < 8 * Number.EPSILON * Math.max(Math.abs(low), Math.abs(high))) {
    return void wrong(`has step ${step}, too small to be told apart from none between ${low} and ${high}`)
  }
  return { kind: 'range', low, high: onGrid(low, step, steps), log, step }
}

function judgeCondition(
  { parameter, values }: Condition,
  known: ReadonlyMap<string, Parameter>,
  names: readonly string[],
  wrong: Wrong,
): void {
  const other = known.get(parameter)
  if (other === undefined) {
    if (!names.includes(parameter)) wrong(`depends on ${parameter}, which is not in the space`)
    return
  }
  if (other.dimension.kind === 'range' && other.dimension.step === undefined) {
    wrong(`depends on ${parameter}, a float without steps; wanted an int, a categorical or a float with step`)
    return
  }
  if (values.length === 0) wrong(`depends on ${parameter} and names no value of it`)
  const strange = values.find(value => placeOf(other, value) === undefined)
  if (strange !== undefined) wrong(`exists when ${parameter} is ${JSON.stringify(strange)}, which it cannot be`)
}

function grouped(parameters: readonly Parameter[], wrong: (name: string, problem: string) => void): Group[] {
  const groups = new Map<string, { when: readonly Condition[]; parameters: Parameter[] }>()
  const placed = new Set<string>()
  let rest = parameters
  while (rest.length > 0) {
    const ready = rest.filter(({ when }) => when.every(({ parameter }) => placed.has(parameter)))
    if (ready.length === 0) {
      wrong(
        rest[0]!.name,
        `exists only when ${rest[0]!.when[0]!.parameter} does, and that one only when it does itself`,
      )
      return []
    }
    for (const parameter of ready) {
      const key = JSON.stringify(parameter.when)
      if (!groups.has(key)) groups.set(key, { when: parameter.when, parameters: [] })
      groups.get(key)!.parameters.push(parameter)
    }
    for (const { name } of ready) placed.add(name)
    rest = rest.filter(parameter => !ready.includes(parameter))
  }
  return [...groups.values()]
}

/** Whether the parameters of a group exist among these. */
export function exists({ when }: Pick<Group, 'when'>, settings: Settings): boolean {
  return when.every(
    ({ parameter, values }) => Object.hasOwn(settings, parameter) && values.includes(settings[parameter]!),
  )
}

/** The number by which a dimension knows a value; undefined where the parameter cannot have it. */
export function placeOf({ dimension, choices }: Parameter, setting: Setting): number | undefined {
  if (dimension.kind === 'choice') {
    const place = choices!.indexOf(setting)
    return place === -1 ? undefined : place
  }
  const { low, high, step } = dimension
  if (typeof setting !== 'number' || !(setting >= low && setting <= high)) return undefined
  if (step === undefined) return setting
  return onGrid(low, step, Math.round((setting - low) / step)) === setting ? setting : undefined
}

/** The value that a number of a dimension stands for. */
export function settingOf({ choices }: Parameter, place: number): Setting {
  return choices === undefined ? place : choices[place]!
}

/** Whether these are exactly the parameters that exist together, with values they can have; else what is wrong. */
export function judgeSettings(space: Space, settings: Settings): FieldProblem[] {
  const problems: FieldProblem[] = []
  const wanted = new Set<string>()
  for (const group of space.groups) {
    if (!exists(group, settings)) continue
    for (const parameter of group.parameters) {
      wanted.add(parameter.name)
      const field = `params.${parameter.name}`
      if (!Object.hasOwn(settings, parameter.name)) problems.push({ field, problem: 'is missing' })
      else if (placeOf(parameter, settings[parameter.name]!) === undefined) {
        problems.push({ field, problem: `is ${JSON.stringify(settings[parameter.name])}, which it cannot be` })
      }
    }
  }
  for (const name of Object.keys(settings)) {
    if (wanted.has(name)) continue
    const problem = space.parameters.some(parameter => parameter.name === name)
      ? 'does not exist beside the values of the others'
      : 'is not in the space'
    problems.push({ field: `params.${name}`, problem })
  }
  return problems
}

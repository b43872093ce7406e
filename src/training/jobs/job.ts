/** What a training job is, as somebody writes it in YAML, and as it is kept: complete and judged. */
import { type FieldProblem, Problem } from '../../errors.ts'
import { redactFields } from '../../platform/redact.ts'
import { nameOf, numberOf, objectOf, textOf, textsOf, unknownKeys } from './job-fields.ts'
import { readQuantity } from './quantity.ts'

export type ParameterValue = string | number | boolean | null

export interface JobResources {
  /** Address space of each process, bytes. */
  readonly memory?: number
  /** Processor time of each process, seconds. */
  readonly cpuSeconds?: number
  /** Open files of each process. */
  readonly files?: number
  /** As `nice` has it: 0 is usual, 19 waits for everybody else. */
  readonly nice?: number
  /** Told to the numeric libraries; nothing holds a program to it. */
  readonly threads?: number
}

export interface JobEnvironment {
  /** Names that are handed over from whoever starts the job, and recorded. */
  readonly pass: readonly string[]
  readonly set: Readonly<Record<string, string>>
  /** As `pass`, but their values are recorded nowhere and taken out of the log. */
  readonly secrets: readonly string[]
}

export interface JobKubernetes {
  readonly image?: string
  readonly namespace?: string
  readonly serviceAccount?: string
  /** Name of a secret whose key `token` holds an API key of the server, and whose other keys are the job's `secrets`. */
  readonly secret?: string
  /** Name of the claim of a volume that holds the job's folder, mounted at `/job`. */
  readonly claim?: string
  readonly cpus?: number
}

export interface Job {
  readonly name: string
  readonly experiment: string
  /** A program and its arguments, or a line for `sh`. */
  readonly command: readonly string[] | string
  readonly parameters: Readonly<Record<string, ParameterValue>>
  readonly seed?: number
  /** By name: a file, a folder, or a pattern of files. */
  readonly data: Readonly<Record<string, string>>
  /** Files and patterns of files below the job's folder, which the command writes. */
  readonly outputs: readonly string[]
  readonly environment: JobEnvironment
  readonly resources: JobResources
  /** Seconds. */
  readonly timeLimit?: number
  /** Seconds between being asked to stop and being made to. */
  readonly grace: number
  /** A model.yaml that is registered when the job has ended well. */
  readonly register?: string
  readonly kubernetes: JobKubernetes
}

const KEYS = [
  ...['name', 'experiment', 'command', 'parameters', 'seed', 'data', 'outputs', 'environment', 'resources'],
  ...['timeLimit', 'grace', 'register', 'kubernetes'],
]
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/
/** What the platform itself hands over; a job that set them would not be recorded as what it is. */
const OURS = /^(MLFLOW_(RUN_ID|TRACKING_\w+|EXPERIMENT_\w+)|BELLWETHER_\w+)$/
const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g
const GRACE_S = 10
const SEED_MAX = 2 ** 32 - 1
const ENTRIES_MAX = 1_000

/**
 * @param given a parsed document.
 * @throws Problem `invalid`, which names every field that is wrong.
 */
export function readJob(given: unknown): Job {
  const wrong: FieldProblem[] = []
  const from = objectOf({ job: given }, 'job', wrong)
  unknownKeys(from, '', KEYS, wrong)
  const name = nameOf(from, 'name', NAME, wrong) ?? ''
  const experiment = textOf(from, 'experiment', wrong) ?? name
  const seed = numberOf(from, 'seed', { least: 0, most: SEED_MAX, isWhole: true }, wrong)
  const timeLimit = readQuantity(from, 'timeLimit', 'time', wrong)
  const register = textOf(from, 'register', wrong)
  const job: Job = {
    name,
    experiment,
    command: readCommand(from['command'], wrong),
    parameters: readParameters(from, wrong),
    data: readData(from, wrong),
    outputs: readOutputs(from, wrong),
    environment: readEnvironment(from, wrong),
    resources: readResources(from, wrong),
    grace: readQuantity(from, 'grace', 'time', wrong) ?? GRACE_S,
    kubernetes: readKubernetes(from, wrong),
    ...(seed === undefined ? {} : { seed }),
    ...(timeLimit === undefined ? {} : { timeLimit }),
    ...(register === undefined ? {} : { register }),
  }
  judgePlaceholders(job, wrong)
  refuse(wrong)
  return job
}

function refuse(wrong: readonly FieldProblem[]): void {
  if (wrong.length === 0) return
  const told = wrong.slice(0, 3).map(({ field, problem }) => `${field} ${problem}`)
  throw new Problem('invalid', `Cannot read the job: ${told.join('; ')}`, { fields: [...wrong] })
}

function readCommand(given: unknown, wrong: FieldProblem[]): Job['command'] {
  if (typeof given === 'string' && given.trim() !== '' && !given.includes('\0')) return given
  const isList = Array.isArray(given) && given.length > 0 && given.length <= ENTRIES_MAX
  if (isList && given.every(each => ['string', 'number'].includes(typeof each) && !String(each).includes('\0')))
    return given.map(String)
  wrong.push({ field: 'command', problem: 'wanted a program with its arguments as a list, or a line for sh' })
  return ''
}

const SECRET = 'is called like a secret, and would be recorded; hand it over under environment.secrets'

function isSecret(name: string): boolean {
  return redactFields({ [name]: 'told' })[name] !== 'told'
}

function readParameters(from: Given, wrong: FieldProblem[]): Job['parameters'] {
  const given = objectOf(from, 'parameters', wrong)
  for (const [key, value] of Object.entries(given)) {
    const field = `parameters.${key}`
    if (!VARIABLE.test(key)) wrong.push({ field, problem: 'wanted a name of letters, digits and _' })
    if (isSecret(key)) wrong.push({ field, problem: SECRET })
    if (value !== null && !['string', 'number', 'boolean'].includes(typeof value))
      wrong.push({ field, problem: 'wanted a text, a number, true, false or null' })
  }
  return given as Job['parameters']
}

function readData(from: Given, wrong: FieldProblem[]): Job['data'] {
  const given = objectOf(from, 'data', wrong)
  for (const [key, value] of Object.entries(given)) {
    const field = `data.${key}`
    if (!VARIABLE.test(key)) wrong.push({ field, problem: 'wanted a name of letters, digits and _' })
    if (typeof value !== 'string' || value === '' || value.includes('\0'))
      wrong.push({ field, problem: 'wanted the path of a file or folder, or a pattern of files' })
  }
  return given as Job['data']
}

function readOutputs(from: Given, wrong: FieldProblem[]): readonly string[] {
  const outputs = textsOf(from, 'outputs', '', wrong)
  for (const path of outputs) {
    if (path.startsWith('/') || path.split(/[/\\]/).includes('..') || path.includes('\0'))
      wrong.push({ field: 'outputs', problem: `has ${JSON.stringify(path)}, wanted paths below the folder of the job` })
  }
  return outputs
}

type Given = Readonly<Record<string, unknown>>

function readEnvironment(from: Given, wrong: FieldProblem[]): JobEnvironment {
  const given = objectOf(from, 'environment', wrong)
  unknownKeys(given, 'environment.', ['pass', 'set', 'secrets'], wrong)
  const pass = textsOf(given, 'pass', 'environment.', wrong)
  const secrets = textsOf(given, 'secrets', 'environment.', wrong)
  const set = objectOf(given, 'set', wrong, 'environment.')
  for (const name of pass) if (isSecret(name)) wrong.push({ field: 'environment.pass', problem: `${name} ${SECRET}` })
  for (const name of [...pass, ...secrets, ...Object.keys(set)]) {
    if (!VARIABLE.test(name) || OURS.test(name))
      wrong.push({
        field: 'environment',
        problem: `names ${JSON.stringify(name)}, wanted a variable that is not the platform's own`,
      })
  }
  const texts = Object.entries(set).map(([name, value]) => {
    const isPlain = ['string', 'number', 'boolean'].includes(typeof value) && !String(value).includes('\0')
    if (!isPlain) wrong.push({ field: `environment.set.${name}`, problem: 'wanted a text' })
    if (isSecret(name)) wrong.push({ field: `environment.set.${name}`, problem: SECRET })
    return [name, String(value)]
  })
  return { pass, secrets, set: Object.fromEntries(texts) as Record<string, string> }
}

function readResources(from: Given, wrong: FieldProblem[]): JobResources {
  const given = objectOf(from, 'resources', wrong)
  const at = 'resources.'
  unknownKeys(given, at, ['memory', 'cpuSeconds', 'files', 'nice', 'threads'], wrong)
  const found = {
    memory: readQuantity(given, 'memory', 'bytes', wrong, at),
    cpuSeconds: numberOf(given, 'cpuSeconds', { least: 1, most: 1e9, isWhole: true }, wrong, at),
    files: numberOf(given, 'files', { least: 16, most: 1e9, isWhole: true }, wrong, at),
    nice: numberOf(given, 'nice', { least: 0, most: 19, isWhole: true }, wrong, at),
    threads: numberOf(given, 'threads', { least: 1, most: 4096, isWhole: true }, wrong, at),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as JobResources
}

const KUBERNETES_TEXTS = ['image', 'namespace', 'serviceAccount', 'secret', 'claim']

function readKubernetes(from: Given, wrong: FieldProblem[]): JobKubernetes {
  const given = objectOf(from, 'kubernetes', wrong)
  const at = 'kubernetes.'
  unknownKeys(given, at, [...KUBERNETES_TEXTS, 'cpus'], wrong)
  const texts = KUBERNETES_TEXTS.map(key => [key, textOf(given, key, wrong, at)])
  const cpus = numberOf(given, 'cpus', { least: 0.001, most: 4096, isWhole: false }, wrong, at)
  return Object.fromEntries([...texts, ['cpus', cpus]].filter(([, value]) => value !== undefined)) as JobKubernetes
}

function judgePlaceholders({ command, parameters, data, seed }: Job, wrong: FieldProblem[]): void {
  const isLine = typeof command === 'string'
  for (const [, name] of (isLine ? [command] : command).flatMap(part => [...part.matchAll(PLACEHOLDER)])) {
    const isKnown =
      Object.hasOwn(parameters, name!) ||
      (name === 'seed' && seed !== undefined) ||
      (name!.startsWith('data.') && Object.hasOwn(data, name!.slice(5)))
    if (isLine) {
      const problem = `has {{${name}}}, which a line for sh would read as its own; wanted a list, or "$BELLWETHER_PARAM_…"`
      wrong.push({ field: 'command', problem })
    } else if (!isKnown) {
      const wanted = [...Object.keys(parameters), ...Object.keys(data).map(key => `data.${key}`)].join(', ') || 'none'
      wrong.push({ field: 'command', problem: `has {{${name}}}, there is ${wanted}` })
    }
  }
}

/** The command as it is started: parameters, `seed` and paths of data in the place of `{{…}}`. */
export function commandOf(job: Job, paths: Readonly<Record<string, string>>): readonly string[] {
  if (typeof job.command === 'string') return ['sh', '-c', job.command]
  const filledIn = (name: string): string => {
    if (Object.hasOwn(job.parameters, name)) return String(job.parameters[name])
    return name === 'seed' ? String(job.seed) : (paths[name.slice(5)] ?? '')
  }
  return job.command.map(part => part.replace(PLACEHOLDER, (_, name: string) => filledIn(name)))
}

/**
 * The job with other values of its parameters, as `--set name=value` gives them.
 *
 * @throws Problem `usage` for a name that the job does not have.
 */
export function withParameters(job: Job, settings: readonly string[], read: (text: string) => unknown): Job {
  const parameters: Record<string, ParameterValue> = { ...job.parameters }
  for (const setting of settings) {
    const at = setting.indexOf('=')
    const name = setting.slice(0, Math.max(0, at))
    if (at < 1 || !Object.hasOwn(parameters, name)) {
      const known = Object.keys(parameters).join(', ') || 'no parameters'
      throw new Problem('usage', `Cannot use --set ${setting}: wanted NAME=VALUE, and the job has ${known}`)
    }
    const value = read(setting.slice(at + 1))
    const isPlain = value === null || ['string', 'number', 'boolean'].includes(typeof value)
    parameters[name] = isPlain ? (value as ParameterValue) : setting.slice(at + 1)
  }
  return { ...job, parameters }
}

/** Python models: what an artifact says of itself once it is loaded, and the predictor that asks its workers. */
import { Problem } from '../errors.ts'
import type { PythonModel, PythonSettings } from '../predictor/external.ts'
import type { AnswerScale, AwaitedPredictor, Task } from '../predictor/predictor.ts'
import { FRAME } from './frame.ts'
import { encodeBatch, typesOf } from './python-columns.ts'
import { type PoolWorker, PythonPool } from './python-pool.ts'
import { PythonProcess } from './python-process.ts'
import { differences, parseRequirements } from './requirements.ts'
import type { Described, Host, Runtime, Served } from './runtime.ts'

/** What a worker tells of what it loaded. */
interface Told {
  readonly packaging: string
  readonly type: string
  readonly estimator: string
  readonly names: readonly string[] | null
  readonly types: readonly string[] | null
  readonly count: number | null
  readonly classes: readonly string[] | null
  readonly several: boolean
  readonly methods: readonly string[]
  readonly role: string | null
  /** It was trained on pandas categories. */
  readonly codes: boolean
  readonly libraries: Readonly<Record<string, string | null>>
  readonly warnings: readonly string[]
  readonly resident: number
}

interface Loaded {
  readonly process: PythonProcess
  readonly told: Told
  readonly python: string
}

const ASK_MS = 30_000
const COLUMNS_MAX = 10_000
const OUTPUTS_MAX = 10_000
const NAME_CHARACTERS_MAX = 500
const WARNINGS_NOTED_MAX = 3

/** Starts a worker and loads the artifact; nothing of it is run before requirements and trust are judged. */
async function start(
  packaging: PythonModel['packaging'],
  settings: PythonSettings,
  served: Served,
  host: Host,
): Promise<Loaded> {
  requireTrust(packaging, settings, served)
  const process = new PythonProcess({ ...settings, name: served.name }, host)
  const { memoryMb, trust, startMs } = settings
  const stop = (): void => void process.close()
  host.closing.addEventListener('abort', stop)
  try {
    const wanted = parseRequirements(settings.requirements)
    const names = wanted.wanted.map(({ name }) => name)
    const asked = { kind: FRAME.versions, told: { names }, timeoutMs: ASK_MS, what: 'starting' }
    const { told: found } = await process.ask(asked)
    const differing = differences(wanted, found['installed'] as Record<string, string | null>)
    if (differing.length > 0) throw notAsRequired(settings, differing)
    const body = await served.artifact()
    const load = {
      kind: FRAME.load,
      told: { packaging, trust, memoryMb },
      body,
      timeoutMs: startMs,
      what: 'loading it',
    }
    const { told } = await process.ask(load)
    return { process, told: told as unknown as Told, python: String(found['python']) }
  } catch (error) {
    await process.close()
    throw notLoaded(error, settings)
  } finally {
    host.closing.removeEventListener('abort', stop)
  }
}

/** Said before a process is started, and by the worker again. */
function requireTrust(packaging: PythonModel['packaging'], { trust }: PythonSettings, { name }: Served): void {
  if (trust || packaging === 'skops') return
  const wanted = 'say "trust: code" in model.yaml if you trust where it comes from, or save it with skops, or as ONNX'
  throw new Problem(
    'invalid',
    `Cannot load the artifact of ${name}: it is a Python ${packaging}, and loading it runs its code; ${wanted}`,
  )
}

function notAsRequired({ command }: PythonSettings, differing: readonly string[]): Problem {
  const shown = differing.slice(0, 20)
  return new Problem('invalid', `the packages of ${command} are not those required: ${shown.join('; ')}`, {
    fields: shown.map(problem => ({ field: 'python.requirements', problem })),
  })
}

function notLoaded(error: unknown, { command }: PythonSettings): unknown {
  if (!(error instanceof Problem)) return error
  if (error.message.startsWith('Cannot')) {
    const isItsOwn = error.code === 'unavailable' || error.code === 'failed'
    return isItsOwn ? new Problem('invalid', error.message, { cause: error }) : error
  }
  const hint =
    error.cause === 'untrusted'
      ? '; "trust: code" in model.yaml would load it all the same'
      : error.cause === 'environment' || error.message.startsWith('ModuleNotFoundError')
        ? '; python.environment or python.command in model.yaml can name a Python that has it'
        : ''
  return new Problem('invalid', `Cannot load the artifact with ${command}: ${error.message}${hint}`, {
    fields: error.fields,
    cause: error,
  })
}

/** Learns what an artifact is. The process that told stays, to be the first worker. */
export async function describePython(
  packaging: PythonModel['packaging'],
  settings: PythonSettings,
  served: Served,
  host: Host,
): Promise<Described> {
  const loaded = await start(packaging, settings, served, host)
  try {
    const notes = notesOf(loaded.told, settings)
    const model = modelOf(loaded, packaging, settings)
    return {
      model,
      notes,
      async open(columns) {
        const complete = { ...model, features: columns.map(({ name }) => name), named: true, columns }
        const runtime = await openPython(complete, served, host, loaded)
        return { model: { ...complete, outputCount: runtime.predictor.outputCount }, ...runtime }
      },
      close: () => loaded.process.close(),
    }
  } catch (error) {
    await loaded.process.close()
    throw error
  }
}

function notesOf({ warnings }: Told, { trust, requirements }: PythonSettings): string[] {
  const { unread } = parseRequirements(requirements)
  return [
    ...(trust
      ? ['loading this artifact runs its code, with the rights of the server: model.yaml says "trust: code"']
      : []),
    ...warnings.slice(0, WARNINGS_NOTED_MAX).map(warning => `Python warns: ${warning}`),
    ...(unread.length === 0 ? [] : [`requirements that were not checked: ${unread.slice(0, 10).join(', ')}`]),
  ]
}

function modelOf({ told, python }: Loaded, packaging: PythonModel['packaging'], settings: PythonSettings): PythonModel {
  const { names, count, estimator, libraries } = told
  const method = methodOf(told, settings)
  const { task, answers, outputCount } = answersOf(told, method)
  const width = names?.length ?? count ?? 0
  if (width > COLUMNS_MAX) throw cannot(`it has ${width} features, at most ${COLUMNS_MAX} are taken`)
  const features = names ?? Array.from({ length: width }, (_, at) => `f${at}`)
  const wrong = features.find((name, at) => !isName(name) || features.indexOf(name) !== at)
  if (wrong !== undefined)
    throw cannot(`a feature cannot be called ${JSON.stringify(wrong)?.slice(0, 100)}, or not twice`)
  const versions = Object.entries(libraries).filter(([, version]) => version !== null)
  return {
    kind: 'python',
    packaging,
    format: 'python',
    task,
    objective: method === 'predict' ? estimator : `${estimator}.${method}`,
    features,
    featureTypes: features.map(() => 'any'),
    named: names !== null,
    categories: [],
    unseen: 'missing',
    ...(told.classes === null ? {} : { classes: told.classes }),
    answers,
    facts: {
      estimator: told.type,
      packaging: told.packaging,
      python,
      ...Object.fromEntries(versions.map(([name, version]) => [name, version!])),
      runs_code: settings.trust ? 'yes' : 'no',
    },
    outputCount,
    columns: [],
    method,
    settings: {
      ...settings,
      input: settings.input ?? (names !== null || count === null ? 'dataframe' : 'numpy'),
      texts: settings.texts ?? (told.codes ? 'category' : 'text'),
    },
  }
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && name !== '' && name.length <= NAME_CHARACTERS_MAX && name !== '__proto__'
}

/** Probabilities where a classifier has them, else its scores, else what `predict` says. */
function methodOf({ methods, role, classes, several, type }: Told, { method }: PythonSettings): string {
  if (several)
    throw cannot(`${type} answers several targets at once, which is not supported; register one model for each`)
  if (method !== undefined) {
    if (methods.includes(method)) return method
    throw cannot(`${type} has no ${method}; it has ${methods.join(', ') || 'nothing to call'}`)
  }
  const isClassifier = role === 'classifier' || (role === null && classes !== null && methods.includes('predict_proba'))
  const wanted = isClassifier ? ['predict_proba', 'decision_function', 'predict'] : ['predict', 'pyfunc', '__call__']
  const found = wanted.find(name => methods.includes(name))
  if (found === undefined) {
    throw cannot(
      `${type} cannot be asked: it has ${methods.join(', ') || 'no method predict and cannot be called'}, wanted ${wanted.join(' or ')}`,
    )
  }
  return found
}

function answersOf({ classes, role }: Told, method: string): { task: Task; answers: AnswerScale; outputCount: number } {
  const count = classes?.length ?? 0
  if (count > OUTPUTS_MAX) throw cannot(`it has ${count} classes, at most ${OUTPUTS_MAX} are taken`)
  const task = count === 2 ? 'binary' : 'multiclass'
  if (method === 'predict_proba') {
    if (count < 2) throw cannot(`it has ${count} classes, at least two were wanted`)
    return { task, answers: 'probability', outputCount: count === 2 ? 1 : count }
  }
  if (role === 'classifier' && count >= 2) {
    if (method === 'predict') return { task, answers: 'class', outputCount: 1 }
    return { task, answers: 'number', outputCount: count === 2 ? 1 : count }
  }
  return { task: 'regression', answers: 'number', outputCount: 1 }
}

function cannot(detail: string): Problem {
  return new Problem('invalid', `Cannot take the Python model: ${detail}`)
}

/** Starts the workers of a model; `loaded` is one that was started before. */
export async function openPython(model: PythonModel, served: Served, host: Host, loaded?: Loaded): Promise<Runtime> {
  const { settings, packaging, columns } = model
  const begin = async (given?: Loaded): Promise<{ worker: PoolWorker; outputs: number; resident: number }> => {
    const { process, told } = given ?? (await start(packaging, settings, served, host))
    try {
      requireSame(model, told)
      const { input, texts, numbers } = settings
      const asked = { columns, input, texts, numbers, method: model.method, trial: typesOf(columns) }
      const question = { kind: FRAME.columns, told: asked, timeoutMs: settings.startMs, what: 'a first answer' }
      const found = (await process.ask(question)).told['outputs']
      const outputs = typeof found === 'number' ? found : model.outputCount
      return { worker: workerOf(process, model, outputs), outputs, resident: told.resident }
    } catch (error) {
      await process.close()
      throw error
    }
  }
  const { worker, outputs, resident } = await begin(loaded)
  if (outputs < 1 || outputs > OUTPUTS_MAX) {
    await worker.close()
    throw cannot(`it answers ${outputs} numbers a row, wanted 1 to ${OUTPUTS_MAX}`)
  }
  const options = { ...settings, name: served.name, columns: columns.length, outputs }
  const pool = new PythonPool(options, worker, async () => (await begin()).worker, host)
  const predictor: AwaitedPredictor = {
    ...model,
    outputCount: outputs,
    bytes: resident * settings.workers,
    predict: (rows, count, out, trace) => pool.predict(rows, count, out, trace),
    close: () => pool.close(),
    fault: () => pool.fault(),
  }
  return { predictor, counts: () => ({ ...pool.counts() }) }
}

/** An environment that was changed since the model was registered may make another model of the same bytes. */
function requireSame({ classes, features, named, columns }: PythonModel, { classes: found, names, count }: Told): void {
  const isSame = (found ?? []).join('\0') === (classes ?? []).join('\0')
  const width = names?.length ?? count ?? columns.length
  if (isSame && width === columns.length && (names === null || !named || names.every(name => features.includes(name))))
    return
  throw new Problem(
    'misconfigured',
    'Cannot run the Python model: it has other features or classes than when it was registered',
  )
}

function workerOf(process: PythonProcess, model: PythonModel, outputs: number): PoolWorker {
  const { columns, settings } = model
  const worker: PoolWorker = {
    async answer(rows, count, trace) {
      const { body, ...batch } = encodeBatch(columns, rows, count)
      const told = trace === undefined ? batch : { ...batch, trace }
      const answerBytesMax = count * OUTPUTS_MAX * 8
      const what = `a batch of ${count} ${count === 1 ? 'row' : 'rows'}`
      const asked = { kind: FRAME.predict, told, body, timeoutMs: settings.timeoutMs, what, answerBytesMax }
      const answer = await process.ask(asked).catch(error => {
        throw failure(error)
      })
      if (answer.told['outputs'] !== outputs || answer.body.length !== count * outputs * 8) {
        throw new Problem(
          'failed',
          `Cannot predict: the Python model answered ${answer.told['outputs']} numbers a row, wanted ${outputs}`,
        )
      }
      // A copy, since the piece of the socket need not begin at a multiple of eight bytes.
      return new Float64Array(Uint8Array.from(answer.body).buffer)
    },
    close: () => process.close(),
    get isAlive() {
      return process.isAlive
    },
    onEnd: () => {},
  }
  process.onEnd = why => worker.onEnd(why)
  return worker
}

function failure(error: unknown): unknown {
  if (!(error instanceof Problem) || error.message.startsWith('Cannot')) return error
  return new Problem('failed', `Cannot predict: the Python model failed: ${error.message}`, { cause: error })
}

import { openAsBlob } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { Client, ClientRequest } from '../client.ts'
import { Problem } from '../errors.ts'
import type { Command, CommandContext } from '../platform/command.ts'
import { tarOf } from '../platform/tar.ts'
import { FILE_ROLES, type Registered } from './submission.ts'
import type { ModelVersion } from './version.ts'

interface ModelView {
  readonly name: string
  readonly versions: readonly string[]
  readonly aliases: Readonly<Record<string, string>>
}
type VersionView = ModelVersion & { readonly aliases: readonly string[] }

const registerCommand: Command = {
  path: 'register',
  summary: 'Register a version of a model',
  description:
    'Takes a model.yaml, or a model file itself with --name and --version. The artifact is loaded, the reference data\n' +
    'profiled, stated metrics recomputed on the evaluation data; what does not fit is refused and nothing is kept.\n' +
    'A version never changes: registering the same again does nothing, other content needs a new version.\n' +
    'A model that MLflow logged to the server is named by its address, and not sent again.',
  args: [{ name: 'file', summary: 'model.yaml, a model file, or the address of a logged model', completes: 'file' }],
  options: [
    { name: 'name', type: 'string', value: 'NAME', summary: 'Name of the model, for a bare model file' },
    { name: 'version', type: 'string', value: 'SEMVER', summary: 'Its version, for a bare model file' },
    {
      name: 'reference',
      type: 'string',
      value: 'FILE',
      completes: 'file',
      summary: 'Training data as CSV, for a bare model file; the address of a logged one, for a logged model',
    },
    {
      name: 'trust',
      type: 'string',
      value: 'code',
      summary: 'For a logged model that is a pickle: its code may run on the server',
    },
  ],
  examples: [
    { line: 'bellwether register model.yaml', does: 'the model, its training data and what is said about them' },
    { line: 'bellwether register model.json --name churn --version 1.0.0', does: 'a model file alone' },
    { line: 'bellwether register models:/churn/3', does: 'version 3 that MLflow registered, as churn@3.0.0' },
  ],
  run: runRegister,
}

const models: Command = {
  path: 'models',
  summary: 'All models',
  run: async ({ api, terminal }) => {
    const server = await api()
    const all: ModelView[] = []
    for (let after = ''; ; ) {
      const page = await server.json<{ models: ModelView[]; next?: string }>('GET', `/models${after}`)
      all.push(...page.models)
      if (page.next === undefined) break
      after = `?after=${encodeURIComponent(page.next)}`
    }
    terminal.result({ models: all }, () =>
      all.length === 0
        ? 'No models. Register one with: bellwether register model.yaml'
        : terminal.table(['model', 'versions', 'newest', 'aliases'], all.map(modelRow)),
    )
    return undefined
  },
}

const show: Command = {
  path: 'model show',
  summary: 'A model, or one version of it',
  args: [{ name: 'model', summary: 'Its name; with @VERSION or @ALIAS, that version', completes: 'model' }],
  examples: [
    { line: 'bellwether model show churn', does: 'versions and aliases' },
    { line: 'bellwether model show churn@champion', does: 'signature, metrics and origin of a version' },
  ],
  run: runShow,
}

const setAlias: Command = {
  path: 'alias set',
  summary: 'Point an alias at a version',
  description: 'A request to /models/NAME/versions/ALIAS/predict is answered by the version it points at.',
  args: [
    { name: 'model', summary: 'Name of the model', completes: 'model' },
    { name: 'alias', summary: 'e.g. champion' },
    { name: 'version', summary: 'A version, or another alias' },
  ],
  examples: [{ line: 'bellwether alias set churn champion 1.1.0', does: 'makes 1.1.0 the champion' }],
  run: async ({ api, args, terminal }) => {
    const path = aliasPath(args)
    const alias = await (await api()).json<{ version: string }>('PUT', path, { version: args['version'] })
    terminal.result(alias, () => `${args['model']}@${args['alias']} is ${alias.version} now`)
    return undefined
  },
}

const removeAlias: Command = {
  path: 'alias remove',
  summary: 'Remove an alias',
  args: [
    { name: 'model', summary: 'Name of the model', completes: 'model' },
    { name: 'alias', summary: 'e.g. challenger' },
  ],
  run: async ({ api, args, terminal }) => {
    const model = await (await api()).json<ModelView>('DELETE', aliasPath(args))
    terminal.result(model, () => `${args['model']} has no alias ${args['alias']} any more`)
    return undefined
  },
}

export const registryCommands: readonly Command[] = [registerCommand, models, show, setAlias, removeAlias]

async function runRegister(context: CommandContext): Promise<undefined> {
  const { api, args, terminal } = context
  const file = args['file'] ?? ''
  const content = LOGGED.test(file) ? loggedModel(context, file) : await uploaded(context, file)
  const progress = terminal.progress(`Registering ${basename(file)}`)
  let registered: Registered
  try {
    const server = await api()
    const response = await server.send({ method: 'POST', ...content })
    registered = (await response.json()) as Registered
  } finally {
    progress.end()
  }
  terminal.result(registered, () => {
    const { version, created, notes } = registered
    const first = created
      ? `Registered ${idOf(version)}`
      : `${idOf(version)} is registered already, with the same content`
    return [first, ...summary(version), ...notes.map(note => `Note: ${note}`)].join('\n')
  })
}

/** How MLflow names what it logged. */
const LOGGED = /^(?:models|runs|mlflow-artifacts):\//

type Sent = Omit<ClientRequest, 'method'>

function loggedModel({ options }: CommandContext, source: string): Sent {
  const { name, version, reference, trust } = options as Readonly<Record<string, string | undefined>>
  const asked = {
    source,
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    ...(reference === undefined ? {} : { reference }),
    ...(trust === undefined ? {} : { model: { trust } }),
  }
  const headers = { 'content-type': 'application/json' }
  return { path: '/models/register-logged', body: JSON.stringify(asked), headers }
}

async function uploaded(context: CommandContext, file: string): Promise<Sent> {
  if (context.options['trust'] !== undefined)
    throw new Problem(
      'usage',
      `Cannot use --trust with ${file}: say it in model.yaml; it is for models that MLflow logged`,
    )
  const body = /\.ya?ml$/i.test(file) ? await manifestForm(context, file) : await bareForm(context, file)
  return { path: '/models/register', body }
}

/** The parts of a request that sends a model.yaml and the files that it names. */
export async function manifestForm({ options }: Pick<CommandContext, 'options'>, file: string): Promise<FormData> {
  const extra = ['name', 'version', 'reference'].find(option => options[option] !== undefined)
  if (extra !== undefined) throw new Problem('usage', `Cannot use --${extra} with a model.yaml: say it there`)
  const text = await readFile(file, 'utf8').catch(error => unreadable(file, error))
  const { parseManifest } = await import('./manifest.ts')
  const manifest = parseManifest(text)
  if (manifest.artifact === undefined && manifest.remote === undefined) {
    throw new Problem('invalid', 'Cannot take model.yaml: artifact is missing', {
      fields: [{ field: 'artifact', problem: 'is missing' }],
    })
  }
  const form = new FormData()
  form.append('model', text)
  for (const role of FILE_ROLES) {
    const path = manifest[role]
    if (path !== undefined) await appendFile(form, role, resolve(dirname(file), path))
  }
  const { requirements } = manifest.python ?? {}
  if (typeof requirements === 'string') {
    const path = resolve(dirname(file), requirements)
    form.append('requirements', await readFile(path, 'utf8').catch(error => unreadable(path, error)))
  }
  return form
}

async function bareForm({ options }: CommandContext, file: string): Promise<FormData> {
  const { name, version, reference } = options as Readonly<Record<string, string | undefined>>
  if (name === undefined || version === undefined) {
    throw new Problem(
      'usage',
      `Cannot register ${file}: a model file needs --name and --version (a description ends in .yaml)`,
    )
  }
  const form = new FormData()
  form.append('name', name)
  form.append('version', version)
  await appendFile(form, 'artifact', file)
  if (reference !== undefined) await appendFile(form, 'reference', reference)
  return form
}

/** The file is read when it is sent, piece by piece; a folder, as MLflow writes models, goes as one file. */
async function appendFile(form: FormData, role: string, path: string): Promise<void> {
  const found = await stat(path).catch(error => unreadable(path, error))
  const content = found.isDirectory() && role === 'artifact' ? tarOf(path) : openAsBlob(path)
  form.append(role, await content.catch(error => unreadable(path, error)), basename(path))
}

function unreadable(path: string, error: unknown): never {
  throw new Problem('not_found', `Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  })
}

async function runShow({ api, args, terminal }: CommandContext): Promise<undefined> {
  const [name, reference] = (args['model'] ?? '').split('@') as [string, string | undefined]
  const server = await api()
  if (reference === undefined) {
    const model = await server.json<ModelView>('GET', `/models/${encodeURIComponent(name)}`)
    terminal.result(model, () => {
      const at = (version: string): string =>
        Object.entries(model.aliases)
          .filter(([, to]) => to === version)
          .map(([alias]) => alias)
          .join(' ')
      return terminal.table(
        ['version', 'aliases'],
        model.versions.toReversed().map(version => [version, at(version)]),
      )
    })
    return
  }
  const path = `/models/${encodeURIComponent(name)}/versions/${encodeURIComponent(reference)}`
  const version = await server.json<VersionView>('GET', path)
  const validations = terminal.json ? [] : await verdictsAt(server, `${path}/validations`)
  terminal.result(version, () =>
    [idOf(version), ...summary(version), ...verdict(validations[0]), '', inputsTable(terminal, version)].join('\n'),
  )
}

/** Of a validation, what a line tells. */
interface Verdict {
  readonly passed: boolean
  readonly at: number
  readonly against?: string
}

/** A server that is older than validations has none. */
async function verdictsAt(server: Client, path: string): Promise<readonly Verdict[]> {
  try {
    return (await server.json<{ validations: readonly Verdict[] }>('GET', path)).validations
  } catch (error) {
    if (error instanceof Problem && error.code === 'not_found') return []
    throw error
  }
}

function verdict(latest: Verdict | undefined): string[] {
  if (latest === undefined) return []
  const { passed, at, against } = latest
  const than = against === undefined ? '' : `, compared with ${against}`
  return [`  validated  ${passed ? 'passed' : 'FAILED'} at ${new Date(at).toISOString()}${than}`]
}

function summary(version: ModelVersion): string[] {
  const { objective, format, facts, artifact, origin, reference, statedMetrics, measuredMetrics, signature } = version
  const metrics = Object.entries(measuredMetrics ?? statedMetrics).map(
    ([name, value]) => `${name} ${Number(value.toPrecision(4))}`,
  )
  const outputs = signature.outputs.map(({ name }) => name).join(', ')
  return [
    `  model      ${objective}, ${format}${facts['trees'] === undefined ? '' : `, ${facts['trees']} trees`}`,
    `  answers    ${outputs} from ${signature.inputs.length} features`,
    ...computedBy(version),
    ...(origin === undefined
      ? []
      : [`  logged     ${origin.source}${origin.run === undefined ? '' : `, run ${origin.run}`}`]),
    `  artifact   ${artifact.bytes} bytes, SHA-256 ${artifact.sha256}`,
    ...(reference === undefined ? [] : [`  reference  ${reference.rows} rows, SHA-256 ${reference.sha256}`]),
    ...(metrics.length === 0
      ? []
      : [
          `  metrics    ${metrics.join(', ')}${measuredMetrics === undefined ? ' (stated, not checked)' : ' (measured)'}`,
        ]),
  ]
}

function computedBy({ external }: ModelVersion): string[] {
  if (external?.kind === 'remote') return [`  by         ${external.settings.url}`]
  if (external?.kind !== 'python') return []
  const { command, workers, trust } = external.settings
  const isOne = workers === 1
  const runs = trust ? `, which ${isOne ? 'runs' : 'run'} code of the artifact` : ''
  return [`  by         ${workers} ${isOne ? 'process' : 'processes'} of ${command}${runs}`]
}

function inputsTable(terminal: CommandContext['terminal'], { signature }: ModelVersion): string {
  return terminal.table(
    ['feature', 'type', 'minimum', 'maximum', 'seen from', 'seen to', 'marks'],
    signature.inputs.map(({ name, type, minimum, maximum, observed, nullable, sensitive, protected: isProtected }) => [
      name,
      type,
      minimum,
      maximum,
      observed?.minimum,
      observed?.maximum,
      [nullable && 'nullable', sensitive && 'sensitive', isProtected && 'protected'].filter(Boolean).join(' '),
    ]),
  )
}

function modelRow({ name, versions, aliases }: ModelView): (string | number | undefined)[] {
  const named = Object.entries(aliases).map(([alias, version]) => `${alias}=${version}`)
  return [name, versions.length, versions.at(-1), named.join(' ')]
}

function aliasPath(args: CommandContext['args']): string {
  return `/models/${encodeURIComponent(args['model'] ?? '')}/aliases/${encodeURIComponent(args['alias'] ?? '')}`
}

function idOf({ model, version }: ModelVersion): string {
  return `${model}@${version}`
}

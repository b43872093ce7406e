import { Readable } from 'node:stream'
import { type TSchema, Type } from 'typebox'
import { Problem } from '../errors.ts'
import type { Answer, AnyRoute, Part, RouteRequest } from '../route.ts'
import { remoteArtifact } from './external.ts'
import { manifestSchema } from './manifest-schema.ts'
import { type Registry, requireModel, versionIn } from './registry.ts'
import { FILE_ROLES, type FileRole, type Registered, type Submission } from './submission.ts'
import type { ModelVersion, StoredFile } from './version.ts'

const PAGE_MODELS = 1000
const PAGE_MODELS_MAX = 10_000
const TEXT_PART_MAX = 1 << 20
const FIELDS = ['model', 'name', 'version', 'requirements', ...FILE_ROLES] as const

const File = Type.Object({ sha256: Type.String(), bytes: Type.Integer() })
const Aliases = Type.Record(Type.String(), Type.String(), { description: 'Version by alias' })
const Version = Type.Object(
  {
    model: Type.String(),
    version: Type.String(),
    format: Type.String(),
    task: Type.String(),
    objective: Type.String(),
    artifact: File,
    signature: Type.Object({}, { additionalProperties: true, description: 'Inputs and outputs' }),
    statedMetrics: Type.Record(Type.String(), Type.Number()),
    measuredMetrics: Type.Optional(Type.Record(Type.String(), Type.Number())),
    registeredAt: Type.Integer({ description: 'Milliseconds since the epoch' }),
    registeredBy: Type.String(),
    aliases: Type.Array(Type.String(), { description: 'Aliases that point here' }),
  },
  { additionalProperties: true },
)
const Model = Type.Object({
  name: Type.String(),
  versions: Type.Array(Type.String(), { description: 'Ascending' }),
  aliases: Aliases,
})
const Alias = Type.Object({
  model: Type.String(),
  alias: Type.String(),
  version: Type.String(),
  movedAt: Type.Integer(),
  movedBy: Type.String(),
})
/** What a registration answers. */
export const Registration: TSchema = Type.Object({
  version: Version,
  created: Type.Boolean({ description: 'False where the same bytes and manifest were registered before' }),
  notes: Type.Array(Type.String(), { description: 'What was inferred and what was not used' }),
})
/** The parts of what is to be registered, or judged as if it were. */
export const Submitted: TSchema = Type.Object({
  model: Type.Optional(Type.String({ description: 'The text of model.yaml' })),
  name: Type.Optional(Type.String()),
  version: Type.Optional(Type.String()),
  requirements: Type.Optional(Type.String({ description: 'The requirements.txt that model.yaml names' })),
  artifact: Type.Optional(
    Type.Unsafe({ type: 'string', format: 'binary', description: 'Needed, but for a remote model' }),
  ),
  reference: Type.Optional(Type.Unsafe({ type: 'string', format: 'binary' })),
  evaluation: Type.Optional(Type.Unsafe({ type: 'string', format: 'binary' })),
})
const name = Type.String({ description: 'Name of the model' })
const ModelParams = Type.Object({ name })
const VersionParams = Type.Object({ name, version: Type.String({ description: 'Semantic version or alias' }) })
const AliasParams = Type.Object({ name, alias: Type.String() })

export interface RegistryRouteParts {
  readonly registry: Registry
  /** Of a whole registration, bytes. */
  readonly bytesMax: number
  /** Resolves when the changes made so far stand in the ledger. */
  readonly recorded: () => Promise<void>
}

export function registryRoutes(parts: RegistryRouteParts): AnyRoute[] {
  return [...readingRoutes(parts), ...aliasRoutes(parts), registerRoute(parts)]
}

function readingRoutes({ registry }: RegistryRouteParts): AnyRoute[] {
  const { catalogue } = registry
  const described = { method: 'GET', permission: 'model:read', tag: 'Models' } as const
  return [
    {
      ...described,
      path: '/models',
      summary: 'All models, by name',
      query: Type.Object({
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_MODELS_MAX, default: PAGE_MODELS })),
        after: Type.Optional(Type.String({ description: '`next` of the page before' })),
      }),
      answers: { 200: Type.Object({ models: Type.Array(Model), next: Type.Optional(Type.String()) }) },
      handle: ({ query }) => ({ body: modelPage(registry, query) }),
    },
    {
      ...described,
      path: '/models/:name',
      summary: 'A model: its versions and aliases',
      params: ModelParams,
      answers: { 200: Model },
      problems: [404],
      handle: ({ params }) => {
        requireModel(catalogue, params['name']!)
        return { body: modelView(registry, params['name']!) }
      },
    },
    {
      ...described,
      path: '/models/:name/versions/:version',
      summary: 'A version, by semantic version or alias',
      params: VersionParams,
      answers: { 200: Version },
      problems: [404],
      handle: ({ params }) => ({
        body: versionView(registry, versionIn(catalogue, params['name']!, params['version']!)),
      }),
    },
    {
      ...described,
      path: '/models/:name/versions/:version/profile',
      summary: 'Its reference profile: counts of the training data',
      params: VersionParams,
      answers: { 200: Type.Object({}, { additionalProperties: true }) },
      problems: [404],
      handle: async ({ params }) => {
        const { model, version } = versionIn(catalogue, params['name']!, params['version']!)
        return { body: await registry.profile(model, version) }
      },
    },
    {
      ...described,
      path: '/schemas/model.yaml',
      permission: 'public',
      summary: 'JSON Schema of model.yaml',
      answers: { 200: Type.Object({}, { additionalProperties: true }) },
      handle: () => ({ text: JSON.stringify(manifestSchema, undefined, 2) }),
    },
  ]
}

function aliasRoutes({ registry, recorded }: RegistryRouteParts): AnyRoute[] {
  return [
    {
      method: 'PUT',
      path: '/models/:name/aliases/:alias',
      permission: 'model:alias',
      summary: 'Point an alias at a version',
      tag: 'Models',
      params: AliasParams,
      body: Type.Object(
        { version: Type.String({ description: 'Semantic version, or another alias' }) },
        { additionalProperties: false },
      ),
      answers: { 200: Alias },
      problems: [404, 422],
      handle: async ({ params, body, actor, source }) => {
        const { version } = body as { version: string }
        const alias = await registry.setAlias(params['name']!, params['alias']!, version, actor, source)
        await recorded()
        return { body: alias }
      },
    },
    {
      method: 'DELETE',
      path: '/models/:name/aliases/:alias',
      permission: 'model:alias',
      summary: 'Remove an alias',
      tag: 'Models',
      params: AliasParams,
      answers: { 200: Model },
      problems: [404],
      handle: async ({ params, actor, source }) => {
        await registry.removeAlias(params['name']!, params['alias']!, actor, source)
        await recorded()
        return { body: modelView(registry, params['name']!) }
      },
    },
  ]
}

function registerRoute({ registry, bytesMax, recorded }: RegistryRouteParts): AnyRoute {
  return {
    method: 'POST',
    path: '/models/register',
    permission: 'model:register',
    summary: 'Register a version',
    description:
      'Parts in any order: `artifact` (file), `model` (the text of model.yaml; or, for a bare artifact, the fields `name` and `version`), `reference` and `evaluation` (CSV files, if any). The same content again answers 200; other content under a version that exists, 409.',
    tag: 'Models',
    multipart: {
      bytesMax,
      description: 'The artifact and what is said about it',
      schema: Submitted,
    },
    answers: { 200: Registration, 201: Registration },
    problems: [400, 409, 413, 415, 422],
    handle: async request => {
      const submission = await received(registry, request)
      const registered = await registry.register(submission, request.actor, request.source)
      if (registered.created) await recorded()
      return registrationAnswer(registry, registered)
    },
  }
}

export function registrationAnswer(
  registry: Pick<Registry, 'catalogue'>,
  { version, created, notes }: Registered,
): Answer {
  const location = `/models/${version.model}/versions/${version.version}`
  return {
    status: created ? 201 : 200,
    ...(created ? { headers: { location } } : {}),
    body: { version: versionView(registry, version), created, notes },
  }
}

/** Takes the parts as they come: files go to the object store at once, in whatever order they are sent. */
export async function received(registry: Registry, { parts }: RouteRequest): Promise<Submission> {
  const texts = new Map<string, string>()
  const files = new Map<FileRole, StoredFile>()
  for await (const part of parts) {
    if (!FIELDS.some(field => field === part.name))
      throw partProblem(part.name, `is not known, wanted ${FIELDS.join(', ')}`)
    if (texts.has(part.name) || files.has(part.name as FileRole)) throw partProblem(part.name, 'comes twice')
    const role = FILE_ROLES.find(known => known === part.name)
    if (role === undefined) texts.set(part.name, await textOf(part))
    else if (part.kind === 'file') files.set(role, await registry.receive(role, part.stream))
    else throw partProblem(part.name, 'is a text, wanted a file')
  }
  const artifact = files.get('artifact') ?? (await storedRemote(registry, texts.get('model')))
  if (artifact === undefined) throw partProblem('artifact', 'is missing')
  const [reference, evaluation] = [files.get('reference'), files.get('evaluation')]
  const requirements = texts.get('requirements')
  return {
    manifest: manifestOf(texts),
    files: {
      artifact,
      ...(reference === undefined ? {} : { reference }),
      ...(evaluation === undefined ? {} : { evaluation }),
    },
    ...(requirements === undefined ? {} : { requirements }),
  }
}

/** A model behind another server has no artifact but what model.yaml says of that server. */
async function storedRemote(registry: Registry, model: string | undefined): Promise<StoredFile | undefined> {
  const bytes = model === undefined ? undefined : await remoteArtifact(model)
  return bytes === undefined ? undefined : await registry.receive('artifact', Readable.from([bytes]))
}

function manifestOf(texts: ReadonlyMap<string, string>): Submission['manifest'] {
  const [model, givenName, version] = [texts.get('model'), texts.get('name'), texts.get('version')]
  if (model !== undefined) {
    const beside = givenName === undefined ? version && 'version' : 'name'
    if (beside !== undefined) throw partProblem(beside, 'is given beside model, which says it')
    return model
  }
  if (givenName === undefined || version === undefined) {
    throw partProblem('model', 'is missing; wanted the text of model.yaml, or the fields name and version')
  }
  return { name: givenName, version }
}

/** A text sent as a field or as a file (`curl -F model=@model.yaml`). */
async function textOf(part: Part): Promise<string> {
  if (part.kind === 'field') return part.value
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of part.stream) {
    bytes += (piece as Uint8Array).length
    if (bytes > TEXT_PART_MAX)
      throw new Problem('too_large', `Cannot register: the part ${part.name} has more than ${TEXT_PART_MAX} bytes`)
    pieces.push(piece as Uint8Array)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces))
  } catch {
    throw new Problem('malformed', `Cannot register: the part ${part.name} is not UTF-8`)
  }
}

function partProblem(field: string, problem: string): Problem {
  return new Problem('invalid', `Cannot register: the part ${field} ${problem}`, { fields: [{ field, problem }] })
}

function modelPage(registry: Registry, query: Readonly<Record<string, unknown>>): unknown {
  const { limit = PAGE_MODELS, after } = query as { limit?: number; after?: string }
  const names = registry.catalogue.names()
  const start = after === undefined ? 0 : firstAfter(names, after)
  const page = names.slice(start, start + limit)
  const last = page.at(-1)
  const next = start + limit < names.length && last !== undefined ? { next: last } : {}
  return { models: page.map(model => modelView(registry, model)), ...next }
}

function firstAfter(names: readonly string[], after: string): number {
  const index = names.findIndex(model => model > after)
  return index < 0 ? names.length : index
}

function modelView({ catalogue }: Registry, model: string): unknown {
  const aliases = Object.fromEntries(catalogue.aliases(model).map(({ alias, version }) => [alias, version]))
  return { name: model, versions: catalogue.versions(model), aliases }
}

function versionView({ catalogue }: Pick<Registry, 'catalogue'>, version: ModelVersion): unknown {
  const here = catalogue.aliases(version.model).filter(alias => alias.version === version.version)
  return { ...version, aliases: here.map(({ alias }) => alias) }
}

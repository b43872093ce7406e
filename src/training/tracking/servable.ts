/**
 * From MLflow's list of models to ours: the files of a logged model are examined and registered as any upload is, without being
 * sent again (docs/adr/0035).
 */
import { Readable } from 'node:stream'
import { sql } from 'kysely'
import { Problem } from '../../errors.ts'
import { type PackedFile, tarPieces } from '../../platform/tar.ts'
import type { Manifest } from '../../registry/manifest.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Registered, Submission } from '../../registry/submission.ts'
import type { StoredFile } from '../../registry/version.ts'
import type { Actor } from '../../route.ts'
import { artifactPath } from './artifacts.ts'
import { invalid, type Message, missing, optionalText, shown, text } from './fields.ts'
import { readModel } from './logged-models.ts'
import { type Servable, servableOf } from './model-folder.ts'
import { readRun } from './runs.ts'
import type { Reading, Tracking } from './tracking.ts'
import { readVersion } from './versions.ts'

export interface ServableParts extends Pick<Tracking, 'db' | 'objects'> {
  readonly registry: Pick<Registry, 'register' | 'receive'>
}

export interface Caller {
  readonly actor: Actor
  readonly source: string
}

/** Where a logged model lies, and what MLflow calls it. */
interface Located {
  /** Path of its folder among the artifacts. */
  readonly folder: string
  readonly registered?: { readonly name: string; readonly version: number }
  readonly run?: string | undefined
  readonly loggedModel?: string | undefined
}

const MLMODEL_BYTES_MAX = 1 << 20
const FILES_MAX = 10_000
const PROXIED = /^mlflow-artifacts:(?:\/\/[^/]*)?\/+(.+)$/
/** Keys of model.yaml that the call has names of its own for, or that the folder answers. */
const TAKEN = ['name', 'version', 'artifact', 'reference', 'evaluation'] as const

/**
 * Registers what `from` names: `source` (`models:/NAME/VERSION`, `models:/NAME@ALIAS`, `models:/m-…`, `runs:/RUN/PATH` or
 * `mlflow-artifacts:/PATH`), `name` and `version` of ours, `model` (other keys of model.yaml), `reference` and `evaluation` (addresses of logged CSV
 * files). Throws `invalid` where the model cannot be served, `not_found` where it is not there, and what registering throws.
 */
export async function registerLogged(parts: ServableParts, from: Message, caller: Caller): Promise<Registered> {
  const { db, objects, registry } = parts
  const located = await locate(db.sql, text(from, 'source', 2_000))
  const files = await filesIn(db.sql, located.folder)
  const described = files.get('MLmodel')
  if (described === undefined) throw missing(`an MLflow model at ${shown(from['source'])}, where no file MLmodel lies`)
  if (described.bytes > MLMODEL_BYTES_MAX)
    throw invalid(`Cannot read MLmodel: ${described.bytes} bytes, at most ${MLMODEL_BYTES_MAX} were wanted`)
  const servable = await servableOf(Buffer.from(await objects.bytes(described.sha256)).toString())
  const artifact = await artifactOf(parts, servable, files)
  const reference = await dataAt(db.sql, optionalText(from, 'reference', 2_000))
  const evaluation = await dataAt(db.sql, optionalText(from, 'evaluation', 2_000))
  const submission: Submission = {
    manifest: JSON.stringify(manifestOf(from, located, servable)),
    files: { artifact, ...(reference && { reference }), ...(evaluation && { evaluation }) },
    origin: {
      source: text(from, 'source'),
      ...(located.run ? { run: located.run } : {}),
      ...(located.loggedModel === undefined ? {} : { loggedModel: located.loggedModel }),
      flavor: servable.flavor,
    },
  }
  return await registry.register(submission, caller.actor, caller.source)
}

function manifestOf(from: Message, { registered }: Located, servable: Servable): Manifest {
  const given = from['model'] ?? {}
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw invalid(`Cannot use parameter 'model': found ${shown(given)}, wanted keys of model.yaml`)
  const said = given as Partial<Manifest>
  const taken = TAKEN.find(key => said[key] !== undefined)
  if (taken !== undefined) throw invalid(`Cannot use parameter 'model': ${taken} stands beside it, not in it`)
  const name = optionalText(from, 'name') ?? registered?.name
  if (name === undefined)
    throw invalid("Cannot register: parameter 'name' is missing, and only models:/NAME/VERSION has one of its own")
  const version = optionalText(from, 'version') ?? (registered && `${registered.version}.0.0`)
  if (version === undefined)
    throw invalid("Cannot register: parameter 'version' is missing, wanted a semantic version such as 1.0.0")
  if (servable.runsCode && said.trust !== 'code') {
    const problem = `is written by pickle (flavor ${servable.flavor}), and loading it runs its code`
    throw invalid(`Cannot register: the model ${problem}; say trust: code, or log it with serialization_format="skops"`)
  }
  const inputs = said.signature?.inputs ?? servable.inputs
  const signature = { ...said.signature, ...(inputs === undefined ? {} : { inputs }) }
  return {
    ...said,
    name,
    version,
    artifact: servable.file ?? 'model.tar',
    ...(from['reference'] === undefined ? {} : { reference: String(from['reference']) }),
    ...(from['evaluation'] === undefined ? {} : { evaluation: String(from['evaluation']) }),
    ...(Object.keys(signature).length === 0 ? {} : { signature }),
    ...(servable.isPython ? { python: { ...said.python } } : {}),
  }
}

async function artifactOf(
  { registry, objects }: ServableParts,
  { file }: Servable,
  files: ReadonlyMap<string, StoredFile>,
): Promise<StoredFile> {
  if (file !== undefined) {
    const stored = files.get(file)
    if (stored === undefined) throw missing(`the file ${shown(file)}, which MLmodel names as the model`)
    return stored
  }
  const packed = [...files].map(
    ([name, { sha256, bytes }]): PackedFile => ({ name, bytes, content: () => objects.stream(sha256) }),
  )
  return await registry.receive('artifact', Readable.from(tarPieces(packed)))
}

async function locate(db: Reading, source: string): Promise<Located> {
  const logged = /^models:\/(m-[\w-]+)$/.exec(source)
  if (logged !== null) return ofModel(await readModel(db, logged[1]!))
  const version = /^models:\/([^/@]+)(?:\/(\d{1,9})|@([\w-]+))$/.exec(source)
  if (version !== null) {
    const name = decoded(version[1]!)
    const number = version[2] === undefined ? await aliased(db, name, version[3]!) : Number(version[2])
    const row = await readVersion(db, name, number)
    const registered = { name, version: number }
    const isLogged = /^(?:runs:\/[^/]+\/.+|models:\/m-[\w-]+)$/.test(row.source)
    if (isLogged) return { ...(await locate(db, row.source)), registered }
    return { folder: keptAt(row.storage), registered, run: row.run }
  }
  const run = /^runs:\/([^/]+)\/(.+)$/.exec(source)
  if (run !== null) return await ofRunAt(db, run[1]!, run[2]!)
  if (PROXIED.test(source)) return { folder: keptAt(source) }
  throw invalid(
    `Cannot use parameter 'source': found ${shown(source)}, wanted models:/NAME/VERSION, models:/NAME@ALIAS, models:/m-…, runs:/RUN/PATH or mlflow-artifacts:/PATH`,
  )
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

async function aliased(db: Reading, name: string, alias: string): Promise<number> {
  const { rows } = await sql<{ version: number }>`select version from mlflow_aliases
    where name = ${name} and alias = ${alias}`.execute(db)
  if (rows[0] === undefined) throw missing(`the alias ${shown(alias)} of a registered model ${shown(name)}`)
  return rows[0].version
}

/** MLflow 3 keeps the models of a run beside it, under their names; before, they were files of the run. */
async function ofRunAt(db: Reading, id: string, path: string): Promise<Located> {
  const run = await readRun(db, id)
  const { rows } = await sql<LoggedRow>`select id, run, artifact_uri from mlflow_models
    where run = ${id} and name = ${path} and stage = 'active' order by created_at desc, id desc limit 1`.execute(db)
  return rows[0] === undefined ? { folder: keptAt(`${run.artifact_uri}/${path}`), run: id } : ofModel(rows[0])
}

interface LoggedRow {
  readonly id: string
  readonly run: string | null
  readonly artifact_uri: string
}

function ofModel({ id, run, artifact_uri: address }: LoggedRow): Located {
  return { folder: keptAt(address), loggedModel: id, run: run ?? undefined }
}

function keptAt(address: string): string {
  const path = PROXIED.exec(address)?.[1]
  if (path !== undefined) return artifactPath(path)
  throw invalid(`Cannot read ${shown(address)}: it is kept elsewhere, only artifacts of this server are read`)
}

interface FileRow extends StoredFile {
  readonly path: string
}

/** The files of a folder, by their paths in it. */
async function filesIn(db: Reading, folder: string): Promise<ReadonlyMap<string, StoredFile>> {
  const { rows } = await sql<FileRow>`select path, sha256, bytes from mlflow_artifacts
    where path > ${`${folder}/`} and path < ${`${folder}0`} order by path limit ${FILES_MAX + 1}`.execute(db)
  if (rows.length > FILES_MAX)
    throw new Problem('too_large', `Cannot read ${shown(folder)}: more than ${FILES_MAX} files are in it`)
  return new Map(rows.map(({ path, sha256, bytes }) => [path.slice(folder.length + 1), { sha256, bytes }]))
}

/** A logged CSV file. */
async function dataAt(db: Reading, source: string | undefined): Promise<StoredFile | undefined> {
  if (source === undefined) return undefined
  const run = /^runs:\/([^/]+)\/(.+)$/.exec(source)
  const path = keptAt(run === null ? source : `${(await readRun(db, run[1]!)).artifact_uri}/${run[2]}`)
  const { rows } = await sql<FileRow>`select sha256, bytes from mlflow_artifacts where path = ${path}`.execute(db)
  if (rows[0] === undefined) throw missing(`a file ${shown(source)}`)
  return { sha256: rows[0].sha256, bytes: rows[0].bytes }
}

/**
 * Artifacts that clients hand to us to keep: files under paths, as `mlflow-artifacts:` addresses name them. Their contents are
 * objects, encrypted and named by their SHA-256, so that no path ever becomes one of this machine.
 */
import type { Readable } from 'node:stream'
import { sql } from 'kysely'
import type { Actor, Answer } from '../../route.ts'
import { invalid, type Message, missing, optionalText, shown, text } from './fields.ts'
import { readModel } from './logged-models.ts'
import { recordDeletedArtifacts } from './record-changes.ts'
import { readRun, runIdIn } from './runs.ts'
import type { Reading, Tracking } from './tracking.ts'

interface ArtifactRow {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

const PATH_CHARACTERS_MAX = 2_000
/** Of one folder that is listed. */
const FILES_MAX = 100_000

/** A path as it is kept: parts and single slashes between them. */
export function artifactPath(given: string, mayBeEmpty: boolean = false): string {
  const path = given.startsWith('/') ? given : given.replace(/\/+$/, '')
  if (path === '' && mayBeEmpty) return ''
  const isSafe = path.split('/').every(part => part !== '' && part !== '.' && part !== '..')
  const isPlain = !/\\|\p{Cc}/u.test(path) && path.length <= PATH_CHARACTERS_MAX && !/%2e|%2f|%5c/i.test(path)
  if (isSafe && isPlain && !/^[a-z]:/i.test(path)) return path
  throw invalid(`Cannot use the path ${shown(given)}: wanted a relative one of plain names, without . and ..`)
}

export async function putArtifact(tracking: Tracking, given: string, content: Readable): Promise<void> {
  const { objects, write, clock, artifactBytesMax } = tracking
  const path = artifactPath(given)
  const stored = await objects.put(content, { bytesMax: artifactBytesMax, what: 'the artifact' })
  const now = clock.now()
  await write(tx =>
    sql`insert into mlflow_artifacts (path, sha256, bytes, updated_at)
      values (${path}, ${stored.sha256}, ${stored.bytes}, ${now})
      on conflict (path) do update set sha256 = excluded.sha256, bytes = excluded.bytes,
        updated_at = excluded.updated_at`.execute(tx),
  )
}

export async function getArtifact({ db, objects }: Tracking, given: string): Promise<Answer> {
  const path = artifactPath(given)
  const { rows } = await sql<ArtifactRow>`select * from mlflow_artifacts where path = ${path}`.execute(db.sql)
  if (rows[0] === undefined) throw missing(`an artifact ${shown(path)}`)
  const file = encodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
  const headers = {
    'content-length': String(rows[0].bytes),
    'content-disposition': `attachment; filename*=UTF-8''${file}`,
  }
  return { stream: objects.stream(rows[0].sha256), type: 'application/octet-stream', headers }
}

export async function deleteArtifact(tracking: Tracking, given: string, actor: Actor): Promise<void> {
  const path = artifactPath(given)
  await tracking.write(async tx => {
    const gone = await sql`delete from mlflow_artifacts where path = ${path} or ${inside(path)}`.execute(tx)
    await recordDeletedArtifacts(tracking, tx, actor, { path, files: Number(gone.numAffectedRows ?? 0) })
  })
}

/** `0` is the character after the slash: so this is a range of the key, whatever the names have in them. */
function inside(path: string) {
  return sql`(path > ${`${path}/`} and path < ${`${path}0`})`
}

interface Listed {
  readonly path: string
  readonly is_dir: boolean
  readonly file_size?: number
}

/** What is directly in a folder, by name. */
async function listed(db: Reading, folder: string): Promise<readonly Listed[]> {
  const found = new Map<string, Listed>()
  const scope = folder === '' ? sql`1 = 1` : inside(folder)
  const { rows } = await sql<ArtifactRow>`select path, bytes from mlflow_artifacts where ${scope}
    limit ${FILES_MAX + 1}`.execute(db)
  if (rows.length > FILES_MAX)
    throw invalid(`Cannot list ${shown(folder)}: more than ${FILES_MAX} files are in it, list the folders below it`)
  const start = folder === '' ? 0 : folder.length + 1
  for (const { path, bytes } of rows) {
    const [name, ...rest] = path.slice(start).split('/')
    if (rest.length > 0) found.set(name!, { path: name!, is_dir: true })
    else found.set(name!, { path: name!, is_dir: false, file_size: bytes })
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

export async function listArtifacts({ db }: Tracking, from: Message): Promise<Message> {
  return { files: await listed(db.sql, artifactPath(optionalText(from, 'path') ?? '', true)) }
}

const PROXIED = /^mlflow-artifacts:(?:\/\/[^/]*)?\/+(.*)$/

/** Where a file below a root that is kept here is fetched. */
export function artifactAddress(root: string, path: string): string {
  const kept = `${PROXIED.exec(root)?.[1] ?? ''}/${path}`
  return `/api/2.0/mlflow-artifacts/artifacts/${kept.split('/').map(encodeURIComponent).join('/')}`
}

/** The files of a run, or below a path in it, with their paths from its root. */
export async function listRunArtifacts({ db }: Tracking, from: Message): Promise<Message> {
  return await listedBelow(db.sql, (await readRun(db.sql, runIdIn(from))).artifact_uri, from)
}

export async function listModelArtifacts({ db }: Tracking, from: Message): Promise<Message> {
  const { artifact_uri: root } = await readModel(db.sql, text(from, 'model_id'))
  const given = optionalText(from, 'artifact_directory_path') ?? ''
  return await listedBelow(db.sql, root, { path: given })
}

async function listedBelow(db: Reading, root: string, from: Message): Promise<Message> {
  const path = artifactPath(optionalText(from, 'path') ?? '', true)
  const kept = PROXIED.exec(root)?.[1]
  if (kept === undefined)
    throw invalid(`Cannot list artifacts at ${shown(root)}: they are not kept here, ask that store itself`)
  const files = await listed(db, path === '' ? kept : `${kept}/${path}`)
  return {
    root_uri: root,
    files: files.map(file => ({ ...file, path: path === '' ? file.path : `${path}/${file.path}` })),
  }
}

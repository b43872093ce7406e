/** Which code a job runs: the commit of the folder it lies in, and what differs from it. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { redactText } from '../../platform/redact.ts'
import { digestOf, snapshotData } from './snapshot-data.ts'

export interface CodeState {
  /** Undefined where the folder is in no repository, or git is not there. */
  readonly commit?: string
  readonly branch?: string
  /** Where it is fetched from, without passwords. */
  readonly remote?: string
  readonly isDirty: boolean
  /** SHA-256 of what differs from the commit: `git diff HEAD`, and the files that git does not know and does not ignore. */
  readonly patch?: string
}

type Environment = Readonly<Record<string, string | undefined>>

const OUTPUT_BYTES_MAX = 256 << 20
const ANSWER_MS_MAX = 60_000
const UNTRACKED_MAX = 10_000

export async function codeState(
  folder: string,
  environment: Environment,
  ignored: readonly string[],
): Promise<CodeState> {
  const git = async (...args: readonly string[]): Promise<Buffer> => {
    const options = { cwd: folder, env: { ...environment, GIT_OPTIONAL_LOCKS: '0' }, timeout: ANSWER_MS_MAX }
    const ran = promisify(execFile)('git', [...args], { ...options, encoding: 'buffer', maxBuffer: OUTPUT_BYTES_MAX })
    return (await ran).stdout
  }
  const line = (...args: readonly string[]): Promise<string | undefined> =>
    git(...args).then(
      answer => answer.toString('utf8').trim() || undefined,
      () => undefined,
    )
  const commit = await line('rev-parse', '--verify', 'HEAD')
  if (commit === undefined) return { isDirty: false }
  const root = (await line('rev-parse', '--show-toplevel')) ?? folder
  const branch = await line('symbolic-ref', '--short', '-q', 'HEAD')
  const remote = await line('remote', 'get-url', 'origin')
  const except = ignored.map(path => `:(exclude,glob)${path}`)
  const diff = await git('diff', 'HEAD', '--binary', '--no-ext-diff', '--no-color', '--', '.', ...except)
  const listed = await git('ls-files', '-z', '--others', '--exclude-standard', '--full-name', '--', '.', ...except)
  const unknown = listed.toString('utf8').split('\0').filter(Boolean)
  const patch = await patchDigest(root, diff, unknown)
  return {
    commit,
    ...(branch === undefined ? {} : { branch }),
    ...(remote === undefined ? {} : { remote: redactText(remote) }),
    isDirty: patch !== undefined,
    ...(patch === undefined ? {} : { patch }),
  }
}

/** The digest of a diff and of files beside it; undefined where there are neither. */
async function patchDigest(root: string, diff: Buffer, unknown: readonly string[]): Promise<string | undefined> {
  if (diff.length === 0 && unknown.length === 0) return undefined
  const hash = createHash('sha256').update(diff)
  const files: { path: string; sha256: string }[] = []
  for (const path of unknown.slice(0, UNTRACKED_MAX)) {
    const file = await snapshotData(root, 'code', join(root, path)).catch(() => undefined)
    if (file !== undefined) files.push({ path, sha256: file.sha256 })
  }
  return hash.update(digestOf(files)).digest('hex')
}

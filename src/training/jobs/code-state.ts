/** Which code a job runs: the commit of the folder it lies in, and what differs from it. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Problem } from '../../errors.ts'
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

/** The data folder changes with every run, this one too. */
const OF_OURS = [':(exclude,top,glob)**/.bellwether/**']
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
  // All of the repository, since code is imported from everywhere in it.
  const where = ['--', ':/', ...ignored.map(path => `:(exclude,glob)${path}`), ...OF_OURS]
  const changes = async (...args: readonly string[]): Promise<Buffer> =>
    await git(...args, ...where).catch((cause: Error) => {
      const why = cause.message.split('\n')[0]
      throw new Problem('failed', `Cannot tell how the code differs from its commit: ${why}`, { cause })
    })
  const diff = await changes('diff', 'HEAD', '--binary', '--no-ext-diff', '--no-color')
  const listed = await changes('ls-files', '-z', '--others', '--exclude-standard', '--full-name')
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

/** What a job wrote: the files that it says it writes, told by their bytes. */
import { glob, lstat, realpath, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { Problem } from '../../errors.ts'
import { type FileSnapshot, snapshotData } from './snapshot-data.ts'

export interface JobOutput extends FileSnapshot {
  readonly file: string
}

/** How each file was before, by path: what has not changed was not written by the job. */
export type Before = ReadonlyMap<string, string>

const FILES_MAX = 10_000

export async function outputsBefore(folder: string, outputs: readonly string[]): Promise<Before> {
  const before = new Map<string, string>()
  for (const output of outputs) {
    for (const path of await matching(folder, output)) before.set(path, await signOf(join(folder, path)))
  }
  return before
}

/**
 * @param before of the same outputs, from before the job.
 * @throws Problem `not_found` for an output that the job did not write; `forbidden` for one that leads out of the folder.
 */
export async function writtenOutputs(
  folder: string,
  outputs: readonly string[],
  before: Before,
): Promise<readonly JobOutput[]> {
  const written = new Map<string, JobOutput>()
  const root = await realpath(folder)
  for (const output of outputs) {
    const paths = await matching(folder, output)
    const fresh: string[] = []
    for (const path of paths) if ((await signOf(join(folder, path))) !== before.get(path)) fresh.push(path)
    if (fresh.length === 0) {
      const why = paths.length === 0 ? 'it is not there' : 'it is as it was before the job'
      throw new Problem('not_found', `Cannot keep the output ${output}: ${why}, the command was to write it`)
    }
    for (const path of fresh) written.set(path, await outputAt(root, path))
  }
  return [...written.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function outputAt(root: string, path: string): Promise<JobOutput> {
  const real = await realpath(join(root, path))
  if (real !== root && !real.startsWith(root + sep))
    throw new Problem('forbidden', `Cannot keep the output ${path}: it leads to ${real}, out of the folder of the job`)
  const { files } = await snapshotData(root, 'output', real)
  return { ...files[0]!, path: path.split(sep).join('/'), file: real }
}

/** Changes whenever a file is written. */
async function signOf(file: string): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(file)
  return [ino, size, mtimeMs, ctimeMs].join(' ')
}

/** Files that a path or pattern names; of a folder, all that is in it. */
async function matching(folder: string, output: string): Promise<readonly string[]> {
  const found = await lstat(resolve(folder, output)).catch(() => undefined)
  const pattern = found?.isDirectory() ? `${output.replace(/\/+$/, '')}/**` : output
  const paths: string[] = []
  for await (const path of glob(pattern, { cwd: folder })) {
    const kind = await stat(resolve(folder, path)).catch(() => undefined)
    if (kind?.isFile()) paths.push(relative(folder, resolve(folder, path)))
    if (paths.length > FILES_MAX)
      throw new Problem('too_large', `Cannot keep the output ${output}: it has more than ${FILES_MAX} files`)
  }
  return paths
}

/** The files that a scoring writes: answers under another name until all are there, and refused rows as they are met. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import type { RowGroup } from 'hyparquet'
import { Problem } from '../../errors.ts'
import type { Done, Progress, ProgressFile } from './progress-file.ts'
import { MAGIC_BYTES, movedBy } from './row-group.ts'
import type { ScoredBlock } from './score-block.ts'

export interface OutputPaths {
  readonly output: string
  readonly partial: string
  readonly rejected: string
}

export interface BatchFiles {
  readonly paths: OutputPaths
  readonly progress: ProgressFile
  /** What the answers begin with; `rejectedHead` the same of the refused rows. */
  readonly head: Uint8Array
  readonly rejectedHead: Uint8Array
  /** Where the input's first row stands. */
  readonly begin: Pick<Progress, 'offset' | 'line'>
  /** How long finished blocks may wait to be told to the disk, milliseconds: as much is scored again after a kill. */
  readonly syncMs: number
}

export class BatchOutput {
  readonly #files: BatchFiles
  readonly #answers: FileHandle
  #refusals: FileHandle | undefined
  readonly #groups: RowGroup[]
  #reached: Progress
  #waiting: Done[] = []
  #syncedAt: number

  private constructor(files: BatchFiles, answers: FileHandle, reached: Progress, now: number) {
    this.#files = files
    this.#answers = answers
    this.#reached = reached
    this.#groups = [...files.progress.groups]
    this.#syncedAt = now
  }

  /** Goes on where `progress` says. Throws `corrupt` where the output is shorter than that. */
  static async open(files: BatchFiles, now: number): Promise<BatchOutput> {
    const { paths, head, begin } = files
    const { reached } = files.progress
    const answers = await open(paths.partial, reached === undefined ? 'w' : 'r+').catch(told(paths.partial))
    if (reached === undefined) {
      await write(answers, head, 0, paths.partial)
      const none = { outputBytes: head.length, rejectedBytes: 0, predicted: 0, rejected: 0 }
      return new BatchOutput(files, answers, { ...begin, ...none }, now)
    }
    const { size } = await answers.stat()
    if (size < reached.outputBytes) {
      await answers.close()
      throw new Problem('corrupt', `Cannot go on: ${paths.partial} has ${size} bytes, wanted ${reached.outputBytes}`)
    }
    await answers.truncate(reached.outputBytes)
    const output = new BatchOutput(files, answers, reached, now)
    if (reached.rejectedBytes > 0) {
      output.#refusals = await open(paths.rejected, 'r+').catch(async (error: unknown) => {
        await answers.close()
        return told(paths.rejected)(error)
      })
      await output.#refusals.truncate(reached.rejectedBytes)
    }
    return output
  }

  get reached(): Progress {
    return this.#reached
  }

  get groups(): readonly RowGroup[] {
    return this.#groups
  }

  async write(block: ScoredBlock, next: Pick<Progress, 'offset' | 'line'>, now: number): Promise<void> {
    const { outputBytes } = this.#reached
    await write(this.#answers, block.output, outputBytes, this.#files.paths.partial)
    const rejectedBytes = await this.#refuse(block.rejections)
    const group = block.group && movedBy(block.group, outputBytes)
    this.#reached = {
      ...next,
      outputBytes: outputBytes + block.output.length,
      rejectedBytes,
      predicted: this.#reached.predicted + block.predicted,
      rejected: this.#reached.rejected + block.rejected,
    }
    if (group !== undefined) this.#groups.push(group)
    this.#waiting.push(group === undefined ? this.#reached : { ...this.#reached, group })
    if (now - this.#syncedAt >= this.#files.syncMs) {
      this.#syncedAt = now
      await this.#sync()
    }
  }

  /** Ends the file with `tail`, gives it its name, and returns its SHA-256. */
  async finish(tail: Uint8Array): Promise<string> {
    await write(this.#answers, tail, this.#reached.outputBytes, this.#files.paths.partial)
    await this.#answers.datasync()
    await this.#refusals?.datasync()
    await this.#closeFiles()
    await rename(this.#files.paths.partial, this.#files.paths.output)
    await this.#files.progress.remove()
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(this.#files.paths.output)) hash.update(chunk as Buffer)
    return hash.digest('hex')
  }

  /** Leaves everything so that it can be gone on with; nothing at all, where nothing was done. */
  async stop(): Promise<void> {
    if (this.#reached.predicted + this.#reached.rejected === 0) {
      await this.#closeFiles()
      await this.#files.progress.remove()
      await unlink(this.#files.paths.partial)
      return
    }
    await this.#sync()
    await this.#closeFiles()
    await this.#files.progress.close()
  }

  async #refuse(rejections: Uint8Array): Promise<number> {
    let { rejectedBytes } = this.#reached
    if (rejections.length === 0) return rejectedBytes
    const { rejected } = this.#files.paths
    if (this.#refusals === undefined) {
      this.#refusals = await open(rejected, 'w').catch(told(rejected))
      await write(this.#refusals, this.#files.rejectedHead, 0, rejected)
      rejectedBytes = this.#files.rejectedHead.length
    }
    await write(this.#refusals, rejections, rejectedBytes, rejected)
    return rejectedBytes + rejections.length
  }

  /** First the rows, then the word that they are there. */
  async #sync(): Promise<void> {
    await this.#answers.datasync()
    await this.#refusals?.datasync()
    await this.#files.progress.append(this.#waiting)
    this.#waiting = []
  }

  async #closeFiles(): Promise<void> {
    await Promise.allSettled([this.#answers.close(), this.#refusals?.close()])
  }
}

async function write(file: FileHandle, bytes: Uint8Array, at: number, path: string): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, at + written).catch(told(path))
    written += bytesWritten
  }
}

function told(path: string): (error: unknown) => never {
  return error => {
    const { code, message } = error as NodeJS.ErrnoException
    const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'storage_full' : 'unavailable'
    throw new Problem(kind, `Cannot write ${path}: ${message}`, { cause: error })
  }
}

export const PARQUET_HEAD: Uint8Array = new TextEncoder().encode('PAR1').subarray(0, MAGIC_BYTES)

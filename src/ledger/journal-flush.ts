import { Problem } from '../errors.ts'
import type { Timers } from '../platform/timers.ts'
import { type Disk, diskProblem } from './disk.ts'
import { joiningNotePath } from './journal-files.ts'
import { scanLines } from './journal-line.ts'
import type { Progress } from './progress.ts'

/** A file of the journal that is open for writing, or was until a moment ago. */
export interface OpenFile {
  readonly fd: number
  readonly path: string
  readonly first: number
  count: number
  /** Where the last acknowledged line ends. */
  bytes: number
  /** How many of them are certainly on the device. */
  flushedBytes: number
}

/** What the flusher sees of the journal and tells it. */
export interface Flushed {
  readonly folder: string
  readonly folderFd: number
  readonly noteFd: number
  readonly disk: Disk
  readonly timers: Timers
  readonly flushMs: number
  readonly progress: Progress
  size(): number
  current(): OpenFile
  /** The file before, while its end is not on the device. */
  rolled(): OpenFile | undefined
  /** The file before is whole on the device. */
  settleRolled(): void
  /** The device failed; nothing may be written until `recovered`. */
  failed(problem: Problem): void
  recovered(): void
}

/** How long a failing disk is left alone before it is tried again, milliseconds. */
export const PROBE_MS = 100

/**
 * Brings what was written to the device, off the answering thread, at most `flushMs` after it was written. One flush at
 * a time: those who wait for the device while one runs share the next (group commit).
 *
 * A flush that fails is not simply repeated: the kernel may have dropped the pages' dirty marks, so that a second flush
 * succeeds without having written anything (Rebello et al., "Can Applications Recover from fsync Failures?", 2020).
 * Instead what is not certainly on the device is read back, checked, written once more and flushed.
 */
export class Flusher {
  private readonly journal: Flushed
  private running: Promise<void> | undefined
  private next: PromiseWithResolvers<void> | undefined
  private again = false
  private stopped = false
  private cancelTimer: (() => void) | undefined
  private broken: 'no' | 'retry' | 'for good' = 'no'

  constructor(journal: Flushed) {
    this.journal = journal
  }

  /** Says that something was written. */
  wrote(): void {
    if (this.cancelTimer !== undefined) return
    this.cancelTimer = this.journal.timers.after(this.journal.flushMs, () => {
      this.cancelTimer = undefined
      if (this.running === undefined) this.start()
      else this.again = true
    })
  }

  /** Resolves when what is written now is on the device; rejects with `storage_full` or `failed`. */
  flush(): Promise<void> {
    if (this.journal.progress.flushed() >= this.journal.size() && this.journal.rolled() === undefined) {
      return Promise.resolve()
    }
    if (this.stopped) return Promise.reject(new Problem('unavailable', 'Cannot flush: the journal is closed'))
    this.next ??= Promise.withResolvers()
    const { promise } = this.next
    if (this.running === undefined) this.start()
    return promise
  }

  /** Waits for what runs and starts nothing more. */
  async stop(): Promise<void> {
    this.cancelTimer?.()
    this.stopped = true
    while (this.running !== undefined) await this.running
  }

  private start(): void {
    if (this.stopped) return
    const waiting = this.next
    this.next = undefined
    this.again = false
    this.running = this.run().then(
      () => {
        this.running = undefined
        waiting?.resolve()
        if (this.next !== undefined || this.again) this.start()
      },
      (problem: Problem) => {
        this.running = undefined
        waiting?.reject(problem)
        this.next?.reject(problem)
        this.next = undefined
      },
    )
  }

  private async run(): Promise<void> {
    const { disk, progress } = this.journal
    const size = this.journal.size()
    const current = this.journal.current()
    const rolled = this.journal.rolled()
    const { bytes } = current
    try {
      if (this.broken !== 'no') await this.writeAgain(rolled, current)
      if (rolled !== undefined) {
        await disk.flush(rolled.fd)
        await disk.flush(this.journal.folderFd)
        await disk.removeLater(joiningNotePath(this.journal.folder, current.first))
        rolled.flushedBytes = rolled.bytes
        this.journal.settleRolled()
      }
      await disk.flush(current.fd)
    } catch (error) {
      throw this.fail(error)
    }
    current.flushedBytes = bytes
    progress.setFlushed(size)
    if (this.broken === 'retry') {
      this.broken = 'no'
      this.journal.recovered()
    }
    // The note is a lower bound: where it cannot be written, an older one says less but nothing wrong.
    await disk.rewrite(this.journal.noteFd, Buffer.from(flushedNote(size)), 0).catch(() => undefined)
  }

  private async writeAgain(...files: (OpenFile | undefined)[]): Promise<void> {
    if (this.broken === 'for good') throw lost()
    for (const file of files) {
      if (file === undefined || file.bytes === file.flushedBytes) continue
      const length = file.bytes - file.flushedBytes
      const bytes = await this.journal.disk.read(file.fd, file.flushedBytes, length)
      if (bytes.length < length || scanLines(Buffer.from(bytes)).damage !== undefined) {
        this.broken = 'for good'
        throw lost()
      }
      await this.journal.disk.rewrite(file.fd, bytes, file.flushedBytes)
    }
  }

  private fail(error: unknown): Problem {
    const problem = error instanceof Problem ? error : diskProblem('bring the journal to the device', error)
    if (this.broken !== 'for good') {
      this.broken = 'retry'
      this.journal.timers.after(PROBE_MS, () => {
        if (this.running === undefined && this.broken === 'retry') this.start()
      })
    }
    this.journal.failed(problem)
    return problem
  }
}

export function flushedNote(count: number): string {
  return `${String(count).padStart(12, '0')}\n`
}

function lost(): Problem {
  return new Problem(
    'failed',
    'Cannot bring the journal to the device: the disk lost what was written before it could be written again; restart to see what is left',
  )
}

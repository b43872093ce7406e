import { mkdirSync } from 'node:fs'
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import { systemTimers, type Timers } from '../platform/timers.ts'
import { type Disk, diskProblem, systemDisk } from './disk.ts'
import {
  type CutTail,
  flushedNotePath,
  type JournalFile,
  joiningNotePath,
  joiningNotes,
  journalFilePath,
  recoverJournal,
} from './journal-files.ts'
import { Flusher, flushedNote, type OpenFile, PROBE_MS } from './journal-flush.ts'
import { countLines } from './journal-line.ts'
import { type Progress, progress } from './progress.ts'
import type { Durability } from './record.ts'
import { TurnBuffer } from './turn-buffer.ts'

export interface JournalOptions {
  /** At most so long after its write is a record on the device, as long as the device keeps up. */
  readonly flushMs: number
  /** A file that has so many bytes is followed by a new one. */
  readonly bytesMax: number
  /** So is one whose first record is so old. */
  readonly ageMsMax: number
  readonly clock: Clock
  /** Number of records that are sealed already: the journal begins with the record of this index. */
  readonly firstIndex: number
  /** Bytes that may wait for the write of one turn; what comes beyond is refused. Default 64 MiB. */
  readonly turnBytesMax?: number
  readonly timers?: Timers
  readonly disk?: Disk
  /** A file is finished: whole, on the device, and in `closedFiles()`. */
  readonly onClosed?: (file: JournalFile) => void
  /** The disk began to refuse (a problem) or takes again (undefined). Once for each change, not for each request. */
  readonly onTrouble?: (problem: Problem | undefined) => void
}

/**
 * The ledger's tail: append-only files of checksummed lines.
 *
 * Duties: an append that resolved survives the death of the process (`power`: of the machine) at any moment and is found
 * exactly once when the journal is opened again; records lie in the order of their appends; an append that was rejected
 * left nothing (`power`: nothing that is certain, where the device failed after the write). The order is kept through the
 * death of the machine too: what it loses is an end, never a middle.
 */
export interface Journal {
  /** Index of the next record. */
  readonly size: number
  /** What other threads see of it. */
  readonly progress: Progress
  /** What was cut off when it was opened; empty after an orderly stop. */
  readonly cut: readonly CutTail[]
  /**
   * Writes canonical records. All appends of one turn of the event loop share one write and one promise. Rejects with
   * `storage_full` or `failed` where nothing of the turn was kept, `overloaded` where too much waits, `too_large` where
   * it would never fit, `unavailable` after `close`.
   */
  append(records: readonly string[], durability?: Durability): Promise<void>
  /** As `append`, of `count` records that are lines already (see `writeLine`); the bytes are copied. */
  appendLines(lines: Uint8Array, count: number, durability?: Durability): Promise<void>
  /** Resolves when all that is written now is on the device. */
  flush(): Promise<void>
  /** Finishes the file in use, if it has records, and begins a new one. Resolves when it is in `closedFiles()`. */
  roll(): Promise<void>
  /** Finished files, oldest first. */
  closedFiles(): readonly JournalFile[]
  /** All files with records, oldest first; the last ones may still grow beyond the `count` of this moment. */
  files(): readonly JournalFile[]
  /** Removes a finished file, whose records are sealed. */
  remove(file: JournalFile): Promise<void>
  /** Writes and flushes what is waiting, and lets go of the files. */
  close(): Promise<void>
}

/**
 * Opens a journal, or begins one. Looks through all its files, which takes about a second per gigabyte, and cuts what a
 * crash left half written (see `Journal.cut`). Throws `corrupt` for damage that no crash explains, `storage_full` or
 * `failed` where the disk refuses.
 */
export function openJournal(folder: string, options: JournalOptions): Journal {
  return new FileJournal(folder, options)
}

interface Turn extends PromiseWithResolvers<void> {
  /** Shared by those who wait for the device. */
  flushed?: Promise<void>
  count: number
}

interface Trouble {
  readonly problem: Problem
  readonly where: 'write' | 'flush'
  /** When it was met last, by the clock. */
  readonly at: number
}

const TURN_BYTES_MAX = 64 << 20

class FileJournal implements Journal {
  readonly progress: Progress = progress()
  readonly cut: readonly CutTail[]
  private readonly folder: string
  private readonly options: JournalOptions
  private readonly disk: Disk
  private readonly timers: Timers
  private readonly turnBytesMax: number
  private readonly folderFd: number
  private readonly noteFd: number
  private readonly flusher: Flusher
  private readonly closed: JournalFile[]
  private current: OpenFile
  private rolled: OpenFile | undefined
  private turn: Turn | undefined
  private readonly buffer = new TurnBuffer()
  private trouble: Trouble | undefined
  private rollRefusedAt = Number.NEGATIVE_INFINITY
  private cancelAge: (() => void) | undefined
  private closing: Promise<void> | undefined

  constructor(folder: string, options: JournalOptions) {
    this.folder = folder
    this.options = options
    this.disk = options.disk ?? systemDisk
    this.timers = options.timers ?? systemTimers
    this.turnBytesMax = options.turnBytesMax ?? TURN_BYTES_MAX
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const { closed, last, cut } = recoverJournal(folder, options.firstIndex, this.disk)
      this.cut = cut
      this.closed = [...closed]
      this.current = { ...last, fd: this.disk.open(last.path), flushedBytes: last.bytes }
      this.folderFd = this.disk.openFolder(folder)
      this.noteFd = this.disk.open(flushedNotePath(folder))
      this.settle()
    } catch (error) {
      throw error instanceof Problem ? error : diskProblem('open the journal', error)
    }
    this.flusher = new Flusher(this.flusherView())
    if (this.current.count > 0) this.startAge()
  }

  get size(): number {
    return this.current.first + this.current.count
  }

  append(records: readonly string[], durability: Durability = 'process'): Promise<void> {
    let length = 0
    for (const record of records) length += record.length
    const turn = this.turnFor(length)
    if (turn instanceof Problem) return Promise.reject(turn)
    if (!this.buffer.add(records)) {
      return Promise.reject(new TypeError('Cannot append a record: it holds a line feed, canonical JSON has none'))
    }
    turn.count += records.length
    return this.kept(turn, durability)
  }

  appendLines(lines: Uint8Array, count: number, durability: Durability = 'process'): Promise<void> {
    if (countLines(lines) !== count) {
      return Promise.reject(new TypeError(`Cannot append lines: wanted ${count} whole ones, found others`))
    }
    const turn = this.turnFor(lines.length)
    if (turn instanceof Problem) return Promise.reject(turn)
    this.buffer.addLines(lines)
    turn.count += count
    return this.kept(turn, durability)
  }

  /** The turn that takes so many bytes more, or why none does. */
  private turnFor(bytes: number): Turn | Problem {
    const refused = this.refusal(bytes)
    if (refused !== undefined) return refused
    this.turn ??= this.startTurn()
    return this.turn
  }

  private kept(turn: Turn, durability: Durability): Promise<void> {
    if (durability === 'process') return turn.promise
    turn.flushed ??= turn.promise.then(() => this.flusher.flush())
    return turn.flushed
  }

  flush(): Promise<void> {
    return this.flusher.flush()
  }

  async roll(): Promise<void> {
    while (this.rolled !== undefined) await this.flusher.flush()
    if (this.current.count > 0) this.begin()
    await this.flusher.flush()
  }

  closedFiles(): readonly JournalFile[] {
    return [...this.closed]
  }

  files(): readonly JournalFile[] {
    const open = this.rolled === undefined ? [this.current] : [this.rolled, this.current]
    const grown = open.filter(file => file.count > 0).map(({ path, first, count }) => ({ path, first, count }))
    return [...this.closed, ...grown]
  }

  async remove(file: JournalFile): Promise<void> {
    const at = this.closed.findIndex(({ first }) => first === file.first)
    if (at < 0) throw new RangeError(`Cannot remove ${file.path}: it is not a finished file of the journal`)
    this.closed.splice(at, 1)
    await this.disk.removeLater(file.path)
  }

  close(): Promise<void> {
    this.closing ??= this.stop()
    return this.closing
  }

  private async stop(): Promise<void> {
    this.cancelAge?.()
    await this.turn?.promise.catch(() => undefined) // its callers hear of it
    try {
      await this.flusher.flush()
    } finally {
      await this.flusher.stop()
      for (const fd of [this.rolled?.fd, this.current.fd, this.noteFd, this.folderFd]) {
        if (fd !== undefined) this.disk.close(fd)
      }
    }
  }

  /** Brings to the device what the last process left in the kernel's hands, so that all that was found is certain. */
  private settle(): void {
    const before = this.closed.at(-1)
    if (before !== undefined) {
      const fd = this.disk.open(before.path)
      this.disk.flushNow(fd)
      this.disk.close(fd)
    }
    this.disk.flushNow(this.current.fd)
    this.disk.flushNow(this.folderFd)
    for (const path of joiningNotes(this.folder)) this.disk.removeIfThere(path)
    const note = Buffer.from(flushedNote(this.size))
    this.disk.write(this.noteFd, note, 0, note.length, 0)
    this.progress.setWritten(this.size)
    this.progress.setFlushed(this.size)
  }

  private flusherView(): ConstructorParameters<typeof Flusher>[0] {
    const { folder, folderFd, noteFd, disk, timers, options } = this
    return {
      folder,
      folderFd,
      noteFd,
      disk,
      timers,
      flushMs: options.flushMs,
      progress: this.progress,
      size: () => this.size,
      current: () => this.current,
      rolled: () => this.rolled,
      settleRolled: () => this.settleRolled(),
      failed: problem => this.meet({ problem, where: 'flush', at: this.options.clock.now() }),
      recovered: () => this.recover(),
    }
  }

  private refusal(length: number): Problem | undefined {
    if (this.closing !== undefined) return new Problem('unavailable', 'Cannot append: the journal is closed')
    if (this.trouble !== undefined && !this.mayProbe(this.trouble)) return this.trouble.problem
    if (this.buffer.used + length <= this.turnBytesMax) return undefined
    const wanted = `at most ${this.turnBytesMax} bytes at once`
    if (length > this.turnBytesMax)
      return new Problem('too_large', `Cannot append: ${length} bytes of records, ${wanted}`)
    const message = `Cannot append: ${this.buffer.used + length} bytes would wait for the disk, ${wanted}`
    return new Problem('overloaded', message, { retryAfterSeconds: 1 })
  }

  /** A disk that refuses is tried by one turn every `PROBE_MS`; all others are refused without a system call. */
  private mayProbe(trouble: Trouble): boolean {
    if (trouble.where === 'flush') return false // the flusher tries by itself
    if (this.turn !== undefined) return true
    const elapsedMs = this.options.clock.now() - trouble.at
    return elapsedMs >= PROBE_MS || elapsedMs < 0
  }

  /**
   * `setImmediate`, because it runs right after the poll for input: all requests that the poll found have been parsed and
   * share the write. A microtask would run after each socket's.
   */
  private startTurn(): Turn {
    setImmediate(() => this.writeTurn())
    return { ...Promise.withResolvers<void>(), count: 0 }
  }

  private writeTurn(): void {
    const turn = this.turn!
    this.turn = undefined
    const problem = this.trouble?.where === 'flush' ? this.trouble.problem : this.write()
    this.buffer.clear()
    if (problem !== undefined) {
      turn.reject(problem)
      return
    }
    if (this.current.count === 0) this.startAge()
    this.current.count += turn.count
    this.progress.setWritten(this.size)
    turn.resolve()
    this.flusher.wrote()
    if (this.current.bytes >= this.options.bytesMax) this.rollSoon()
  }

  /** Writes the turn's bytes, all or none. */
  private write(): Problem | undefined {
    const { current, disk } = this
    const { bytes, used } = this.buffer
    try {
      if (this.trouble !== undefined) disk.truncate(current.fd, current.bytes) // the attempt before may have left bytes
      for (let done = 0; done < used; ) {
        const count = disk.write(current.fd, bytes, done, used - done, current.bytes + done)
        if (count === 0) throw Object.assign(new Error('The disk took no bytes'), { code: 'EIO' })
        done += count
      }
    } catch (error) {
      const problem = diskProblem('write to the journal', error)
      this.meet({ problem, where: 'write', at: this.options.clock.now() })
      this.takeBack()
      if ((error as NodeJS.ErrnoException).code === 'EFBIG') this.rollSoon() // a new file has room again
      return problem
    }
    current.bytes += used
    if (this.trouble !== undefined) this.recover()
    return undefined
  }

  private takeBack(): void {
    try {
      this.disk.truncate(this.current.fd, this.current.bytes)
    } catch {
      // The next attempt begins with it, and writes to the same place.
    }
  }

  private meet(trouble: Trouble): void {
    const isNew = this.trouble === undefined
    this.trouble = trouble
    if (isNew) this.options.onTrouble?.(trouble.problem)
  }

  private recover(): void {
    this.trouble = undefined
    this.options.onTrouble?.(undefined)
  }

  /** Begins a new file when the one before is settled; on a disk that has no room for one, the file in use just grows. */
  private rollSoon(): void {
    const sinceMs = this.options.clock.now() - this.rollRefusedAt
    if (this.rolled !== undefined || this.closing !== undefined || (sinceMs >= 0 && sinceMs < PROBE_MS)) return
    try {
      this.begin()
    } catch {
      this.rollRefusedAt = this.options.clock.now()
    }
  }

  private startAge(): void {
    this.cancelAge?.()
    this.cancelAge = this.timers.after(this.options.ageMsMax, () => {
      if (this.current.count > 0) this.rollSoon()
      if (this.current.count > 0) this.startAge()
    })
  }

  private begin(): void {
    const first = this.size
    const path = journalFilePath(this.folder, first)
    const note = joiningNotePath(this.folder, first)
    try {
      this.disk.close(this.disk.open(note))
      const fd = this.disk.open(path)
      this.rolled = this.current
      this.current = { fd, path, first, count: 0, bytes: 0, flushedBytes: 0 }
    } catch (error) {
      this.disk.removeIfThere(note)
      throw diskProblem('begin a new file of the journal', error)
    }
    this.cancelAge?.()
    this.flusher.wrote()
  }

  private settleRolled(): void {
    const { fd, path, first, count } = this.rolled!
    this.rolled = undefined
    this.disk.close(fd)
    const file = { path, first, count }
    this.closed.push(file)
    this.options.onClosed?.(file)
  }
}

import { asProblem, type Problem } from '../errors.ts'
import { systemTimers, type Timers } from '../platform/timers.ts'
import { commitSegment, stagingFolder } from './commit-segment.ts'
import type { Engine } from './engine.ts'
import type { Journal } from './journal.ts'
import type { JournalFile } from './journal-files.ts'
import type { Notary } from './notary.ts'
import type { Snapshot } from './query.ts'

/** What is sealed, and how seals went: for metrics and logs. */
export interface SealerEvents {
  sealed(segment: number, records: number, elapsedMs: number): void
  /** It is tried again by itself. */
  failed(problem: Problem, file: JournalFile): void
}

export interface SealerOptions {
  readonly folder: string
  readonly journal: Journal
  readonly notary: Notary
  readonly engine: Engine
  /** As found on opening. */
  readonly segments: number
  readonly sealed: number
  readonly events: SealerEvents
  readonly timers?: Timers
}

/**
 * Turns finished journal files into segments, one after the other, beside all else. Knows at any moment which records are
 * where: a seal changes that in one step, and a journal file stays as long as somebody reads by what was true before.
 */
export interface Sealer {
  readonly segments: number
  /** Number of records in segments. */
  readonly sealed: number
  /** Reads by what is true now; the journal files it names stay until `read` has ended. */
  withSnapshot<T>(read: (snapshot: Snapshot) => Promise<T>): Promise<T>
  /** As `withSnapshot`, for what is read bit by bit. */
  readBits<T>(read: (snapshot: Snapshot) => AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined>
  /** Seals all finished files now. Rejects where one cannot be sealed. */
  sealFinished(): Promise<void>
  /** Says that a file was finished: it is sealed in the background, and again after a while where that failed. */
  wake(): void
  /** Lets the seal that runs come to its end, as far as the engine lives. */
  close(): Promise<void>
}

const RETRY_MS = 1000
const RETRY_MS_MAX = 60_000

export function openSealer(options: SealerOptions): Sealer {
  return new JournalSealer(options)
}

class JournalSealer implements Sealer {
  readonly #options: SealerOptions
  readonly #timers: Timers
  #segments: number
  #sealed: number
  /** Reads that began before the latest seal, and those after it. */
  readonly #reads = new Set<Promise<void>>()
  #running: Promise<void> | undefined
  #retryMs = RETRY_MS
  #cancelRetry: (() => void) | undefined
  #closed = false
  readonly #removals = new Set<Promise<void>>()

  constructor(options: SealerOptions) {
    this.#options = options
    this.#timers = options.timers ?? systemTimers
    this.#segments = options.segments
    this.#sealed = options.sealed
  }

  get segments(): number {
    return this.#segments
  }

  get sealed(): number {
    return this.#sealed
  }

  async withSnapshot<T>(read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    const done = this.#beginRead()
    try {
      return await read(this.#snapshot())
    } finally {
      done()
    }
  }

  async *readBits<T>(
    read: (snapshot: Snapshot) => AsyncGenerator<T, void, undefined>,
  ): AsyncGenerator<T, void, undefined> {
    const done = this.#beginRead()
    try {
      yield* read(this.#snapshot())
    } finally {
      done()
    }
  }

  async sealFinished(): Promise<void> {
    while (this.#running !== undefined) await this.#running.catch(() => undefined) // its error was told to the events
    this.#running = this.#sealAll().finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  wake(): void {
    if (this.#closed || this.#running !== undefined || this.#cancelRetry !== undefined) return
    this.sealFinished().then(
      () => {
        this.#retryMs = RETRY_MS
        if (this.#unsealed().length > 0) this.wake()
      },
      () => this.#retryLater(),
    )
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelRetry?.()
    await this.#running?.catch(() => undefined)
    if (this.#reads.size === 0) await Promise.all(this.#removals)
  }

  #retryLater(): void {
    if (this.#closed) return
    this.#cancelRetry = this.#timers.after(this.#retryMs, () => {
      this.#cancelRetry = undefined
      this.wake()
    })
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX)
  }

  #beginRead(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#reads.add(promise)
    return () => {
      this.#reads.delete(promise)
      resolve()
    }
  }

  #snapshot(): Snapshot {
    const journal = this.#options.journal.files().filter(({ first }) => first >= this.#sealed)
    return { segments: this.#segments, journal }
  }

  #unsealed(): JournalFile[] {
    return this.#options.journal.closedFiles().filter(({ first }) => first >= this.#sealed)
  }

  async #sealAll(): Promise<void> {
    for (let file = this.#unsealed()[0]; file !== undefined && !this.#closed; file = this.#unsealed()[0]) {
      try {
        await this.#seal(file)
      } catch (error) {
        this.#told(error, file)
        throw error
      }
    }
  }

  async #seal(file: JournalFile): Promise<void> {
    const { folder, engine, notary, events } = this.#options
    const startedAt = performance.now()
    const segment = this.#segments
    const request = { journal: file, segment, staging: stagingFolder(folder, segment) }
    const content = await engine.ask('build', request)
    const head = await notary.headAt(file.first + file.count)
    await commitSegment(folder, segment, content, head)
    this.#segments++
    this.#sealed = file.first + file.count
    this.#removeWhenUnread(file)
    events.sealed(segment, file.count, performance.now() - startedAt)
  }

  #told(error: unknown, file: JournalFile): void {
    if (!this.#closed) this.#options.events.failed(asProblem(error), file)
  }

  #removeWhenUnread(file: JournalFile): void {
    const reads = [...this.#reads]
    const removal = Promise.all(reads)
      .then(() => this.#options.journal.remove(file))
      .catch(error => this.#told(error, file)) // the next start removes it
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }
}

/**
 * Keeps so many worker processes alive: starts them, starts another where one ends or does not answer any more, renews them
 * one after another, and ends them. What they do is not known here.
 */
import cluster, { type Worker } from 'node:cluster'
import type { Duplex, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Problem } from '../errors.ts'
import { type Link, linkOver } from '../platform/link.ts'
import type { Log } from '../platform/log.ts'
import type { Timers } from '../platform/timers.ts'
import { backoffMs } from '../runtimes/backoff.ts'
import { ALIVE, FAILED, type Failed, LINK_FD, READY, RETIRE, type Ready, STOP } from './protocol.ts'
import { passOnUntaken } from './untaken.ts'

export interface WorkerProcess {
  /** From 1; whoever takes the place of another has its number. */
  readonly number: number
  readonly pid: number
  readonly link: Link
  /** Standard output. */
  readonly output: Readable
}

export interface SupervisorParts {
  readonly count: number
  /** Of the program that each worker runs. */
  readonly program: URL
  /** Options of Node itself. */
  readonly flags: readonly string[]
  /** Called with each new process before it asks anything. */
  readonly welcome: (worker: WorkerProcess) => void
  /** Called with each that is gone. */
  readonly bury: (worker: WorkerProcess) => void
  /** A worker told where it answers. */
  readonly ready: (ready: Ready) => void
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  readonly timers: Timers
  /** Milliseconds of a timer that never goes back. */
  readonly timer: () => number
  readonly random: () => number
}

export interface Supervisor {
  /** Starts all; resolves when all answer. Rejects with why the first could not. */
  start(): Promise<void>
  /** All that live, also those that do not answer yet or are about to end. */
  all(): readonly WorkerProcess[]
  /** How many answer. */
  serving(): number
  /** How many were started for one that had ended by itself. */
  replaced(): number
  /** Puts a new one in the place of each, one after another; the old one finishes what it has. */
  renew(): Promise<void>
  /** Ends one that does not do as it was told; another is started. */
  kill(worker: WorkerProcess): void
  stop(withinMs: number): Promise<void>
}

const START_MS_MAX = 60_000
const ALIVE_EVERY_MS = 5_000
/** One that says nothing for so long has hung. */
const SILENT_MS_MAX = 30_000
/** One that lived so long had a good start. */
const GOOD_LIFE_MS = 10_000
const BACKOFF = { firstMs: 200, mostMs: 30_000 }
/** Connections that say nothing are given up by a worker that is to be renewed after this and a little more. */
const RETIRE_MS_MAX = 40_000

interface Member extends WorkerProcess {
  readonly process: Worker
  readonly startedAt: number
  readonly gone: Promise<void>
  isReady: boolean
  isLeaving: boolean
}

export function supervisor(parts: SupervisorParts): Supervisor {
  return new ClusterSupervisor(parts)
}

class ClusterSupervisor implements Supervisor {
  readonly #parts: SupervisorParts
  readonly #members = new Set<Member>()
  readonly #failures: number[]
  readonly #cancel = new Set<() => void>()
  #replaced = 0
  #isStopping = false
  #renewing: Promise<void> | undefined

  constructor(parts: SupervisorParts) {
    this.#parts = parts
    this.#failures = new Array<number>(parts.count + 1).fill(0)
    cluster.setupPrimary({
      exec: fileURLToPath(parts.program),
      args: [],
      execArgv: [...parts.flags],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc', 'pipe'],
    })
    // Connections are given out in turn: whoever accepts what the kernel offers would leave one core idle.
    cluster.schedulingPolicy = cluster.SCHED_RR
  }

  async start(): Promise<void> {
    // What keeps the first from beginning is told once.
    await this.#begin(1)
    const others = Array.from({ length: this.#parts.count - 1 }, (_, at) => this.#begin(at + 2))
    await Promise.all(others)
    this.#watchLater()
  }

  all(): readonly WorkerProcess[] {
    return [...this.#members]
  }

  serving(): number {
    return [...this.#members].filter(({ isReady, isLeaving }) => isReady && !isLeaving).length
  }

  replaced(): number {
    return this.#replaced
  }

  renew(): Promise<void> {
    this.#renewing ??= this.#renewAll().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  kill({ pid, number }: WorkerProcess): void {
    for (const member of this.#members) {
      if (member.pid === pid && member.number === number) member.process.process.kill('SIGKILL')
    }
  }

  async stop(withinMs: number): Promise<void> {
    this.#isStopping = true
    for (const cancel of this.#cancel) cancel()
    await Promise.all([...this.#members].map(member => this.#end(member, STOP, withinMs)))
  }

  async #renewAll(): Promise<void> {
    const { log } = this.#parts
    for (const old of [...this.#members]) {
      if (this.#isStopping) return
      if (!this.#members.has(old)) continue
      try {
        await this.#begin(old.number)
      } catch (error) {
        log.error({ worker: old.number, error: String(error) }, 'A new worker could not start: the old ones stay')
        return
      }
      await this.#end(old, RETIRE, RETIRE_MS_MAX)
    }
    log.info({ workers: this.#parts.count }, 'All workers were renewed')
  }

  /** Resolves when it answers. */
  async #begin(number: number): Promise<void> {
    const member = this.#fork(number)
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
    member.link.answer(READY, (told: Ready) => {
      member.isReady = true
      this.#parts.ready(told)
      resolve()
    })
    member.link.answer(FAILED, ({ code, message }: Failed) => reject(new Problem(code, message)))
    const late = this.#after(START_MS_MAX, () => this.kill(member))
    void member.gone.then(() => reject(new Problem('unavailable', `Cannot start worker ${number}: it ended`)))
    try {
      await ready
    } catch (error) {
      member.isLeaving = true // whoever waits here decides what is next
      this.kill(member)
      throw error
    } finally {
      late()
    }
  }

  #fork(number: number): Member {
    const process = cluster.fork()
    const { stdio, pid = 0 } = process.process
    const link = linkOver(stdio[LINK_FD] as Duplex)
    const gone = new Promise<void>(resolve => process.once('exit', () => resolve()))
    const output = process.process.stdout!
    const startedAt = this.#parts.timer()
    const member: Member = { number, pid, link, output, process, startedAt, gone, isReady: false, isLeaving: false }
    this.#members.add(member)
    process.on('error', () => {}) // its end tells
    process.once('exit', (code, signal) => this.#ended(member, signal ?? code))
    passOnUntaken(process, () =>
      [...this.#members].some(other => other !== member && other.isReady && !other.isLeaving),
    )
    this.#parts.welcome(member)
    return member
  }

  #ended(member: Member, how: number | string): void {
    const { bury, log, timer, random } = this.#parts
    const { number, startedAt, isReady, isLeaving } = member
    this.#members.delete(member)
    member.link.close()
    bury(member)
    if (this.#isStopping || isLeaving || !isReady) return
    this.#failures[number] = timer() - startedAt >= GOOD_LIFE_MS ? 1 : this.#failures[number]! + 1
    log.error({ worker: number, pid: member.pid, how }, 'A worker ended; another takes its place')
    this.#replaceIn(
      number,
      this.#failures[number] === 1 ? 0 : backoffMs(this.#failures[number]!, { ...BACKOFF, random }),
    )
  }

  #replaceIn(number: number, ms: number): void {
    this.#after(ms, () => {
      this.#replaced++
      this.#begin(number).catch((error: unknown) => {
        if (this.#isStopping) return
        this.#failures[number]!++
        this.#parts.log.error({ worker: number, error: String(error) }, 'A worker could not start; it is tried again')
        this.#replaceIn(number, backoffMs(this.#failures[number]!, { ...BACKOFF, random: this.#parts.random }))
      })
    })
  }

  async #end(member: Member, how: typeof RETIRE | typeof STOP, withinMs: number): Promise<void> {
    member.isLeaving = true
    member.link.ask(how, withinMs).catch(() => undefined) // it ends before it can answer
    const late = this.#after(withinMs + 1_000, () => this.kill(member))
    await member.gone
    late()
  }

  #after(ms: number, run: () => void): () => void {
    const cancel = this.#parts.timers.after(ms, () => {
      this.#cancel.delete(cancel)
      run()
    })
    this.#cancel.add(cancel)
    return () => {
      this.#cancel.delete(cancel)
      cancel()
    }
  }

  #watchLater(): void {
    if (!this.#isStopping) this.#after(ALIVE_EVERY_MS, () => this.#watch())
  }

  #watch(): void {
    for (const member of this.#members) {
      if (!member.isReady || member.isLeaving) continue
      const silent = this.#after(SILENT_MS_MAX, () => {
        this.#parts.log.error({ worker: member.number, pid: member.pid }, 'A worker does not answer: it is ended')
        this.kill(member)
      })
      member.link.ask(ALIVE).then(silent, silent)
    }
    this.#watchLater()
  }
}

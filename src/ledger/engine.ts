import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Problem } from '../errors.ts'
import { workerUrl } from '../platform/threads.ts'
import { systemTimers, type Timers } from '../platform/timers.ts'
import type { EngineCalls, EngineStart, EngineStreams, EngineWhat, FromEngine, ToEngine } from './engine-protocol.ts'

export interface EngineOptions extends EngineStart {
  /** An engine without work for so long is ended, milliseconds. Default one minute. */
  readonly idleMs?: number
  readonly timers?: Timers
}

/**
 * DuckDB in a process of its own: it neither makes answers wait nor keeps their memory, and takes nobody with it when it
 * dies. Started by the first question, ended when it is idle; started again when it died, and then what it was doing is
 * asked once more.
 */
export interface Engine {
  /** Rejects with `overloaded` where too much waits already, `unavailable` where the engine died twice. */
  ask<What extends keyof EngineCalls>(
    what: What,
    question: EngineCalls[What]['question'],
  ): Promise<EngineCalls[What]['answer']>
  /** Batches as they come; the engine stays at most a few ahead of the reader. */
  read<What extends keyof EngineStreams>(
    what: What,
    question: EngineStreams[What]['question'],
  ): AsyncGenerator<EngineStreams[What]['batch'], void, undefined>
  /** Process id while one runs. */
  readonly pid: number | undefined
  close(): Promise<void>
}

export function openEngine(options: EngineOptions): Engine {
  return new ProcessEngine(options)
}

const IDLE_MS = 60_000
/** So many questions wait at most; each may hold a page of records. */
const PENDING_MAX = 64

const PROGRAM: string = fileURLToPath(workerUrl(import.meta.url, './engine-process'))

interface Pending {
  readonly onBatch: ((batch: unknown) => void) | undefined
  readonly resolve: (answer: unknown) => void
  readonly reject: (problem: Error) => void
}

class ProcessEngine implements Engine {
  readonly #options: EngineOptions
  readonly #timers: Timers
  readonly #pending = new Map<number, Pending>()
  #asked = 0
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #cancelIdle: (() => void) | undefined
  #closed = false

  constructor(options: EngineOptions) {
    this.#options = options
    this.#timers = options.timers ?? systemTimers
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async ask<What extends keyof EngineCalls>(
    what: What,
    question: EngineCalls[What]['question'],
  ): Promise<EngineCalls[What]['answer']> {
    try {
      return (await this.#send(what, question).answer) as EngineCalls[What]['answer']
    } catch (error) {
      if (!(error instanceof EngineDied) || this.#closed) throw error
      return (await this.#send(what, question).answer) as EngineCalls[What]['answer'] // all questions may be repeated
    }
  }

  async *read<What extends keyof EngineStreams>(
    what: What,
    question: EngineStreams[What]['question'],
  ): AsyncGenerator<EngineStreams[What]['batch'], void, undefined> {
    const waiting: EngineStreams[What]['batch'][] = []
    let wake: (() => void) | undefined
    let ended = false
    const { number, answer } = this.#send(what, question, batch => {
      waiting.push(batch as EngineStreams[What]['batch'])
      wake?.()
    })
    const end = answer.finally(() => {
      ended = true
      wake?.()
    })
    end.catch(() => undefined) // told below, when what came before it is read
    try {
      for (;;) {
        const batch = waiting.shift()
        if (batch !== undefined) {
          yield batch
          this.#tell({ say: 'more', number })
        } else if (ended) {
          await end
          return
        } else {
          await new Promise<void>(resolve => {
            wake = resolve
          })
        }
      }
    } finally {
      if (!ended) this.#tell({ say: 'stop', number })
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#child?.ref() // its end is waited for
    this.#stop()
    await this.#exited
  }

  #send(
    what: EngineWhat,
    question: unknown,
    onBatch?: (batch: unknown) => void,
  ): { readonly number: number; readonly answer: Promise<unknown> } {
    if (this.#closed) throw new Problem('unavailable', 'Cannot read the ledger: it is closed')
    if (this.#pending.size >= PENDING_MAX) {
      const message = `Cannot read the ledger: ${this.#pending.size} questions are waiting, at most ${PENDING_MAX} may`
      throw new Problem('overloaded', message, { retryAfterSeconds: 1 })
    }
    const child = this.#start()
    const number = this.#asked++
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#pending.set(number, { onBatch, resolve, reject })
    this.#hold(child)
    this.#tell({ say: 'ask', number, what, question })
    return { number, answer: promise }
  }

  #tell(message: ToEngine): void {
    if (this.#child?.connected === true) this.#child.send(message)
  }

  #start(): ChildProcess {
    if (this.#child !== undefined) return this.#child
    const { folder, memory, threads, isNice } = this.#options
    const child = fork(PROGRAM, [JSON.stringify({ folder, memory, threads, isNice } satisfies EngineStart)], {
      serialization: 'advanced',
      execArgv: ['--expose-gc'], // see `eachChunk`
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    this.#exited = new Promise(resolve => {
      const gone = (how: string): void => {
        if (this.#child === child) this.#lose(how)
        resolve()
      }
      child.once('exit', (status, signal) => gone(signal ?? `status ${status}`))
      child.once('error', error => gone(error.message))
    })
    child.on('message', message => this.#hear(message as FromEngine))
    return child
  }

  /** The process stays for what is asked, but not for an idle engine. */
  #hold(child: ChildProcess): void {
    this.#cancelIdle?.()
    this.#cancelIdle = undefined
    child.ref()
    child.channel?.ref()
  }

  #release(): void {
    if (this.#pending.size > 0) return
    this.#child?.unref()
    this.#child?.channel?.unref()
    this.#cancelIdle = this.#timers.after(this.#options.idleMs ?? IDLE_MS, () => this.#stop())
  }

  #hear(message: FromEngine): void {
    const pending = this.#pending.get(message.number)
    if (pending === undefined) return
    if (message.say === 'batch') {
      pending.onBatch?.(message.batch)
      return
    }
    this.#pending.delete(message.number)
    this.#release()
    if (message.say === 'answer') pending.resolve(message.answer)
    else pending.reject(new Problem(message.code, message.message))
  }

  #stop(): void {
    const child = this.#child
    this.#lose('it was closed')
    if (child?.connected === true) child.disconnect()
  }

  #lose(how: string): void {
    this.#child = undefined
    this.#cancelIdle?.()
    this.#cancelIdle = undefined
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of pending) reject(new EngineDied(how))
  }
}

class EngineDied extends Problem {
  constructor(how: string) {
    super('unavailable', `Cannot read the ledger: its engine process ended (${how})`, { retryAfterSeconds: 1 })
  }
}

/**
 * N Python workers for one model: rows wait in one queue, whoever is free takes the next batch. A worker that ends (by
 * itself, by its limits, by somebody's hand) is started again, later with each failure. A call whose rows went to a worker
 * that ended is asked once more by itself where others' rows were in the same batch, for one of them may be the cause;
 * alone, it fails.
 */

import { Problem } from '../errors.ts'
import type { Surroundings } from '../platform/surroundings.ts'
import type { CallTrace } from '../predictor/call-trace.ts'
import { backoffMs } from './backoff.ts'
import { type BatchPolicy, batchPolicy } from './batch-policy.ts'

/** What the pool needs of a worker. */
export interface PoolWorker {
  /** The rows' answers, row-major. */
  /** @param trace see `AwaitedPredictor.predict`. */
  answer(rows: readonly Float64Array[], count: number, trace?: Trace): Promise<Float64Array>
  close(): Promise<void>
  readonly isAlive: boolean
  onEnd: (why: Problem) => void
}

export interface PoolOptions {
  /** `churn@1.0.0`: for messages. */
  readonly name: string
  readonly workers: number
  readonly rowsMax: number
  readonly waitMs: number
  /** For a batch; no call waits longer for a worker, either. */
  readonly timeoutMs: number
  readonly columns: number
  readonly outputs: number
}

/** Started with what a worker that was started before may have left for it, if it is the first. */
export type StartWorker = () => Promise<PoolWorker>

export interface PoolCounts {
  readonly ready: number
  readonly waitingRows: number
  readonly restarts: number
  readonly batches: number
  readonly rows: number
  readonly busyMs: number
  readonly failures: number
}

/** Headers by which the model learns of it. */
type Trace = CallTrace['headers'] | undefined

interface Call {
  readonly trace: Trace
  readonly rows: Float64Array
  readonly count: number
  readonly out: Float64Array
  readonly cameMs: number
  readonly resolve: () => void
  readonly reject: (problem: unknown) => void
  readonly cancel: () => void
  /** It is asked for the second time, and by itself. */
  isAlone: boolean
}

const QUEUE_CALLS_MAX = 1024
const QUEUE_ROWS_MAX = 1 << 17
/** How long calls that were taken may go on after it was asked to close. */
const DRAIN_MS_MAX = 10_000
const RESTART = { firstMs: 100, mostMs: 30_000 }
/** After so many failures in a row callers are told at once. */
const FAILURES_PATIENT = 3

export class PythonPool {
  readonly #options: PoolOptions
  readonly #start: StartWorker
  readonly #surroundings: Surroundings
  readonly #policy: BatchPolicy
  readonly #workers = new Set<PoolWorker>()
  readonly #idle: PoolWorker[] = []
  readonly #starting = new Set<Promise<void>>()
  #queue: Call[] = []
  #waitingRows = 0
  #failures = 0
  #fault: Problem | undefined
  #isClosed = false
  #cancelRestart: (() => void)[] = []
  #cancelWait: (() => void) | undefined
  #drained: (() => void) | undefined
  #counts = { restarts: 0, batches: 0, rows: 0, busyMs: 0, failures: 0 }

  /** @param first a worker that is ready. */
  constructor(options: PoolOptions, first: PoolWorker, start: StartWorker, surroundings: Surroundings) {
    this.#options = options
    this.#start = start
    this.#surroundings = surroundings
    this.#policy = batchPolicy(options)
    this.#adopt(first)
    for (let more = 1; more < options.workers; more++) this.#begin()
  }

  /** See `AwaitedPredictor.predict`. */
  async predict(rows: Float64Array, count: number, out: Float64Array, trace?: CallTrace): Promise<void> {
    const { rowsMax, columns, outputs } = this.#options
    if (this.#waitingRows > 0 && this.#waitingRows + count > QUEUE_ROWS_MAX) throw this.#tooMuch()
    const parts: Promise<void>[] = []
    for (let from = 0; from < count; from += rowsMax) {
      const part = Math.min(rowsMax, count - from)
      const inputs = rows.slice(from * columns, (from + part) * columns)
      const answers = out.subarray(from * outputs, (from + part) * outputs)
      parts.push(this.#call(inputs, part, answers, parts.length > 0, trace?.headers))
    }
    // All of them end before it is told that one failed: nothing may be written afterwards.
    for (const part of await Promise.allSettled(parts)) if (part.status === 'rejected') throw part.reason
  }

  /** Why nobody can answer now, if so. */
  fault(): string | undefined {
    return this.#workers.size === 0 && this.#failures >= FAILURES_PATIENT ? this.#fault?.message : undefined
  }

  counts(): PoolCounts {
    return { ...this.#counts, ready: this.#workers.size, waitingRows: this.#waitingRows }
  }

  /** Takes no more calls, answers those it has, and ends the workers. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      for (const cancel of this.#cancelRestart) cancel()
      if (this.#queue.length > 0 || this.#idle.length < this.#workers.size) {
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#drained = resolve
        const cancel = this.#surroundings.timers.after(DRAIN_MS_MAX, resolve)
        this.#pump()
        await promise
        cancel()
      }
    }
    this.#refuseAll(this.#putAway())
    await Promise.all([...this.#starting])
    await Promise.all([...this.#workers].map(worker => worker.close()))
  }

  #call(rows: Float64Array, count: number, out: Float64Array, isMore: boolean, trace: Trace): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#putAway())
    if (this.#queue.length >= QUEUE_CALLS_MAX && !isMore) return Promise.reject(this.#tooMuch())
    if (this.#workers.size === 0 && this.#failures >= FAILURES_PATIENT) return Promise.reject(this.#fault)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const { timers, timer } = this.#surroundings
    const cameMs = timer()
    // A long batch of one caller is in parts that wait for one another: that is no fault of the queue.
    const cancel = isMore ? () => {} : timers.after(this.#options.timeoutMs, () => this.#giveUp(call))
    const call: Call = { trace, rows, count, out, cameMs, resolve, reject, cancel, isAlone: false }
    this.#queue.push(call)
    this.#waitingRows += count
    this.#policy.came(count, cameMs)
    this.#pump()
    return promise
  }

  #giveUp(call: Call): void {
    const at = this.#queue.indexOf(call)
    if (at === -1) return
    this.#queue.splice(at, 1)
    this.#waitingRows -= call.count
    call.reject(this.#fault !== undefined && this.#workers.size === 0 ? this.#fault : this.#tooMuch())
    this.#settle()
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#idle.length > 0) {
      const now = this.#surroundings.timer()
      const wait = this.#isClosed ? 0 : this.#policy.waitMs(this.#waitingRows, this.#queue[0]!.cameMs, now)
      if (wait > 0) {
        this.#cancelWait ??= this.#surroundings.timers.after(wait, () => {
          this.#cancelWait = undefined
          this.#pump()
        })
        return
      }
      this.#cancelWait?.()
      this.#cancelWait = undefined
      void this.#give(this.#idle.pop()!, this.#take())
    }
  }

  /** The calls that come first, as many as make a batch: one that is asked again goes alone. */
  #take(): Call[] {
    const rowsMax = this.#policy.rowsMax()
    const calls: Call[] = []
    let rows = 0
    for (const call of this.#queue) {
      if (calls.length > 0 && (call.isAlone || rows + call.count > rowsMax)) break
      calls.push(call)
      rows += call.count
      if (call.isAlone) break
    }
    this.#queue.splice(0, calls.length)
    this.#waitingRows -= rows
    for (const { cancel } of calls) cancel()
    return calls
  }

  async #give(worker: PoolWorker, calls: readonly Call[]): Promise<void> {
    const count = calls.reduce((sum, call) => sum + call.count, 0)
    const began = this.#surroundings.timer()
    try {
      const rows = calls.map(call => call.rows)
      // Callers whose rows go together cannot all be told apart by the model: it hears of the first one's trace.
      const answers = await worker.answer(rows, count, calls.find(({ trace }) => trace !== undefined)?.trace)
      let at = 0
      for (const call of calls) {
        const length = call.count * this.#options.outputs
        call.out.set(answers.subarray(at, at + length))
        at += length
        call.resolve()
      }
      this.#failures = 0
      this.#policy.took(count, this.#surroundings.timer() - began)
    } catch (error) {
      this.#counts.failures++
      this.#again(calls, error)
    } finally {
      this.#counts.batches++
      this.#counts.rows += count
      this.#counts.busyMs += this.#surroundings.timer() - began
      if (worker.isAlive) this.#idle.push(worker)
      this.#pump()
      this.#settle()
    }
  }

  #again(calls: readonly Call[], error: unknown): void {
    if (calls.length === 1) {
      calls[0]!.reject(error)
      return
    }
    for (const call of calls) call.isAlone = true
    this.#queue.unshift(...calls)
    this.#waitingRows += calls.reduce((sum, call) => sum + call.count, 0)
  }

  #settle(): void {
    if (this.#queue.length > 0 && this.#workers.size === 0 && this.#isClosed) this.#refuseAll(this.#putAway())
    if (this.#queue.length === 0 && this.#idle.length === this.#workers.size) this.#drained?.()
  }

  #adopt(worker: PoolWorker): void {
    this.#workers.add(worker)
    this.#idle.push(worker)
    worker.onEnd = why => {
      this.#workers.delete(worker)
      const at = this.#idle.indexOf(worker)
      if (at !== -1) this.#idle.splice(at, 1)
      this.#failed(why)
      this.#settle()
    }
  }

  /** Starts a worker, now. */
  #begin(): void {
    const started = this.#start().then(
      worker => {
        this.#adopt(worker)
        if (this.#isClosed) return
        this.#pump()
      },
      error => this.#failed(error instanceof Problem ? error : new Problem('failed', String(error), { cause: error })),
    )
    this.#starting.add(started)
    void started.finally(() => this.#starting.delete(started))
  }

  #failed(why: Problem): void {
    this.#fault = why
    this.#failures++
    if (this.#isClosed) return
    const { timers, random, log } = this.#surroundings
    const wait = backoffMs(this.#failures, { ...RESTART, random })
    log.warn(
      { model: this.#options.name, why: why.message, againMs: Math.round(wait) },
      'a Python worker ended; it is started again',
    )
    if (this.#workers.size === 0 && this.#failures >= FAILURES_PATIENT) this.#refuseAll(why)
    const cancel = timers.after(wait, () => {
      this.#cancelRestart = this.#cancelRestart.filter(other => other !== cancel)
      this.#counts.restarts++
      this.#begin()
    })
    this.#cancelRestart.push(cancel)
  }

  #refuseAll(why: Problem): void {
    const calls = this.#queue
    this.#queue = []
    this.#waitingRows = 0
    for (const call of calls) {
      call.cancel()
      call.reject(why)
    }
  }

  #putAway(): Problem {
    return new Problem('unavailable', `Cannot ask ${this.#options.name}: its Python workers were put away; ask again`)
  }

  #tooMuch(): Problem {
    const found = `${this.#waitingRows} rows wait for its ${this.#options.workers} Python workers`
    return new Problem('overloaded', `Cannot ask ${this.#options.name}: ${found}`, { retryAfterSeconds: 1 })
  }
}

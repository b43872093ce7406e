/**
 * A load of several threads, which is one load: each has its share of the schedule and of the connections, all begin at the same
 * moment, and what they counted is added up.
 */
import { Worker } from 'node:worker_threads'
import { workerUrl } from '../platform/threads.ts'
import type { Endpoint } from './connection.ts'
import { type Loaded, type LoadPlan, monotonicMs, runLoad } from './run-load.ts'
import type { Arrivals, Lane } from './schedule.ts'
import { Tally, type TallyData } from './tally.ts'

/** Whole requests, one behind the other, and where each ends. Threads have them in the same memory. */
export interface PackedRequests {
  readonly bytes: SharedArrayBuffer
  readonly ends: Float64Array
}

/** What a thread is given. */
export interface LoadTask {
  readonly endpoint: Endpoint
  readonly requests: PackedRequests
  readonly rate: number
  readonly arrivals: Arrivals
  readonly seed: number
  readonly lane: Lane
  readonly connections: number
  readonly warmUpMs: number
  readonly measuredMs: number
  readonly timeoutMs: number
}

/** What it is told then: when to begin, by the clock that all threads have; or to end now. */
export type ToLoadWorker = { readonly kind: 'begin'; readonly atMs: number } | { readonly kind: 'stop' }

export type FromLoadWorker =
  | { readonly kind: 'opened' }
  | { readonly kind: 'progress'; readonly elapsedMs: number; readonly due: number }
  | { readonly kind: 'done'; readonly tally: TallyData; readonly measuredMs: number }
  | { readonly kind: 'failed'; readonly reason: string }

export interface ThreadsWatch {
  readonly signal: AbortSignal
  /** Called several times a second. @param due requests that have an outcome, without those of the warm-up. */
  onProgress(elapsedMs: number, due: number): void
}

/** From when all are told to when they begin: a message takes less. */
const BEGIN_AFTER_MS = 20
const SEEDS = 2 ** 32

/**
 * @param threads 1 is this one; no more than there are connections.
 * Rejects with an `Error` where the server cannot be reached at all.
 */
export function runThreads(plan: LoadPlan, threads: number, watch: ThreadsWatch): Promise<Loaded> {
  const { signal } = watch
  if (threads > 1) return new LoadCrew(plan, threads, watch).done
  return runLoad(plan, { signal, onProgress: (elapsedMs, tally) => watch.onProgress(elapsedMs, tally.due) })
}

class LoadCrew {
  readonly done: Promise<Loaded>
  readonly #tally: Tally
  readonly #watch: ThreadsWatch
  readonly #workers: readonly Worker[]
  readonly #progress: { elapsedMs: number; due: number }[]
  #opened = 0
  #left: number
  #measuredMs: number
  readonly #settle: { resolve: (loaded: Loaded) => void; reject: (error: Error) => void }

  constructor(plan: LoadPlan, threads: number, watch: ThreadsWatch) {
    const { warmUpMs, measuredMs } = plan
    this.#watch = watch
    this.#tally = new Tally(warmUpMs, warmUpMs + measuredMs)
    this.#measuredMs = measuredMs
    this.#left = threads
    this.#progress = Array.from({ length: threads }, () => ({ elapsedMs: 0, due: 0 }))
    const { promise, resolve, reject } = Promise.withResolvers<Loaded>()
    this.#settle = { resolve, reject }
    const requests = packed(plan.requests)
    this.#workers = this.#progress.map((_, at) => this.#hire(taskOf(plan, requests, { at, of: threads }), at))
    watch.signal.addEventListener('abort', this.#stop, { once: true })
    if (watch.signal.aborted) this.#stop()
    this.done = promise.finally(async () => {
      watch.signal.removeEventListener('abort', this.#stop)
      await Promise.all(this.#workers.map(worker => worker.terminate()))
    })
  }

  #hire(workerData: LoadTask, at: number): Worker {
    const worker = new Worker(workerUrl(import.meta.url, './load-worker'), { workerData, name: `load ${at + 1}` })
    worker.on('message', (message: FromLoadWorker) => this.#hear(message, at))
    worker.on('error', error => this.#settle.reject(error as Error))
    worker.on('exit', status => this.#settle.reject(new Error(`A thread of the load ended with status ${status}`)))
    return worker
  }

  #hear(message: FromLoadWorker, at: number): void {
    switch (message.kind) {
      case 'opened':
        if (++this.#opened === this.#workers.length) this.#tell({ kind: 'begin', atMs: monotonicMs() + BEGIN_AFTER_MS })
        return
      case 'progress':
        this.#progress[at] = message
        this.#watch.onProgress(
          Math.min(...this.#progress.map(({ elapsedMs }) => elapsedMs)),
          this.#progress.reduce((sum, { due }) => sum + due, 0),
        )
        return
      case 'failed':
        this.#settle.reject(new Error(message.reason))
        return
      case 'done':
        this.#tally.merge(message.tally)
        this.#measuredMs = Math.min(this.#measuredMs, message.measuredMs)
        if (--this.#left === 0) this.#settle.resolve({ tally: this.#tally, measuredMs: this.#measuredMs })
    }
  }

  readonly #stop = (): void => this.#tell({ kind: 'stop' })

  #tell(message: ToLoadWorker): void {
    for (const worker of this.#workers) worker.postMessage(message)
  }
}

function taskOf(plan: LoadPlan, requests: PackedRequests, lane: Lane): LoadTask {
  const { endpoint, rate, arrivals, random, connections, warmUpMs, measuredMs, timeoutMs } = plan
  const share = Math.floor(connections / lane.of) + (lane.at < connections % lane.of ? 1 : 0)
  const seed = Math.floor(random() * SEEDS)
  return { endpoint, requests, rate, arrivals, seed, lane, connections: share, warmUpMs, measuredMs, timeoutMs }
}

function packed(requests: readonly Buffer[]): PackedRequests {
  const ends = new Float64Array(requests.length)
  let end = 0
  for (const [i, request] of requests.entries()) {
    end += request.length
    ends[i] = end
  }
  const bytes = new SharedArrayBuffer(end)
  const all = new Uint8Array(bytes)
  for (const [i, request] of requests.entries()) all.set(request, ends[i]! - request.length)
  return { bytes, ends }
}

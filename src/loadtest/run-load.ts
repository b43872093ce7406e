/**
 * Sends requests by a schedule that does not wait for answers, and takes each latency from when its request was *due*. A
 * generator that waits for the answer before it sends the next request stops asking just while the server is slow, and so
 * does not see what its callers would have (coordinated omission; Tene, "How not to measure latency", 2013).
 *
 * Where all connections are taken, what is due waits for one, and the wait counts. After `timeoutMs` it is given up.
 *
 * A generator that is too slow looks like a slow server. So it measures itself on both sides: how late it sent while a connection
 * was free, and how long each answer can have lain unread. For the latter it never sleeps while an answer is awaited: an
 * answer that is read in one turn of the loop came after the sockets were looked at in the turn before.
 */
import type { Random } from '../math/random.ts'
import { Connection, type ConnectionEvents, type Endpoint } from './connection.ts'
import { type Arrivals, type Lane, schedule } from './schedule.ts'
import { Tally } from './tally.ts'

export interface LoadPlan {
  readonly endpoint: Endpoint
  /** Whole requests, sent in turn. */
  readonly requests: readonly Buffer[]
  /** Requests a second, of all lanes. */
  readonly rate: number
  /** Which share of the schedule this is; all of it where there is none. */
  readonly lane?: Lane
  readonly arrivals: Arrivals
  readonly random: Random
  /** Of this lane. */
  readonly connections: number
  /** Before what is measured, at the same rate. */
  readonly warmUpMs: number
  readonly measuredMs: number
  /** From when a request is due. */
  readonly timeoutMs: number
}

export interface LoadWatch {
  readonly signal: AbortSignal
  /** Called several times a second. @param elapsedMs of warm-up and measuring. */
  onProgress(elapsedMs: number, tally: Tally): void
  /** Called when all connections are open, where the load begins at a time of others: `monotonicMs` then. */
  opened?(begin: (atMs: number) => void): void
}

export interface Loaded {
  readonly tally: Tally
  /** Milliseconds that were measured: less than planned where it was interrupted. */
  readonly measuredMs: number
}

/** A timer of the machine comes up to a millisecond late: closer to the time, the loop is asked again and again. */
const WAKE_EARLY_MS = 2
const SWEEP_MS = 20

/** Milliseconds of a clock that all threads of the process have. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Resolves when everything due has an outcome. Rejects with an `Error` where the server cannot be reached at all. */
export function runLoad(plan: LoadPlan, watch: LoadWatch): Promise<Loaded> {
  return new LoadRun(plan, watch).done
}

class LoadRun {
  readonly done: Promise<Loaded>
  readonly #plan: LoadPlan
  readonly #watch: LoadWatch
  readonly #tally: Tally
  readonly #connections: readonly Connection[]
  readonly #idle: Connection[] = []
  readonly #queued = new Set<Connection>()
  readonly #next: () => number
  readonly #endMs: number
  #nextAt: number
  #sent: number
  readonly #stride: number
  /** Requests whose answers are awaited. */
  #busy = 0
  /** When the last two turns of the loop were over, before which sockets were looked at. */
  #turnAt = 0
  #turnBeforeAt = 0
  #startedAt = 0
  /** Connections that were opened once: the load begins when all are. */
  #opened = 0
  #state: 'opening' | 'running' | 'over' = 'opening'
  /** Something is due, and no connection is free for it. */
  #isStarved = false
  /** Why no connection could be opened since one last was. */
  #unreachable = ''
  #isWaking = false
  #isAsleep = false
  #wake: NodeJS.Timeout | NodeJS.Immediate | undefined
  #sweep: NodeJS.Timeout | undefined
  readonly #settle: { resolve: (loaded: Loaded) => void; reject: (error: Error) => void }

  constructor(plan: LoadPlan, watch: LoadWatch) {
    this.#plan = plan
    this.#watch = watch
    this.#endMs = plan.warmUpMs + plan.measuredMs
    this.#tally = new Tally(plan.warmUpMs, this.#endMs)
    const { at, of } = plan.lane ?? { at: 0, of: 1 }
    this.#sent = at
    this.#stride = of
    this.#next = schedule(plan.rate, plan.arrivals, plan.random, { at, of })
    this.#nextAt = this.#next()
    const { promise, resolve, reject } = Promise.withResolvers<Loaded>()
    this.done = promise
    this.#settle = { resolve, reject }
    const events = this.#events()
    this.#connections = Array.from({ length: plan.connections }, () => new Connection(plan.endpoint, events))
    for (const connection of this.#connections) connection.open()
    watch.signal.addEventListener('abort', this.#interrupt, { once: true })
    if (watch.signal.aborted) this.#interrupt()
  }

  #events(): ConnectionEvents {
    return {
      idle: connection => {
        this.#unreachable = ''
        this.#enqueue(connection)
        if (this.#state === 'running') this.#pump()
        else if (++this.#opened === this.#plan.connections) this.#open()
      },
      answered: ({ dueAt, sentAt }, status, sample) => {
        this.#busy--
        if (this.#state !== 'running') return
        const now = this.#now()
        this.#tally.answer(dueAt, sentAt, now, status, sample, Math.max(0, now - Math.max(this.#turnBeforeAt, sentAt)))
      },
      lost: ({ dueAt }, reason) => {
        this.#busy--
        this.#tally.none(dueAt, 'lost', 0, reason)
        if (this.#state === 'running') this.#pump()
      },
      unreachable: reason => {
        this.#unreachable = reason
        if (this.#state === 'opening') this.#end(new Error(reason))
      },
    }
  }

  #open(): void {
    if (this.#watch.opened === undefined) this.#start(monotonicMs())
    else this.#watch.opened(atMs => this.#state === 'opening' && this.#start(atMs))
  }

  #start(atMs: number): void {
    this.#state = 'running'
    this.#startedAt = performance.now() + atMs - monotonicMs()
    this.#sweep = setInterval(() => this.#onSweep(), SWEEP_MS)
    this.#pump()
  }

  /** Milliseconds since the start of the load. */
  #now(): number {
    return performance.now() - this.#startedAt
  }

  /** An entry of a connection that broke while it was idle stays, and is good again when it is open again. */
  #enqueue(connection: Connection): void {
    if (this.#queued.has(connection)) return
    this.#queued.add(connection)
    this.#idle.push(connection)
  }

  #takeIdle(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.shift()
      if (connection === undefined) return undefined
      this.#queued.delete(connection)
      if (connection.isIdle) return connection
    }
  }

  /** Sends everything that is due, as far as there are connections; whoever is answered next goes on. */
  #pump(): void {
    const { timeoutMs, requests } = this.#plan
    for (;;) {
      const now = this.#now()
      if (this.#nextAt >= this.#endMs || this.#nextAt > now) break
      if (now - this.#nextAt > timeoutMs) {
        this.#tally.waitedFor(this.#nextAt)
        this.#tally.none(this.#nextAt, 'unsent', timeoutMs, this.#unreachable)
      } else {
        const connection = this.#takeIdle()
        this.#isStarved ||= connection === undefined
        if (connection === undefined) {
          this.#wakeAt(now)
          return
        }
        // While connections lack, it is the server's doing how late something is sent; else it is ours.
        if (this.#isStarved) this.#tally.waitedFor(this.#nextAt)
        else this.#tally.sent(this.#nextAt, now - this.#nextAt)
        this.#busy++
        connection.send(requests[this.#sent % requests.length]!, this.#nextAt, now)
        this.#sent += this.#stride
      }
      this.#nextAt = this.#next()
    }
    this.#isStarved = false
    if (this.#nextAt < this.#endMs) this.#wakeAt(this.#nextAt)
    else if (this.#busy > 0) this.#wakeAt(this.#now())
    else this.#end(this.#plan.measuredMs)
  }

  #wakeAt(at: number): void {
    if (this.#isWaking) return
    this.#isWaking = true
    const wait = at - this.#now()
    this.#isAsleep = this.#busy === 0 && wait > WAKE_EARLY_MS
    this.#wake = this.#isAsleep
      ? setTimeout(this.#onWake, Math.floor(wait - WAKE_EARLY_MS))
      : setImmediate(this.#onWake)
  }

  readonly #onWake = (): void => {
    this.#isWaking = false
    if (this.#state !== 'running') return
    const wasAsleep = this.#isAsleep
    this.#pump()
    const now = this.#now()
    this.#turnBeforeAt = wasAsleep ? now : this.#turnAt
    this.#turnAt = now
  }

  /** What is not answered in time, sent or not, is given up. */
  #onSweep(): void {
    const now = this.#now()
    const { timeoutMs } = this.#plan
    for (const connection of this.#connections) {
      if (!connection.isBusy || now - connection.dueAt <= timeoutMs) continue
      this.#busy--
      this.#tally.none(connection.dueAt, 'timeout', timeoutMs)
      connection.abandon()
    }
    this.#watch.onProgress(Math.min(now, this.#endMs), this.#tally)
    this.#pump()
  }

  readonly #interrupt = (): void => {
    this.#end(this.#state === 'running' ? Math.min(this.#now(), this.#endMs) - this.#plan.warmUpMs : 0)
  }

  /** @param measured milliseconds, or why there is nothing to tell. */
  #end(measured: number | Error): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#watch.signal.removeEventListener('abort', this.#interrupt)
    clearInterval(this.#sweep)
    clearTimeout(this.#wake as NodeJS.Timeout | undefined)
    clearImmediate(this.#wake as NodeJS.Immediate | undefined)
    for (const connection of this.#connections) connection.close()
    if (measured instanceof Error) this.#settle.reject(measured)
    else this.#settle.resolve({ tally: this.#tally, measuredMs: Math.max(0, measured) })
  }
}

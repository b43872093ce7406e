/** The worker: takes jobs from a store and does them, several at once, until it is stopped. */
import type { Clock } from './clock.ts'
import type { Ids } from './ids.ts'
import type { Job, JobStore } from './jobs.ts'
import type { Timers } from './timers.ts'

/**
 * Does a job of one kind. Rejecting means that it is to be tried again; it must bear being started again after an attempt
 * that got anywhere. `signal` is aborted when the worker is stopped or the lease was lost: what can be cut short, should.
 */
export type JobHandler = (job: Job, signal: AbortSignal) => Promise<void>

/** Something periodic: a job of `kind` is enqueued in each period, unless the one before is not done yet. */
export interface Schedule {
  readonly name: string
  readonly kind: string
  readonly payload?: unknown
  readonly everyMs: number
}

export interface JobsParts {
  readonly store: JobStore
  readonly handlers: Readonly<Record<string, JobHandler>>
  readonly schedules?: readonly Schedule[]
  readonly clock: Clock
  readonly timers: Timers
  readonly ids: Ids
  /** From 0 to below 1; spreads the repetitions of jobs that failed together. */
  readonly random: () => number
  /** Most jobs at once; default 2. */
  readonly concurrency?: number
  /** How long a job is held without a sign of life; default a minute. A third of it is the time between two signs. */
  readonly leaseMs?: number
  /** How often the store is asked while nothing happens here; default a second. */
  readonly pollMs?: number
  /** Told of each attempt that failed, and (without a job) when the store itself could not be used. */
  readonly onError: (error: unknown, job?: Job) => void
}

export interface JobsWorker {
  /** Asks the store now, because there is something new. Resolves when what was found has been started. */
  wake(): Promise<void>
  /** Takes no more jobs, cuts the running ones short and waits for them. One cut short comes again as if not started. */
  stop(): Promise<void>
}

/** Why a signal was aborted when it was not the job's own fault. */
const STOPPED = 'The worker was stopped'

const CONCURRENCY = 2
const LEASE_MS = 60_000
const POLL_MS = 1_000
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 30 * 60_000

/**
 * Time until a job is tried again: doubles with each attempt from a second to half an hour, of which a random half is taken
 * off, so that jobs which failed together do not come back together («equal jitter», Brooker 2015).
 *
 * @param attempt that failed; 1 is the first.
 * @param random from 0 to below 1.
 */
export function retryMs(attempt: number, random: number): number {
  const whole = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(attempt - 1, 30))
  return Math.round(whole * (0.5 + random / 2))
}

export function runJobs(parts: JobsParts): JobsWorker {
  const { store, handlers, clock, timers, ids, onError } = parts
  const { concurrency = CONCURRENCY, leaseMs = LEASE_MS, pollMs = POLL_MS } = parts
  const running = new Map<Job, { readonly ended: Promise<void>; readonly controller: AbortController }>()
  let polling: Promise<void> = Promise.resolve()
  let queued: Promise<void> | undefined
  let isStopping = false
  let cancelPoll = (): void => {}

  const start = (job: Job): void => {
    const controller = new AbortController()
    const ended = attempt(job, controller, parts, leaseMs).finally(() => running.delete(job))
    running.set(job, { ended, controller })
    void ended.then(wake)
  }

  const poll = async (): Promise<void> => {
    await enqueueDue(parts)
    const limit = concurrency - running.size
    if (limit <= 0 || isStopping) return
    const jobs = await store.lease({
      kinds: Object.keys(handlers),
      limit,
      token: ids.next(),
      now: clock.now(),
      leaseMs,
    })
    // Stopped meanwhile: nothing was begun, so nothing is to be counted as an attempt.
    if (isStopping) for (const job of jobs) await store.giveBack(job)
    else for (const job of jobs) start(job)
  }

  /** One poll after the other; those asked for while one is under way are one. */
  const wake = (): Promise<void> => {
    if (queued !== undefined) return queued
    const next = polling.then(async () => {
      queued = undefined
      cancelPoll()
      if (isStopping) return
      await poll().catch((error: unknown) => onError(error))
      if (!isStopping && queued === undefined) cancelPoll = timers.after(pollMs, () => void wake())
    })
    queued = next
    polling = next
    return next
  }

  void wake()
  return {
    wake,
    async stop(): Promise<void> {
      isStopping = true
      cancelPoll()
      for (const { controller } of running.values()) controller.abort(STOPPED)
      await polling
      await Promise.all([...running.values()].map(({ ended }) => ended))
    },
  }
}

async function enqueueDue({ store, schedules = [], clock, ids }: JobsParts): Promise<void> {
  for (const { name, kind, payload, everyMs } of schedules) {
    const at = clock.now()
    if (!(await store.isDue(name, everyMs, at))) continue
    await store.enqueue({ id: ids.next(), kind, payload, uniqueKey: `schedule:${name}`, at })
  }
}

/** One attempt, with signs of life while it lasts. Never rejects. */
async function attempt(job: Job, controller: AbortController, parts: JobsParts, leaseMs: number): Promise<void> {
  const stopSigns = signsOfLife(job, controller, parts, leaseMs)
  try {
    await (parts.handlers[job.kind] as JobHandler)(job, controller.signal)
    stopSigns()
    await parts.store.done(job)
  } catch (error) {
    stopSigns()
    await failed(error, job, controller.signal, parts)
  }
}

/** Extends the lease again and again until told to stop; aborts the work where the lease was lost. */
function signsOfLife(
  job: Job,
  controller: AbortController,
  { store, clock, timers, onError }: JobsParts,
  leaseMs: number,
): () => void {
  let isOver = false
  let cancel = (): void => {}
  const next = (): void => {
    if (!isOver) cancel = timers.after(Math.ceil(leaseMs / 3), sign)
  }
  const sign = (): void => {
    store.extend(job, clock.now() + leaseMs).then(
      isHeld => {
        if (isHeld || isOver) next()
        else controller.abort()
      },
      (error: unknown) => {
        // The store may be back before the lease runs out.
        onError(error, job)
        next()
      },
    )
  }
  next()
  return () => {
    isOver = true
    cancel()
  }
}

async function failed(
  error: unknown,
  job: Job,
  signal: AbortSignal,
  { store, clock, random, onError }: JobsParts,
): Promise<void> {
  try {
    if (signal.reason === STOPPED) {
      await store.giveBack(job)
      return
    }
    onError(error, job)
    const now = clock.now()
    const text = error instanceof Error ? error.message : String(error)
    await store.fail(job, { error: text, retryAt: now + retryMs(job.attempt, random()), now })
  } catch (unsaid) {
    // The lease runs out by itself, and the job comes again.
    onError(unsaid, job)
  }
}

/**
 * The process that owns the data folder, as its workers know it (docs/adr/0024): it writes their records, counts what they
 * answered, lends them its database, passes on what changed, and tells what all of them together are.
 */
import type { BucketStore } from '../access/rates.ts'
import { asProblem, Problem } from '../errors.ts'
import type { OpenedLedger } from '../ledger/open-ledger.ts'
import type { Refusal, Refusals } from '../ledger/refusals.ts'
import type { Config } from '../platform/config.ts'
import type { Database } from '../platform/database.ts'
import type { Log } from '../platform/log.ts'
import { type Exposition, lastingMetrics, mergeMetrics } from '../platform/merge-metrics.ts'
import type { Metrics, MetricsFormat } from '../platform/metrics.ts'
import { shareDatabase } from '../platform/remote-database.ts'
import { workerUrl } from '../platform/threads.ts'
import type { Timers } from '../platform/timers.ts'
import type { Quota } from '../platform/token-bucket.ts'
import type { AliasMove } from '../registry/registry.ts'
import type { Counting } from './counting.ts'
import {
  BEGIN,
  LANE,
  METRICS,
  REFRESH,
  REFUSED,
  type Ready,
  TOKENS,
  type Told,
  type ToldLane,
  WARM,
} from './protocol.ts'
import { type Supervisor, supervisor, type WorkerProcess } from './supervisor.ts'
import { takeBatches } from './take-batches.ts'
import { wholeLines } from './whole-lines.ts'

export interface CrewParts {
  readonly config: Config
  /** The data folder. */
  readonly path: string
  readonly db: Database
  readonly ledger: Pick<OpenedLedger, 'appendLines'>
  readonly refusals: Pick<Refusals, 'record'>
  readonly counting: Counting
  /** Of limits of rate, where there are any. */
  readonly buckets: BucketStore | undefined
  readonly metrics: Pick<Metrics, 'family' | 'beside'>
  readonly log: Pick<Log, 'info' | 'warn' | 'error' | 'lines'>
  readonly timers: Timers
  readonly timer: () => number
  readonly random: () => number
  /** Options of Node for the workers. */
  readonly flags: readonly string[]
}

/** Where workers send what they do not answer, and where they answer. */
export interface CrewPlace extends Pick<Told, 'ownerAuthorization' | 'doorPath' | 'host' | 'port'> {}

export interface Crew {
  /** Starts the workers; resolves with the address at which all of them answer. */
  start(place: CrewPlace): Promise<Ready>
  /** Resolves when every worker knows what was changed before. One that cannot be told is ended. */
  refresh(): Promise<void>
  /** For `registry.beforeMove`: has workers load a version before they are asked for it. */
  warm(move: AliasMove): Promise<void>
  /** Throws where no worker answers. */
  requireOne(): void
  /** Puts new workers in the place of all, one after another, so that no request is dropped. */
  renew(): Promise<void>
  stop(withinMs: number): Promise<void>
}

interface Tokens {
  readonly names: readonly string[]
  readonly quotas: readonly Quota[]
}

const REFRESH_MS_MAX = 10_000
const METRICS_MS_MAX = 2_000

export function openCrew(parts: CrewParts): Crew {
  return new OpenCrew(parts)
}

class OpenCrew implements Crew {
  readonly #parts: CrewParts
  readonly #supervisor: Supervisor
  /** What each exposed last, and what those that are gone have counted. */
  readonly #exposed = new Map<WorkerProcess, string>()
  #departed = ''
  #place: CrewPlace | undefined
  #ready: Ready | undefined
  #port: number | undefined

  constructor(parts: CrewParts) {
    this.#parts = parts
    const { config, flags, log, timers, timer, random, metrics } = parts
    this.#supervisor = supervisor({
      count: config.server.workers,
      program: workerUrl(import.meta.url, './main'),
      flags,
      welcome: worker => this.#welcome(worker),
      bury: worker => this.#bury(worker),
      ready: ready => {
        this.#ready = ready
      },
      log,
      timers,
      timer,
      random,
    })
    metrics.family(() => this.#render())
    metrics.beside(format => this.#exposedByAll(format))
  }

  async start(place: CrewPlace): Promise<Ready> {
    this.#place = place
    await this.#supervisor.start()
    return this.#ready!
  }

  async refresh(): Promise<void> {
    await Promise.all(this.#supervisor.all().map(worker => this.#refreshOne(worker)))
  }

  async warm(move: AliasMove): Promise<void> {
    const asked = this.#supervisor.all().map(async ({ link }) => {
      await link.ask(WARM, move).catch((error: unknown) => {
        // One that ends meanwhile is no reason: the next one begins without any model.
        if (!link.isGone) throw error
      })
    })
    await Promise.all(asked)
  }

  requireOne(): void {
    if (this.#supervisor.serving() > 0) return
    throw new Problem('unavailable', `Cannot answer: none of ${this.#parts.config.server.workers} workers does`)
  }

  renew(): Promise<void> {
    return this.#supervisor.renew()
  }

  stop(withinMs: number): Promise<void> {
    return this.#supervisor.stop(withinMs)
  }

  #welcome(worker: WorkerProcess): void {
    const { db, ledger, refusals, log, counting, buckets } = this.#parts
    const { link, output } = worker
    const counts = counting.ofWorker()
    link.answer(BEGIN, () => this.#told(worker))
    link.answer(REFUSED, (refusal: Refusal) => refusals.record(refusal))
    link.answer(LANE, (lane: ToldLane) => counts.lane(lane))
    link.answer(TOKENS, ({ names, quotas }: Tokens) => buckets?.takeAll(names, quotas) ?? [])
    shareDatabase(link, db)
    takeBatches(link, ledger, calls => counts.count(calls))
    const lines = wholeLines(bytes => log.lines(bytes))
    output.on('data', (chunk: Buffer) => lines.push(chunk))
    output.on('end', () => lines.end())
  }

  #told({ number }: WorkerProcess): Told {
    const { config, path, db } = this.#parts
    const place = this.#place!
    // The cluster shares a socket among those who ask for the same port. Where it closed because none was left, and any port
    // had been wanted, the one that was found is wanted now.
    if (this.#ready !== undefined && this.#supervisor.serving() === 0) this.#port = this.#ready.port
    return { number, config, path, engine: db.engine, ...place, port: this.#port ?? place.port }
  }

  async #refreshOne(worker: WorkerProcess): Promise<void> {
    const { timers, log } = this.#parts
    const giveUp = (why: string): void => {
      log.error({ worker: worker.number, pid: worker.pid, why }, 'A worker does not take over a change: it is ended')
      this.#supervisor.kill(worker)
    }
    const late = timers.after(REFRESH_MS_MAX, () => giveUp(`no word after ${REFRESH_MS_MAX} ms`))
    try {
      await worker.link.ask(REFRESH)
    } catch (error) {
      if (!worker.link.isGone) giveUp(asProblem(error).message)
      await worker.link.gone
    } finally {
      late()
    }
  }

  #bury(worker: WorkerProcess): void {
    const text = this.#exposed.get(worker)
    this.#exposed.delete(worker)
    // What it counted stays counted, as far as it was asked: a counter that goes back would be taken for a new start.
    if (text !== undefined) this.#departed = mergeMetrics(this.#departed, [{ text: lastingMetrics(text), label: '' }])
  }

  async #exposedByAll(format: MetricsFormat): Promise<readonly Exposition[]> {
    const { timers } = this.#parts
    const workers = this.#supervisor.all()
    const late = Promise.withResolvers<void>()
    const cancel = timers.after(METRICS_MS_MAX, late.resolve)
    const asked = workers.map(async worker => {
      const text = await worker.link.ask<string>(METRICS, format)
      if (this.#supervisor.all().includes(worker)) this.#exposed.set(worker, text)
    })
    await Promise.race([Promise.allSettled(asked), late.promise])
    cancel()
    const living = workers.flatMap(worker => {
      const text = this.#exposed.get(worker)
      return text === undefined ? [] : [{ text, label: `worker="${worker.number}"` }]
    })
    return [{ text: this.#departed, label: '' }, ...living]
  }

  #render(): string {
    const family = (name: string, type: string, help: string, value: number): string =>
      `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`
    const { config } = this.#parts
    return (
      family('workers_wanted', 'gauge', 'Worker processes that are to answer.', config.server.workers) +
      family('workers_answering', 'gauge', 'Worker processes that answer.', this.#supervisor.serving()) +
      family('workers_replaced_total', 'counter', 'Workers that ended by themselves.', this.#supervisor.replaced())
    )
  }
}

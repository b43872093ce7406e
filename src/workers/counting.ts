/** Counts what workers answered, in the process that keeps the counts. */
import type { Watch } from '../monitoring/watch.ts'
import type { Log } from '../platform/log.ts'
import type { Registry } from '../registry/registry.ts'
import type { LaneNumbers } from '../serving/lane.ts'
import type { ServedLane, ServedObserver } from '../serving/served.ts'
import { readCalls } from './calls.ts'
import type { ToldLane } from './protocol.ts'

export interface Counting {
  /** For the calls of one worker, whose lanes have numbers of their own. */
  ofWorker(): WorkerCounting
}

export interface WorkerCounting {
  lane(told: ToldLane): Promise<void>
  /** Counts calls whose records were written; of lanes that were told before. */
  count(calls: Float64Array): void
}

export interface CountingParts {
  readonly watch: Pick<Watch, 'counted'>
  /** Told after the watch. */
  readonly observers: readonly ServedObserver[]
  readonly registry: Pick<Registry, 'profile' | 'refresh'> & {
    readonly catalogue: Pick<Registry['catalogue'], 'version'>
  }
  readonly numberOf: LaneNumbers
  readonly log: Pick<Log, 'error'>
}

export function openCounting(parts: CountingParts): Counting {
  const lanes = new Map<number, Promise<ServedLane>>()
  const laneOf = ({ model, version, release, arm }: ToldLane): Promise<ServedLane> => {
    const number = parts.numberOf(model, version, release, arm)
    let lane = lanes.get(number)
    if (lane === undefined) {
      lane = servedLane(parts, number, model, version)
      lanes.set(number, lane)
      lane.catch(() => lanes.delete(number))
    }
    return lane
  }
  return { ofWorker: () => new LanesOfWorker(parts, laneOf) }
}

async function servedLane(parts: CountingParts, number: number, model: string, name: string): Promise<ServedLane> {
  const { registry, log } = parts
  // Of replicas, a worker may have read of a version a moment before this process.
  if (registry.catalogue.version(model, name) === undefined) await registry.refresh()
  const version = registry.catalogue.version(model, name)
  if (version === undefined) throw new Error(`Cannot count calls of ${model}@${name}: there is no such version`)
  if (version.profile === undefined) return { number, model: { version } }
  try {
    return { number, model: { version, profile: await registry.profile(model, name) } }
  } catch (error) {
    const message = 'A reference profile cannot be read: its columns are not watched'
    log.error({ error: String(error), model, version: name }, message)
    return { number, model: { version } }
  }
}

class LanesOfWorker implements WorkerCounting {
  readonly #parts: CountingParts
  readonly #laneOf: (told: ToldLane) => Promise<ServedLane>
  readonly #lanes: ServedLane[] = []
  readonly #columns: number[] = []
  /** Lanes that are being read. */
  #unread = 0
  #waiting: Float64Array[] = []

  constructor(parts: CountingParts, laneOf: (told: ToldLane) => Promise<ServedLane>) {
    this.#parts = parts
    this.#laneOf = laneOf
  }

  async lane(told: ToldLane): Promise<void> {
    this.#columns[told.number] = told.columns
    this.#unread++
    try {
      this.#lanes[told.number] = await this.#laneOf(told)
    } catch (error) {
      this.#parts.log.error({ error: String(error), model: told.model, version: told.version }, 'Calls are not counted')
    } finally {
      this.#unread--
    }
    if (this.#unread > 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const calls of waiting) this.count(calls)
  }

  count(calls: Float64Array): void {
    if (this.#unread > 0) {
      this.#waiting.push(calls)
      return
    }
    const { watch, observers } = this.#parts
    for (const { at, latencyMs, lane: number, rows, slots } of readCalls(calls, lane => this.#columns[lane]!)) {
      const lane = this.#lanes[number]
      if (lane === undefined) continue
      const call = { at, latencyMs, problem: undefined, lane, rows: { count: rows }, slots }
      watch.counted(call)
      for (const observe of observers) observe(call)
    }
  }
}

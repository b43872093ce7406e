/**
 * How each version answered over the last hour, in memory: what an overview and a scrape read. It begins anew with the
 * process; what was before is in the windows of the watch.
 */
import type { Refused } from '../ledger/refusals.ts'
import type { Clock } from '../platform/clock.ts'
import type { ServedLane, ServedObserver } from '../serving/served.ts'
import { latencyBucket } from './latency-bins.ts'
import {
  judgeService,
  type ServiceCounts,
  type ServiceFigures,
  type ServiceJudgement,
  type ServiceTargets,
  serviceFigures,
} from './service-levels.ts'
import { LATENCY_LOWERS } from './window-counts.ts'

export interface RecentService extends ServiceFigures, ServiceJudgement {
  /** Predictions of the last hour. */
  readonly predictions: number
  /** Predictions by five minutes, oldest first; the last ones are not over yet. */
  readonly series: readonly number[]
}

export interface ServiceWatch {
  readonly observe: ServedObserver
  readonly refused: Refused
  /** Of a version, or of all of a model; undefined where none was asked since the process began. */
  recent(model: string, version: string | undefined, targets: ServiceTargets): RecentService | undefined
  /** Versions that were asked, or refused. */
  versions(): readonly { readonly model: string; readonly version: string }[]
}

const SLOT_MS = 300_000
const SLOTS = 12
/** So many calls of the last minutes are enough to judge by; with fewer, the hour is judged. */
const CALLS_ENOUGH = 100

interface Slot {
  /** Since the epoch, in lengths of a slot. */
  number: number
  rows: number
  invocations: number
  readonly refusals: Map<string, number>
  readonly latency: Uint32Array
}

interface VersionSlots {
  readonly model: string
  readonly version: string
  readonly slots: readonly Slot[]
}

export function serviceWatch({ clock }: { readonly clock: Clock }): ServiceWatch {
  const startedAt = clock.now()
  const versions = new Map<string, VersionSlots>()
  const lanes: VersionSlots[] = []

  const slotsOf = (model: string, version: string): VersionSlots => {
    const key = JSON.stringify([model, version])
    const known = versions.get(key)
    if (known !== undefined) return known
    const made = { model, version, slots: Array.from({ length: SLOTS }, emptySlot) }
    versions.set(key, made)
    return made
  }
  const ofLane = ({ number, model: { version } }: ServedLane): VersionSlots => {
    const found = slotsOf(version.model, version.version)
    lanes[number] = found
    return found
  }

  return {
    observe(journey) {
      const { lane, problem, rows, at } = journey
      if (problem !== undefined || lane === undefined || rows === undefined) return
      const slot = slotAt(lanes[lane.number] ?? ofLane(lane), at)
      slot.rows += rows.count
      slot.invocations += 1
      slot.latency[latencyBucket(journey.latencyMs)]! += rows.count
    },
    refused({ model, version = '', at, code, count }) {
      if (model === undefined) return // of no model that exists
      const { refusals } = slotAt(slotsOf(model, version), at)
      refusals.set(code, (refusals.get(code) ?? 0) + count)
    },
    recent(model, version, targets) {
      const of = [...versions.values()].filter(
        other => other.model === model && (version === undefined || other.version === version),
      )
      return of.length === 0 ? undefined : read(of, clock.now(), startedAt, targets)
    },
    versions: () => [...versions.values()].map(({ model, version }) => ({ model, version })),
  }
}

function emptySlot(): Slot {
  return { number: -1, rows: 0, invocations: 0, refusals: new Map(), latency: new Uint32Array(LATENCY_LOWERS.length) }
}

function slotAt({ slots }: VersionSlots, at: number): Slot {
  const number = Math.floor(at / SLOT_MS)
  const slot = slots[number % SLOTS]!
  if (slot.number === number) return slot
  slot.number = number
  slot.rows = 0
  slot.invocations = 0
  slot.refusals.clear()
  slot.latency.fill(0)
  return slot
}

function read(of: readonly VersionSlots[], now: number, startedAt: number, targets: ServiceTargets): RecentService {
  const last = Math.floor(now / SLOT_MS)
  const between = (first: number): Slot[] =>
    of.flatMap(({ slots }) => slots.filter(({ number }) => number >= first && number <= last))
  const hour = sum(between(last - SLOTS + 1))
  const minutes = sum(between(last - 1))
  const isEnough = minutes.calls >= CALLS_ENOUGH
  const judged = isEnough ? minutes : hour
  const first = isEnough ? last - 1 : last - SLOTS + 1
  const seconds = Math.max(1, now - Math.max(first * SLOT_MS, startedAt)) / 1000
  return {
    ...serviceFigures(judged, seconds),
    ...judgeService(judged, targets),
    predictions: hour.rows,
    series: Array.from({ length: SLOTS }, (_, index) => {
      const number = last - SLOTS + 1 + index
      return of.reduce((rows, { slots }) => rows + rowsOf(slots[number % SLOTS]!, number), 0)
    }),
  }
}

function rowsOf(slot: Slot, number: number): number {
  return slot.number === number ? slot.rows : 0
}

function sum(slots: readonly Slot[]): ServiceCounts & { readonly calls: number } {
  const latency = new Float64Array(LATENCY_LOWERS.length)
  const refusals: Record<string, number> = {}
  let rows = 0
  let invocations = 0
  let refused = 0
  for (const slot of slots) {
    rows += slot.rows
    invocations += slot.invocations
    for (const [code, count] of slot.refusals) {
      refusals[code] = (refusals[code] ?? 0) + count
      refused += count
    }
    for (let bucket = 0; bucket < latency.length; bucket++) latency[bucket]! += slot.latency[bucket]!
  }
  return { rows, invocations, refusals, latency, calls: invocations + refused }
}

/** What each version was asked since the process began, as inference protocols tell it: rows, calls, and the time they took. */
import type { Journey } from './journey.ts'
import type { Served } from './served.ts'

export interface CallStatistics {
  readonly model: string
  readonly version: string
  /** Milliseconds since the epoch; 0: never. */
  lastAt: number
  /** Rows that were answered, and the calls that brought them. */
  rows: number
  calls: number
  /** Of all answered calls, milliseconds: from the door to the record, and of that to the last prediction. */
  tookMs: number
  predictedMs: number
  /** Calls that were refused, and how long that took, milliseconds. */
  refused: number
  refusedMs: number
}

/** A journey; or a call that a worker answered, of which the time after the last prediction is not known. */
type Counted = Served & Partial<Pick<Journey, 'model' | 'version' | 'tookMs'>>

export interface StatisticsBook {
  readonly observe: (call: Counted) => void
  /** Of one version; zeros where it was not asked. */
  of(model: string, version: string): Readonly<CallStatistics>
}

export function openStatistics(): StatisticsBook {
  const byVersion = new Map<string, CallStatistics>()
  /** The same by the number of the lane, so that a call looks for no name. */
  const byLane: CallStatistics[] = []
  const entry = (model: string, version: string): CallStatistics => {
    const key = `${model}@${version}`
    const found = byVersion.get(key) ?? nothing(model, version)
    byVersion.set(key, found)
    return found
  }
  return {
    observe(journey) {
      const { lane, problem } = journey
      if (problem !== undefined) noteRefusal(journey, entry)
      else if (lane !== undefined) {
        const { model, version } = lane.model.version
        byLane[lane.number] ??= entry(model, version)
        noteAnswer(byLane[lane.number]!, journey)
      }
    },
    of: (model, version) => byVersion.get(`${model}@${version}`) ?? nothing(model, version),
  }
}

function nothing(model: string, version: string): CallStatistics {
  return { model, version, lastAt: 0, rows: 0, calls: 0, tookMs: 0, predictedMs: 0, refused: 0, refusedMs: 0 }
}

function noteAnswer(statistics: CallStatistics, { at, rows, latencyMs, tookMs = latencyMs }: Counted): void {
  statistics.lastAt = at
  statistics.rows += rows!.count
  statistics.calls++
  statistics.tookMs += tookMs
  statistics.predictedMs += latencyMs
}

/** Of one that reached no version nothing is kept here: there is nothing that it would be a statistic of. */
function noteRefusal(
  { model, version, tookMs = 0 }: Counted,
  entry: (model: string, version: string) => CallStatistics,
): void {
  if (model === undefined || version === undefined) return
  const statistics = entry(model, version)
  statistics.refused++
  statistics.refusedMs += tookMs
}

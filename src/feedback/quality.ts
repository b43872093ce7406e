/**
 * How good the answers of a version were, as far as it is known. Windows that are over are judged once and remembered until
 * an outcome of one of their predictions comes.
 */
import { Problem } from '../errors.ts'
import type { OpenedLedger } from '../ledger/open-ledger.ts'
import type { JudgedWindow } from '../ledger/quality-question.ts'
import type { Clock } from '../platform/clock.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { Touched } from './intake.ts'
import { judgingOf } from './judging.ts'
import type { QualityStore } from './store.ts'

export interface QualityRange {
  readonly since: number
  readonly until: number
  readonly stepMs: number
}

export interface Quality {
  /** Whole windows, aligned to multiples of the step, oldest first. */
  windows(version: ModelVersion, range: QualityRange): Promise<readonly JudgedWindow[]>
  /** All of a range as one window. */
  total(version: ModelVersion, range: Omit<QualityRange, 'stepMs'>): Promise<JudgedWindow>
  /** An outcome is about to be written: what is remembered of its window goes. */
  before(touched: readonly Touched[]): Promise<void>
  /** It was written, or could not be. */
  after(touched: readonly Touched[]): void
}

export interface QualityParts {
  readonly ledger: Pick<OpenedLedger, 'judgeWindows' | 'keyId'>
  readonly store: QualityStore
  readonly clock: Clock
}

export const WINDOWS_MAX = 1000
/** A window is over when no prediction can come into it any more: their time is taken a moment before they are written. */
const OVER_MS = 60_000
const KEEP_MS = 30 * 86_400_000

export function openQuality(parts: QualityParts): Quality {
  const { ledger, store } = parts
  const writings = new Writings()
  return {
    windows: async (version, range) => rememberedWindows(parts, writings, version, aligned(range)),
    async total(version, { since, until }): Promise<JudgedWindow> {
      const [window] = await judge(parts, version, { since, until, stepMs: until - since })
      return window!
    },
    async before(touched): Promise<void> {
      const byVersion = Map.groupBy(touched, keyOf)
      for (const key of byVersion.keys()) writings.begin(key)
      for (const of of byVersion.values()) {
        const { model, version } = of[0]!
        const first = of.reduce((at, one) => Math.min(at, one.at), Number.POSITIVE_INFINITY)
        const last = of.reduce((at, one) => Math.max(at, one.at), 0)
        await store.forget({ ledger: ledger.keyId, model, version }, first, last)
      }
    },
    after(touched): void {
      for (const key of new Set(touched.map(keyOf))) writings.end(key)
    },
  }
}

/** Counts the writings of a version, so that what was judged while one went on is not remembered: it may be of the time before. */
class Writings {
  readonly #counts = new Map<string, { ends: number; running: number }>()

  begin(key: string): void {
    const { ends, running } = this.#of(key)
    this.#counts.set(key, { ends, running: running + 1 })
  }

  end(key: string): void {
    const { ends, running } = this.#of(key)
    this.#counts.set(key, { ends: ends + 1, running: running - 1 })
  }

  /** What says whether something was written since; undefined while something is. */
  mark(key: string): number | undefined {
    const { ends, running } = this.#of(key)
    return running === 0 ? ends : undefined
  }

  #of(key: string): { readonly ends: number; readonly running: number } {
    return this.#counts.get(key) ?? { ends: 0, running: 0 }
  }
}

function keyOf({ model, version }: { readonly model: string; readonly version: string }): string {
  return `${model}@${version}`
}

function judge({ ledger }: QualityParts, version: ModelVersion, range: QualityRange): Promise<JudgedWindow[]> {
  return ledger.judgeWindows({ model: version.model, version: version.version, ...range, judging: judgingOf(version) })
}

async function rememberedWindows(
  parts: QualityParts,
  writings: Writings,
  version: ModelVersion,
  { since, until, stepMs }: QualityRange,
): Promise<readonly JudgedWindow[]> {
  const { ledger, store, clock } = parts
  const place = { ledger: ledger.keyId, model: version.model, version: version.version }
  const key = keyOf(place)
  const mark = writings.mark(key)
  const now = clock.now()
  const known = new Map((await store.windows(place, stepMs, { since, until })).map(window => [window.from, window]))
  const starts = Array.from({ length: (until - since) / stepMs }, (_, window) => since + window * stepMs)
  const missing = starts.filter(from => !known.has(from))
  if (missing.length > 0) {
    const judged = await judge(parts, version, { since: missing[0]!, until: missing.at(-1)! + stepMs, stepMs })
    const over = judged.filter(({ from, to }) => to <= now - OVER_MS && !known.has(from))
    if (over.length > 0 && mark !== undefined && writings.mark(key) === mark) {
      await store.put(place, over, now, now - KEEP_MS)
      // What came while they were stored may have found nothing to forget yet.
      if (writings.mark(key) !== mark) await store.forget(place, over[0]!.from, over.at(-1)!.to - 1)
    }
    for (const window of judged) known.set(window.from, window)
  }
  return starts.map(from => known.get(from)!)
}

/** Throws `invalid` for a range without an end after its beginning, or of too many windows. */
function aligned({ since, until, stepMs }: QualityRange): QualityRange {
  const from = Math.floor(since / stepMs) * stepMs
  const to = Math.ceil(until / stepMs) * stepMs
  const windows = (to - from) / stepMs
  if (!(until > since)) throw fault('until', `is ${until}, wanted a time after since, which is ${since}`)
  if (windows > WINDOWS_MAX)
    throw fault('step', `makes ${windows} windows of this range, at most ${WINDOWS_MAX} are answered`)
  return { since: from, until: to, stepMs }
}

function fault(field: string, problem: string): Problem {
  return new Problem('invalid', `Cannot tell the quality: ${field} ${problem}`, { fields: [{ field, problem }] })
}

/** Share of the predictions whose outcome is known; undefined where there are none. */
export function maturityOf({
  predictions,
  outcomes,
}: Pick<JudgedWindow, 'predictions' | 'outcomes'>): number | undefined {
  return predictions === 0 ? undefined : outcomes / predictions
}

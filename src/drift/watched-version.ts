/** What is known of the drift of one version, from its first judgement on. */
import type { WindowCounts } from '../monitoring/window-counts.ts'
import { type Comparison, type Judgement, judgeWindow, SEVERITY } from './judge.ts'
import { type JudgedWindow, judgedWindow } from './judged-window.ts'
import { causeReading } from './reading.ts'
import { type Believed, believe, type DriftState, NOTHING_BELIEVED } from './state.ts'

/** A change of the state. */
export interface DriftChange {
  /** Time of the last prediction that was judged, milliseconds since the epoch. */
  readonly at: number
  readonly before: DriftState['verdict']
  readonly state: DriftState
  /** How many predictions this process had seen of the version. */
  readonly predictions: number
}

const CHANGES_MAX = 100
const HISTORY_MAX = 60

export class WatchedVersion {
  readonly model: string
  readonly version: string
  /** Judged after so many predictions. */
  readonly every: number
  /** Predictions since the last judgement. */
  pending = 0
  readonly #compared: () => Comparison
  #comparison: Comparison | undefined
  #predictions = 0
  #historyAt = 0
  #latest: Judgement | undefined
  #believed: Believed = NOTHING_BELIEVED
  #closed: DriftState | undefined
  #closedTo = Number.NEGATIVE_INFINITY
  #state: DriftState = NOTHING_BELIEVED.state
  readonly #changes: DriftChange[] = []
  readonly #history: JudgedWindow[] = []

  /** @param compared made when it is first needed: for thousands of categories it takes a while. */
  constructor(name: { readonly model: string; readonly version: string }, window: number, compared: () => Comparison) {
    this.model = name.model
    this.version = name.version
    this.every = Math.max(1, Math.floor(window / 5))
    this.#compared = compared
  }

  get compared(): Comparison {
    this.#comparison ??= this.#compared()
    return this.#comparison
  }

  /** The judgement of the last predictions. */
  get latest(): Judgement | undefined {
    return this.#latest
  }

  get state(): DriftState {
    return this.#state
  }

  /** Oldest first. */
  get changes(): readonly DriftChange[] {
    return this.#changes
  }

  /** Judgements of windows of so many predictions that do not overlap, oldest first. */
  get history(): readonly JudgedWindow[] {
    return this.#history
  }

  /** Judges the last predictions. @returns the change of the state, if there was one. */
  judgeLatest(counts: WindowCounts): DriftChange | undefined {
    const { compared } = this
    const { window } = compared.settings
    this.#predictions += this.#latest === undefined ? Math.max(this.pending, counts.rows) : this.pending
    this.pending = 0
    const judgement = judgeWindow(compared, counts)
    this.#latest = judgement
    const seen = { predictions: this.#predictions, window }
    const cause = causeReading(compared, judgement)
    this.#believed = believe(this.#believed, judgement, cause, seen)
    if (counts.rows >= window && this.#predictions - this.#historyAt >= window) {
      this.#historyAt = this.#predictions
      keep(this.#history, judgedWindow(judgement), HISTORY_MAX)
    }
    return this.#changed(judgement.to)
  }

  /**
   * Judges a window of time that has closed: it sees what is too small for the last few predictions. One that is older than what was
   * judged already is left out.
   */
  judgeClosed(counts: WindowCounts): DriftChange | undefined {
    if (counts.to < this.#closedTo) return undefined
    const judgement = judgeWindow(this.compared, counts)
    if (SEVERITY[judgement.verdict] < SEVERITY.ok) return undefined
    const { verdict, to } = judgement
    this.#closedTo = to
    const cause = causeReading(this.compared, judgement)
    const since = this.#closed?.verdict === verdict ? this.#closed.since : to
    this.#closed = { verdict, since, ...(cause === undefined ? {} : { cause }) }
    return this.#changed(to)
  }

  #changed(at: number): DriftChange | undefined {
    const [latest, closed] = [this.#believed.state, this.#closed]
    const state = closed !== undefined && SEVERITY[closed.verdict] > SEVERITY[latest.verdict] ? closed : latest
    const before = this.#state.verdict
    this.#state = state.verdict === before ? { ...state, since: this.#state.since } : { ...state, since: at }
    if (state.verdict === before) return undefined
    const change = { at, before, state: this.#state, predictions: this.#predictions }
    keep(this.#changes, change, CHANGES_MAX)
    return change
  }
}

function keep<T>(list: T[], item: T, most: number): void {
  list.push(item)
  if (list.length > most) list.shift()
}

/** What happened to the requests of a load test, counted by when each was due. */
import { type HdrData, HdrHistogram } from '../math/hdr-histogram.ts'

/** Why a request got no answer: none in time, none sent in time because all connections were taken, or a broken connection. */
export type NoAnswer = 'timeout' | 'unsent' | 'lost'

const DIGITS = 3
/** Of a part of the time: two digits, because there are many parts. */
const PART_DIGITS = 2
const PARTS_MAX = 120
const PART_SECONDS = [0.5, 1, 2, 5, 10, 15, 30, 60] as const
const MICROSECONDS = 1000
/** Kinds of errors of which the server's words are kept. */
const SAMPLES_MAX = 8

/** What was due in a part of the time. */
export interface Part {
  due: number
  answered: number
  readonly latency: HdrHistogram
}

/** What a thread counted, as plain data. */
export interface TallyData {
  readonly latency: HdrData
  readonly service: HdrData
  readonly lateness: HdrData
  readonly lag: HdrData
  readonly errors: readonly (readonly [string, number])[]
  readonly samples: readonly (readonly [string, string])[]
  readonly parts: readonly { readonly due: number; readonly answered: number; readonly latency: HdrData }[]
  readonly due: number
  readonly answered: number
  readonly waited: number
}

export class Tally {
  /** From when a request was due to its whole answer, microseconds; what was never answered counts with the time waited. */
  readonly latency: HdrHistogram = new HdrHistogram(DIGITS)
  /** The same from when it was really sent: what a generator sees that waits for answers before it sends again. */
  readonly service: HdrHistogram = new HdrHistogram(DIGITS)
  /** How late we ourselves sent while a connection was free, microseconds. */
  readonly lateness: HdrHistogram = new HdrHistogram(DIGITS)
  /** How long an answer can have lain here before we read it, microseconds: it is part of both latencies, and our doing. */
  readonly lag: HdrHistogram = new HdrHistogram(DIGITS)
  /** By status, or by why there was none. */
  readonly errors: Map<string, number> = new Map()
  /** The first words of the server about each kind of error. */
  readonly samples: Map<string, string> = new Map()
  readonly parts: readonly Part[]
  readonly partMs: number
  /** Answers with a status of 2xx. */
  answered = 0
  /** Requests that were sent late, or not at all, because all connections were taken. */
  waited = 0
  #due = 0
  readonly #fromMs: number
  readonly #toMs: number

  /** Counts what is due from `fromMs` on and before `toMs`: milliseconds since the start of the load. */
  constructor(fromMs: number, toMs: number) {
    this.#fromMs = fromMs
    this.#toMs = toMs
    const seconds = (toMs - fromMs) / 1000
    const part = PART_SECONDS.find(length => seconds / length <= PARTS_MAX) ?? seconds / PARTS_MAX
    this.partMs = part * 1000
    this.parts = Array.from({ length: Math.max(1, Math.ceil(seconds / part)) }, () => ({
      due: 0,
      answered: 0,
      latency: new HdrHistogram(PART_DIGITS),
    }))
  }

  /** How many requests have an outcome by now. */
  get due(): number {
    return this.#due
  }

  /** @param lagMs how long it can have lain unread. */
  answer(dueAt: number, sentAt: number, at: number, status: number, sample: string, lagMs = 0): void {
    const part = this.#partOf(dueAt)
    if (part === undefined) return
    if (status < 200 || status >= 300) {
      this.#error(String(status), sample)
      return
    }
    const us = (at - dueAt) * MICROSECONDS
    this.answered++
    part.answered++
    part.latency.add(us)
    this.latency.add(us)
    this.service.add((at - sentAt) * MICROSECONDS)
    this.lag.add(lagMs * MICROSECONDS)
  }

  /** @param waitedMs how long it was waited for at least; counts as latency where it was given up. */
  none(dueAt: number, why: NoAnswer, waitedMs: number, reason = ''): void {
    const part = this.#partOf(dueAt)
    if (part === undefined) return
    this.#error(why, reason)
    // A broken connection says nothing of how long an answer would have taken; a limit that was reached says: at least that.
    if (why === 'lost') return
    part.latency.add(waitedMs * MICROSECONDS)
    this.latency.add(waitedMs * MICROSECONDS)
  }

  sent(dueAt: number, lateMs: number): void {
    if (this.#isWithin(dueAt)) this.lateness.add(lateMs * MICROSECONDS)
  }

  /** Not sent when it was due, because no connection was free. */
  waitedFor(dueAt: number): void {
    if (this.#isWithin(dueAt)) this.waited++
  }

  /** A copy. */
  get data(): TallyData {
    const { latency, service, lateness, lag, errors, samples, parts, due, answered, waited } = this
    return {
      latency: latency.data,
      service: service.data,
      lateness: lateness.data,
      lag: lag.data,
      errors: [...errors],
      samples: [...samples],
      parts: parts.map(part => ({ ...part, latency: part.latency.data })),
      due,
      answered,
      waited,
    }
  }

  /** Counts what another thread counted of the same time. */
  merge(data: TallyData): void {
    for (const name of ['latency', 'service', 'lateness', 'lag'] as const) this[name].merge(data[name])
    for (const [kind, count] of data.errors) this.errors.set(kind, (this.errors.get(kind) ?? 0) + count)
    for (const [kind, sample] of data.samples) this.#keepSample(kind, sample)
    for (const [at, { due, answered, latency }] of data.parts.entries()) {
      const part = this.parts[at]!
      part.due += due
      part.answered += answered
      part.latency.merge(latency)
    }
    this.#due += data.due
    this.answered += data.answered
    this.waited += data.waited
  }

  /** The part of the time that a request belongs to, in which it is counted; none for the warm-up. */
  #partOf(dueAt: number): Part | undefined {
    if (!this.#isWithin(dueAt)) return undefined
    const part = this.parts[Math.min(this.parts.length - 1, Math.floor((dueAt - this.#fromMs) / this.partMs))]!
    this.#due++
    part.due++
    return part
  }

  #isWithin(dueAt: number): boolean {
    return dueAt >= this.#fromMs && dueAt < this.#toMs
  }

  #error(kind: string, sample: string): void {
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1)
    this.#keepSample(kind, sample)
  }

  #keepSample(kind: string, sample: string): void {
    if (sample !== '' && !this.samples.has(kind) && this.samples.size < SAMPLES_MAX) this.samples.set(kind, sample)
  }
}

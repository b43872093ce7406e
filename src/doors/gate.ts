/**
 * Lets in as much work as can be done, lets some of the rest wait, and turns away what would wait too long, while its caller
 * still listens. A server that begins everything at once answers everything too late.
 *
 * Two things are scarce. Work that waits for others (a Python process, another server) is bounded by how much is under way.
 * Work that is done here and now holds up whatever else arrives, so that a turn of the event loop begins new work for a few
 * milliseconds only; what arrived with it comes in order in the turns after. And where turns are long already, because what was
 * begun goes on by turns, nothing is begun beside it: it would only make all of it late. While neither is short, which is
 * nearly always, passing costs one reading of the timer.
 */

export interface GateLimits {
  /** Work under way at once. */
  readonly concurrencyMax: number
  /** Callers that wait; none do where it is 0. */
  readonly queueMax: number
  /** How long one waits at most, milliseconds. */
  readonly queueMsMax: number
}

/** Called once: with undefined when its turn has come, else with why it is turned away. */
export type Waiter = (turnedAway: Crowded | undefined) => void

/** Why a caller is turned away. */
export type Crowded = 'full' | 'late'

/** A turn of the event loop begins new work for so long. */
const SLICE_MS = 5
/** A turn of the event loop that takes longer has enough to do, if so much is under way. */
const TURN_MS = 10
const RUNNING_MIN = 4
/**
 * Where the first in line has waited for so much of what may be waited, more comes than can be done, and whoever is served in
 * order is served nearly too late. From then on, until nobody waits or for some seconds, the last come first and have their answers soon, and the
 * others are told after a little of that time instead of all of it (after Nichols and Jacobson, "Controlling Queue Delay",
 * 2012, and Maurer, "Fail at Scale", 2015).
 */
const CROWDED_SHARE = 0.75
const LATE_SHARE = 0.1
/** After so long it is tried again whether those who come can be served in order. */
const CROWDED_MS_MAX = 5_000
/** What those who wait may hold in memory. */
const WAITING_BYTES_MAX = 268_435_456

interface Waiting {
  readonly waiter: Waiter
  readonly bytes: number
  readonly since: number
}

export class Gate {
  readonly #limits: GateLimits
  readonly #timer: () => number
  /** Work under way. */
  #running = 0
  /** In order; those before `#head` have gone. */
  #waiting: (Waiting | undefined)[] = []
  #head = 0
  #bytes = 0
  /** When this turn of the event loop began its first work; -1 before that. */
  #turnBeganAt = -1
  #turnEndedAt = 0
  /** How long the latest turn took that was measured. */
  #turnMs = 0
  /** When those who wait were gone through in the turn before; -1 where they were not. */
  #drainedAt = -1
  #isDraining = false
  #isTimed = false
  #isCrowded = false
  #crowdedAt = 0

  constructor(limits: GateLimits, timer: () => number) {
    this.#limits = limits
    this.#timer = timer
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.length - this.#head
  }

  /** Whether one that came now would be turned away at once: nobody needs to read its body. */
  get isFull(): boolean {
    return this.waiting >= this.#limits.queueMax && this.#running >= this.#limits.concurrencyMax
  }

  /**
   * Whether work may begin now; then it has begun, and `leave` ends it.
   *
   * @param isBrief it is only to be told what is wrong with it, for which nobody needs to wait.
   */
  enter(isBrief = false): boolean {
    if (isBrief) {
      this.#running++
      return true
    }
    if (this.#head < this.#waiting.length || this.#isBusy) return false
    const now = this.#timer()
    if (this.#turnBeganAt === -1) {
      this.#turnBeganAt = now
      setImmediate(this.#endTurn)
    } else if (now - this.#turnBeganAt > SLICE_MS && this.#limits.queueMax > 0) return false
    this.#running++
    return true
  }

  get #isBusy(): boolean {
    if (this.#running < RUNNING_MIN) return this.#running >= this.#limits.concurrencyMax
    return this.#running >= this.#limits.concurrencyMax || (this.#turnMs > TURN_MS && this.#limits.queueMax > 0)
  }

  /** For one that may not enter: it is called when it may (it has entered then), or is turned away. */
  wait(bytes: number, waiter: Waiter): void {
    if (this.waiting >= this.#limits.queueMax || this.#bytes + bytes > WAITING_BYTES_MAX) {
      waiter('full')
      return
    }
    this.#waiting.push({ waiter, bytes, since: this.#timer() })
    this.#bytes += bytes
    this.#drainSoon()
  }

  leave(): void {
    this.#running--
    if (this.#head < this.#waiting.length) this.#drainSoon()
  }

  /** Behind what arrived in a turn: from here to the same place in the next is a whole one. */
  readonly #endTurn = (): void => {
    this.#turnBeganAt = -1
    if (this.#isDraining) return
    this.#turnEndedAt = this.#timer()
    setImmediate(this.#measureTurn)
  }

  readonly #measureTurn = (): void => {
    this.#turnMs = this.#timer() - this.#turnEndedAt
  }

  #drainSoon(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    setImmediate(this.#drain)
  }

  readonly #drain = (): void => {
    this.#isDraining = false
    const beganAt = this.#timer()
    if (this.#drainedAt !== -1) this.#turnMs = beganAt - this.#drainedAt
    this.#drainedAt = -1
    if (this.#isCrowded && beganAt - this.#crowdedAt > CROWDED_MS_MAX) this.#isCrowded = false
    let now = beganAt
    while (this.#head < this.#waiting.length && now - beganAt <= SLICE_MS) {
      const waitedMs = now - this.#waiting[this.#head]!.since
      if (waitedMs > this.#limits.queueMsMax * CROWDED_SHARE && !this.#isCrowded) {
        this.#isCrowded = true
        this.#crowdedAt = now
      }
      const isLate = waitedMs > this.#limits.queueMsMax * (this.#isCrowded ? LATE_SHARE : 1)
      if (!isLate && this.#isBusy) break
      const { waiter } = this.#isCrowded && !isLate ? this.#newest() : this.#oldest()
      if (!isLate) this.#running++
      waiter(isLate ? 'late' : undefined)
      now = this.#timer()
    }
    // Who waits for work to end is called when it ends, or is late.
    if (this.#head < this.#waiting.length) this.#drainLater(now)
  }

  #newest(): Waiting {
    if (this.waiting === 1) return this.#oldest()
    const newest = this.#waiting.pop()!
    this.#bytes -= newest.bytes
    return newest
  }

  #oldest(): Waiting {
    const next = this.#waiting[this.#head]!
    // Not kept by the list, all that hangs on a request is gone with its answer, and does not grow old.
    this.#waiting[this.#head++] = undefined
    this.#bytes -= next.bytes
    if (this.#head === this.#waiting.length) {
      this.#waiting = []
      this.#head = 0
      this.#isCrowded = false
    } else if (this.#head >= 1_024) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
    return next
  }

  #drainLater(now: number): void {
    if (this.#running < this.#limits.concurrencyMax) {
      this.#drainedAt = now
      this.#drainSoon()
      return
    }
    if (this.#isTimed) return
    this.#isTimed = true
    const mostMs = this.#limits.queueMsMax * (this.#isCrowded ? LATE_SHARE : CROWDED_SHARE)
    const leftMs = this.#waiting[this.#head]!.since + mostMs - now
    setTimeout(this.#wake, Math.max(1, leftMs + 1)).unref()
  }

  readonly #wake = (): void => {
    this.#isTimed = false
    this.#drainSoon()
  }
}

/** Waits equally long for many, with one timer: starting and ending one for each would cost more than what is waited for. */
import type { Timers } from '../platform/timers.ts'

export interface Patience<T> {
  /** Begins to wait; `onLate` hears of it unless `end` comes first. */
  begin(waiting: T): void
  end(waiting: T): void
}

/** @param timer milliseconds, never going back. */
export function patience<T>(
  ms: number,
  timers: Timers,
  timer: () => number,
  onLate: (waiting: T) => void,
): Patience<T> {
  /** Since when, oldest first. */
  const all = new Map<T, number>()
  let isLooking = false
  const look = (): void => {
    isLooking = false
    const now = timer()
    for (const [waiting, since] of all) {
      if (now - since < ms) {
        lookIn(ms - (now - since))
        return
      }
      all.delete(waiting)
      onLate(waiting)
    }
  }
  const lookIn = (wait: number): void => {
    if (isLooking) return
    isLooking = true
    timers.after(wait, look)
  }
  return {
    begin(waiting) {
      all.set(waiting, timer())
      lookIn(ms)
    },
    end: waiting => void all.delete(waiting),
  }
}

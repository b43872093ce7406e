/** Time is handed in: nothing but this file asks the machine what time it is. */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC, a whole number. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/**
 * A clock that never goes back: while the machine's clock is behind a time already told, that time is told again.
 * Records keep their order when an administrator, NTP or a resumed machine sets the clock back.
 */
export function steadyClock(source: Clock): Clock {
  let latest = 0
  return {
    now(): number {
      const now = source.now()
      if (now > latest) latest = now
      return latest
    },
  }
}

/** A clock for tests, moved by hand. */
export interface ManualClock extends Clock {
  set(at: number): void
  advance(ms: number): void
}

export function manualClock(startAt: number): ManualClock {
  let at = startAt
  return {
    now: () => at,
    set(to: number): void {
      at = to
    },
    advance(ms: number): void {
      at += ms
    },
  }
}

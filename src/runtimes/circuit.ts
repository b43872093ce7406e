/**
 * A circuit breaker (M. Nygard, «Release It!», 2007): after several failures in a row nobody asks for a while; then one asks,
 * and by what comes of it the way is open to all or closed again, for longer.
 */

export interface CircuitOptions {
  readonly failuresMax: number
  readonly firstMs: number
  readonly mostMs: number
  /** Milliseconds of a timer that never goes back. */
  readonly timer: () => number
}

export type CircuitState = 'closed' | 'open' | 'half-open'

export interface Circuit {
  /** Whether to ask now. Who is let through must tell what came of it. */
  admit(): boolean
  succeeded(): void
  failed(): void
  /** Asked, and neither: the caller gave up, or was refused for a reason of its own. */
  undecided(): void
  state(): CircuitState
}

export function circuit({ failuresMax, firstMs, mostMs, timer }: CircuitOptions): Circuit {
  let failures = 0
  let openings = 0
  let closedUntil = 0
  let isOpen = false
  let isTrying = false
  return {
    admit() {
      if (!isOpen) return true
      if (isTrying || timer() < closedUntil) return false
      isTrying = true
      return true
    },
    succeeded() {
      failures = openings = 0
      isOpen = isTrying = false
    },
    failed() {
      failures++
      if (!isTrying && (isOpen || failures < failuresMax)) return
      isOpen = true
      isTrying = false
      closedUntil = timer() + Math.min(firstMs * 2 ** Math.min(openings++, 30), mostMs)
    },
    undecided() {
      isTrying = false
    },
    state: () => (!isOpen ? 'closed' : isTrying || timer() >= closedUntil ? 'half-open' : 'open'),
  }
}

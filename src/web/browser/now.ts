/** What time it is, for sentences like "3 min ago": a new value every ten seconds, so that they stay true. */
import { type Signal, signal } from '@preact/signals'

const EVERY_MS = 10_000

export const now: Signal<number> = signal(timeNow())

export function startClock(): void {
  setInterval(() => {
    now.value = timeNow()
  }, EVERY_MS)
}

export function timeNow(): number {
  return Math.round(performance.timeOrigin + performance.now())
}

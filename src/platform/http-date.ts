import type { Clock } from './clock.ts'

/** The time as headers write it (RFC 9110 §5.6.7), put together anew once a second. */
export function httpDate(clock: Clock): () => string {
  let second = Number.NaN
  let text = ''
  return () => {
    const now = Math.floor(clock.now() / 1_000)
    if (now !== second) {
      second = now
      text = new Date(now * 1_000).toUTCString()
    }
    return text
  }
}

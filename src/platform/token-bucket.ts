/**
 * Token buckets: how much may be taken from a name at once, and how fast it fills again. A bucket is one number, the moment
 * at which it will be full (the «theoretical arrival time» of the generic cell rate algorithm, ITU-T I.371), so that nothing
 * has to be counted down while nobody asks, and a table of them is a table of numbers.
 */

/** What a bucket is like. */
export interface Quota {
  /** Tokens that come back in a second; above 0. */
  readonly perSecond: number
  /** Tokens of a full bucket; at least 1. */
  readonly burst: number
}

/** What became of a bucket that was asked for a token. */
export interface Level {
  /** Whole tokens that are left. */
  readonly left: number
  /** Until it is full, milliseconds. */
  readonly fullInMs: number
  /** Until there is a token, milliseconds; 0 where there was one. */
  readonly waitMs: number
}

/** Many buckets by name, in memory. */
export interface Buckets {
  /** The level after a token was taken, or as it is where there is none. Nothing is written until `take`. */
  look(name: string, quota: Quota, now: number): Level
  /** Takes a token that `look` found. */
  take(name: string, quota: Quota, now: number): void
  /** Names that are remembered. */
  size(): number
}

/** When the bucket would be full once a token was taken; both moments in milliseconds. */
function nextFullAt(fullAt: number, { perSecond }: Quota, now: number): number {
  return Math.max(fullAt, now) + 1000 / perSecond
}

/** A little more than the error of adding up milliseconds since the epoch. */
const ROUNDING_MS = 1e-3

/** @param fullAt when it is full, before anything is taken. */
export function levelOf(fullAt: number, quota: Quota, now: number): Level {
  const spanMs = (quota.burst * 1000) / quota.perSecond
  const after = nextFullAt(fullAt, quota, now) - now
  if (after - spanMs > ROUNDING_MS) {
    return { left: 0, fullInMs: Math.max(0, fullAt - now), waitMs: after - spanMs }
  }
  const left = Math.max(0, Math.floor(((spanMs - after + ROUNDING_MS) * quota.perSecond) / 1000))
  return { left, fullInMs: after, waitMs: 0 }
}

/** How often it is looked for full buckets to forget, where the table has no more room. */
const SWEEP_MS = 1_000

/** @param namesMax most names that are remembered: beyond it full ones are forgotten, and then those that came first. */
export function openBuckets(namesMax: number): Buckets {
  const fullAt = new Map<string, number>()
  let sweptAt = Number.NEGATIVE_INFINITY
  const makeRoom = (now: number): void => {
    if (now - sweptAt >= SWEEP_MS) {
      sweptAt = now
      for (const [name, at] of fullAt) if (at <= now) fullAt.delete(name)
    }
    if (fullAt.size < namesMax) return
    for (const name of fullAt.keys()) {
      fullAt.delete(name)
      return
    }
  }
  return {
    look: (name, quota, now) => levelOf(fullAt.get(name) ?? 0, quota, now),
    take(name, quota, now) {
      const known = fullAt.get(name)
      if (known === undefined && fullAt.size >= namesMax) makeRoom(now)
      fullAt.set(name, nextFullAt(known ?? 0, quota, now))
    },
    size: () => fullAt.size,
  }
}

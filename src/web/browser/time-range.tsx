/** How far back a page looks: in its address, so that a link shows what its sender saw. */
import type { VNode } from 'preact'
import { now } from './now.ts'
import { place, withQuery } from './router.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

interface Range {
  readonly name: string
  readonly words: string
  readonly lengthMs: number
  /** Of one window of the charts. */
  readonly stepMs: number
}

/** From the shortest to the longest. Windows are as long as the server counts them, where it counts in longer ones. */
const RANGES: readonly Range[] = [
  { name: '1m', words: 'minute', lengthMs: MINUTE, stepMs: 2 * SECOND },
  { name: '10m', words: '10 minutes', lengthMs: 10 * MINUTE, stepMs: 15 * SECOND },
  { name: '1h', words: 'hour', lengthMs: HOUR, stepMs: MINUTE },
  { name: '6h', words: '6 hours', lengthMs: 6 * HOUR, stepMs: 10 * MINUTE },
  { name: '24h', words: '24 hours', lengthMs: DAY, stepMs: HOUR },
  { name: '7d', words: '7 days', lengthMs: 7 * DAY, stepMs: 6 * HOUR },
  { name: '30d', words: '30 days', lengthMs: 30 * DAY, stepMs: DAY },
]
/** What is shown of a version that is so old, at most. */
const YOUNG: readonly (readonly [ageMs: number, name: string])[] = [
  [2 * MINUTE, '1m'],
  [20 * MINUTE, '10m'],
  [2 * HOUR, '1h'],
  [12 * HOUR, '6h'],
]
const DEFAULT = '24h'

export interface Looked {
  readonly name: string
  readonly since: number
  readonly until: number
  readonly stepMs: number
  readonly words: string
}

/**
 * The range that the address asks for, ending with the window that is now; of a young version, one that it fills.
 *
 * @param registeredAt of the version.
 */
export function looked(registeredAt: number): Looked {
  const age = now.value - registeredAt
  const fitting = YOUNG.find(([ageMs]) => age < ageMs)?.[1] ?? DEFAULT
  const wanted = place.value.query['range'] ?? fitting
  const { name, lengthMs, stepMs, words } = (RANGES.find(one => one.name === wanted) ??
    RANGES.find(one => one.name === DEFAULT))!
  // Windows begin at multiples of their length; the address that is asked then changes once a window, not every time.
  const until = Math.floor(now.value / stepMs) * stepMs + stepMs
  return { name, since: until - lengthMs, until, stepMs, words }
}

export function RangeChoice({ chosen }: { chosen: string }): VNode {
  return (
    <nav class="choice" aria-label="How far back">
      {RANGES.map(({ name, words }) => (
        <a
          key={name}
          href={withQuery({ range: name })}
          aria-label={`${name}, the last ${words}`}
          {...(name === chosen ? { 'aria-current': 'true' as const } : {})}
        >
          {name}
        </a>
      ))}
    </nav>
  )
}

/** The middle of a window, as far as it lies in the range. */
export function middleIn(
  { since, until }: Looked,
  { from, to }: { readonly from: number; readonly to: number },
): number {
  return (Math.max(from, since) + Math.min(to, until)) / 2
}

/** How far back a page looks: in its address, so that a link shows what its sender saw. */
import type { VNode } from 'preact'
import { now } from './now.ts'
import { place, withQuery } from './router.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

interface Range {
  readonly name: string
  readonly words: string
  readonly lengthMs: number
  /** Of one window of the charts. */
  readonly stepMs: number
}

/** From the shortest to the longest. The counts behind them are kept by the hour; the shortest is of six. */
const RANGES: readonly Range[] = [
  { name: '6h', words: '6 hours', lengthMs: 6 * HOUR, stepMs: HOUR },
  { name: '24h', words: '24 hours', lengthMs: DAY, stepMs: HOUR },
  { name: '7d', words: '7 days', lengthMs: 7 * DAY, stepMs: 6 * HOUR },
  { name: '30d', words: '30 days', lengthMs: 30 * DAY, stepMs: DAY },
]
const DEFAULT = RANGES[1]!

export interface Looked {
  readonly since: number
  readonly until: number
  readonly stepMs: number
  readonly words: string
}

/** The range that the address asks for, ending with the window that is now. */
export function looked(): Looked {
  const { lengthMs, stepMs, words } = RANGES.find(({ name }) => name === place.value.query['range']) ?? DEFAULT
  // Windows begin at multiples of their length; the address that is asked then changes once a window, not every time.
  const until = Math.floor(now.value / stepMs) * stepMs + stepMs
  return { since: until - lengthMs, until, stepMs, words }
}

export function RangeChoice(): VNode {
  const chosen = (RANGES.find(({ name }) => name === place.value.query['range']) ?? DEFAULT).name
  return (
    <nav class="choice" aria-label="How far back">
      {RANGES.map(({ name, words }) => (
        <a
          key={name}
          href={withQuery({ range: name === DEFAULT.name ? undefined : name })}
          aria-label={`The last ${words}`}
          {...(name === chosen ? { 'aria-current': 'true' as const } : {})}
        >
          {name}
        </a>
      ))}
    </nav>
  )
}

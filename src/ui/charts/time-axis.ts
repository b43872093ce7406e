/** Time from left to right, with ticks where people expect them: full hours, midnights, firsts of the month. UTC. */
import { scaleUtc } from 'd3-scale'
import { countsSeconds, date, timeOfDay } from '../format.ts'
import type { Area, Tick } from './frame.ts'

export interface TimeScale {
  /** Pixels. */
  x(at: number): number
  readonly ticks: readonly Tick[]
}

const PIXELS_A_TICK = 56
/** Where seconds are told. */
const PIXELS_A_SECOND_TICK = 104
const DAY = 86_400_000

export function timeScale(from: number, to: number, area: Area): TimeScale {
  const scale = scaleUtc([from, to], [area.left, area.right])
  const pixels = countsSeconds(to - from) ? PIXELS_A_SECOND_TICK : PIXELS_A_TICK
  const ticks = apart(scale, (area.right - area.left) / pixels).map(tick => ({
    at: scale(tick),
    text: textOf(tick.getTime(), to - from),
  }))
  return { x: at => scale(at), ticks }
}

/** At most so many ticks; a scale gives more than it is asked for where that makes rounder times. */
function apart(scale: ReturnType<typeof scaleUtc>, most: number): Date[] {
  for (let wanted = Math.max(2, Math.floor(most)); wanted > 1; wanted--) {
    const ticks = scale.ticks(wanted)
    if (ticks.length <= most) return ticks
  }
  return scale.ticks(1)
}

const monthDay = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', timeZone: 'UTC' })

function textOf(at: number, length: number): string {
  if (at % DAY === 0) return length > 300 * DAY ? date(at) : monthDay.format(at)
  return timeOfDay(at, length)
}

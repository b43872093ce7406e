import { scaleLinear, scaleLog } from 'd3-scale'
import { line as linePath } from 'd3-shape'
import type { VNode } from 'preact'
import { plain } from '../format.ts'
import { type Area, areaOf, bottomAxis, type Drawing, drawing, horizontalGrid, mark, px, type Tick } from './frame.ts'
import { timeScale } from './time-axis.ts'

export interface CurvePoint {
  readonly x: number
  /** NaN: the line has a gap there. */
  readonly value: number
}

export interface Curve {
  readonly name: string
  /** Which of the colours; beyond the last they come again, dashed. */
  readonly hue: number
  readonly points: readonly CurvePoint[]
  /** Drawn quietly behind the others, and not told of. */
  readonly isFaint?: boolean
}

export interface CurvesOptions {
  readonly width: number
  readonly height: number
  readonly label: string
  /** In which values are told apart by their ratio; what is not above 0 is not drawn. */
  readonly isLog?: boolean
  /** Times of day below, milliseconds since the epoch; else numbers. */
  readonly isTime?: boolean
  readonly xText: (x: number) => string
}

export const HUES = 8
const MARGINS = [10, 12, 22, 52] as const
const PIXELS_A_TICK = 84
const TICKS_MAX = 5
const SLOTS_MAX = 60

/** Lines of any number of runs over their steps or their times, and slots that tell the value of each. */
export function curves(all: readonly Curve[], options: CurvesOptions): Drawing {
  const { isLog = false } = options
  const area = areaOf(options, MARGINS)
  const isDrawn = ({ value }: CurvePoint): boolean => Number.isFinite(value) && (!isLog || value > 0)
  const drawn = all.flatMap(({ points }) => points.filter(isDrawn))
  const x = across(drawn, options, area)
  const { y, ticks } = upwards(
    drawn.map(({ value }) => value),
    isLog,
    area,
  )
  const path = linePath<CurvePoint>()
    .defined(isDrawn)
    .x(point => px(x.at(point.x)))
    .y(({ value }) => px(y(value)))
  return drawing(options, options.label, [
    horizontalGrid(area, ticks),
    bottomAxis(area, x.ticks),
    all.map(curve => lineOf(curve, path(curve.points) ?? '', curve.points.filter(isDrawn), x.at, y)),
    slots(all, drawn, options, area, x.at),
  ])
}

/** The class that gives a curve its colour; for legends as well. */
export function hueClass(hue: number): string {
  return `hue-${hue % HUES}${hue >= HUES ? ' dashed' : ''}`
}

function lineOf(
  { name, hue, isFaint }: Curve,
  d: string,
  points: readonly CurvePoint[],
  x: (at: number) => number,
  y: (value: number) => number,
): VNode {
  const [first] = points
  // One point is no line: it would not be seen.
  const isPoint = points.length === 1
  return mark(
    'g',
    { class: `series ${hueClass(hue)}${isFaint === true ? ' faint' : ''}`, 'data-series': name },
    mark('path', { class: 'line', d }),
    isPoint ? mark('circle', { class: 'point', cx: px(x(first!.x)), cy: px(y(first!.value)), r: 2.6 }) : null,
  )
}

interface Across {
  readonly at: (x: number) => number
  readonly ticks: readonly Tick[]
}

function across(drawn: readonly CurvePoint[], { isTime, xText }: CurvesOptions, area: Area): Across {
  const [low, high] = extent(drawn.map(({ x }) => x))
  if (isTime === true) {
    const scale = timeScale(low, high > low ? high : low + 1_000, area)
    return { at: scale.x, ticks: scale.ticks }
  }
  const scale = scaleLinear(low < high ? [low, high] : [low - 1, high + 1], [area.left, area.right])
  const ticks = scale.ticks(Math.max(2, Math.floor((area.right - area.left) / PIXELS_A_TICK)))
  return { at: scale, ticks: ticks.map(tick => ({ at: scale(tick), text: xText(tick) })) }
}

function upwards(
  values: readonly number[],
  isLog: boolean,
  area: Area,
): { y: (value: number) => number; ticks: readonly Tick[] } {
  const [low, high] = extent(values)
  const sides = [area.bottom, area.top]
  if (isLog) {
    const scale = scaleLog(low > 0 ? [low < high ? low : low / 2, low < high ? high : high * 2] : [0.1, 1], sides)
    const all = scale.ticks(TICKS_MAX)
    const every = Math.ceil(all.length / TICKS_MAX)
    const some = all.filter((_, index) => index % every === 0)
    return { y: scale, ticks: some.map(value => ({ at: scale(value), text: plain(value) })) }
  }
  const room = low < high ? 0 : Math.abs(low) * 0.1 || 1
  const scale = scaleLinear([low - room, high + room], sides).nice(TICKS_MAX - 1)
  return { y: scale, ticks: scale.ticks(TICKS_MAX - 1).map(value => ({ at: scale(value), text: plain(value) })) }
}

function extent(values: readonly number[]): readonly [number, number] {
  if (values.length === 0) return [0, 1]
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
}

/** Where there are more places than one can point at, some of them, spread evenly. */
function slots(
  all: readonly Curve[],
  drawn: readonly CurvePoint[],
  { xText }: CurvesOptions,
  area: Area,
  at: (x: number) => number,
): VNode[] {
  const places = [...new Set(drawn.map(({ x }) => x))].sort((a, b) => a - b)
  const every = Math.max(1, Math.ceil(places.length / SLOTS_MAX))
  const some = places.filter((_, index) => index % every === 0 || index === places.length - 1)
  const told = all.filter(({ isFaint }) => isFaint !== true)
  return some.map((place, index) => {
    const left = px(index === 0 ? area.left : (at(some[index - 1]!) + at(place)) / 2)
    const right = px(index === some.length - 1 ? area.right : (at(place) + at(some[index + 1]!)) / 2)
    const values = told.flatMap(({ name, points }) => {
      const near = nearest(points, place)
      const isNear = near !== undefined && (near.x === place || Math.abs(at(near.x) - at(place)) <= right - left)
      return isNear ? [`${name} ${Number.isFinite(near.value) ? plain(near.value) : String(near.value)}`] : []
    })
    const middle = px(at(place))
    return mark(
      'g',
      { class: 'slot', 'data-tip': `${xText(place)}: ${values.join(', ')}` },
      mark('rect', { x: left, y: area.top, width: Math.max(1, px(right - left)), height: area.bottom - area.top }),
      mark('line', { x1: middle, x2: middle, y1: area.top, y2: area.bottom }),
    )
  })
}

function nearest(points: readonly CurvePoint[], x: number): CurvePoint | undefined {
  let found: CurvePoint | undefined
  for (const point of points) if (found === undefined || Math.abs(point.x - x) < Math.abs(found.x - x)) found = point
  return found
}

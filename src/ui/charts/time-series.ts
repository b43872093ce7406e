import { scaleLinear } from 'd3-scale'
import { area as areaPath, line as linePath } from 'd3-shape'
import type { VNode } from 'preact'
import { areaOf, bottomAxis, type Drawing, drawing, horizontalGrid, mark, px } from './frame.ts'
import { timeScale } from './time-axis.ts'

export interface SeriesPoint {
  /** Milliseconds since the epoch: of a window, its middle. */
  readonly at: number
  /** NaN: not known; the line has a gap there. */
  readonly value: number
  /** An interval around the value. */
  readonly low?: number
  readonly high?: number
}

export interface Series {
  readonly name: string
  readonly points: readonly SeriesPoint[]
  /** How it is drawn: the one that matters in the accent colour, others in grey. */
  readonly tone: 'main' | 'second' | 'third'
}

export interface TimeSeriesOptions {
  readonly width: number
  readonly height: number
  readonly from: number
  readonly to: number
  readonly label: string
  readonly format: (value: number) => string
  /** Of the values; default: from 0 to the greatest. */
  readonly range?: readonly [number, number]
  /** A line that values should stay below or above. */
  readonly limit?: { readonly value: number; readonly text: string }
  /** What is told of a window when one points at it. */
  readonly tips?: readonly { readonly from: number; readonly to: number; readonly text: string }[]
  /** Fills the space below the main line. */
  readonly filled?: boolean
}

const MARGINS = [10, 8, 22, 46] as const

/** Lines over time, with intervals as bands, a limit, and a slot for each window that tells its numbers. */
export function timeSeries(series: readonly Series[], options: TimeSeriesOptions): Drawing {
  const area = areaOf(options, MARGINS)
  const time = timeScale(options.from, options.to, area)
  const [low, high] = options.range ?? [0, greatest(series, options.limit?.value)]
  const scale = scaleLinear([low, high], [area.bottom, area.top]).nice(4)
  const y = (value: number): number => px(scale(value))
  const ticks = scale
    .ticks(options.height < 120 ? 3 : 4)
    .map(value => ({ at: scale(value), text: options.format(value) }))
  return drawing(options, options.label, [
    horizontalGrid(area, ticks),
    bottomAxis(area, time.ticks),
    series.map(one => band(one, time.x, y)),
    options.filled === true ? fill(series[0], time.x, y, area.bottom) : null,
    series.toReversed().map(one => line(one, time.x, y)),
    limitLine(options.limit, area, y, scale.domain()),
    slots(options, area, time.x),
  ])
}

function greatest(series: readonly Series[], limit: number | undefined): number {
  const values = series.flatMap(({ points }) => points.map(({ value, high = value }) => Math.max(value, high)))
  const most = Math.max(0, ...values.filter(Number.isFinite))
  // A limit far above the data would press it flat; then the limit is out of the picture, and its text says so elsewhere.
  if (limit !== undefined && limit <= most * 3) return Math.max(most, limit) * 1.05
  return most === 0 ? 1 : most * 1.05
}

function line({ name, points, tone }: Series, x: (at: number) => number, y: (value: number) => number): VNode {
  const path = linePath<SeriesPoint>()
    .defined(({ value }) => Number.isFinite(value))
    .x(({ at }) => px(x(at)))
    .y(({ value }) => y(value))
  // A point between two gaps is no line: it would not be seen.
  const alone = points.filter(
    ({ value }, index) =>
      Number.isFinite(value) &&
      !Number.isFinite(points[index - 1]?.value ?? Number.NaN) &&
      !Number.isFinite(points[index + 1]?.value ?? Number.NaN),
  )
  return mark(
    'g',
    { class: `series ${tone}`, 'data-series': name },
    mark('path', { class: 'line', d: path(points) ?? '' }),
    alone.map(({ at, value }) => mark('circle', { class: 'point', cx: px(x(at)), cy: y(value), r: 2.2 })),
  )
}

function band({ points, tone }: Series, x: (at: number) => number, y: (value: number) => number): VNode | null {
  if (!points.some(({ low }) => low !== undefined)) return null
  const path = areaPath<SeriesPoint>()
    .defined(({ low, high }) => low !== undefined && high !== undefined)
    .x(({ at }) => px(x(at)))
    .y0(({ low }) => y(low!))
    .y1(({ high }) => y(high!))
  return mark('path', { class: `band ${tone}`, d: path(points) ?? '' })
}

function fill(
  series: Series | undefined,
  x: (at: number) => number,
  y: (value: number) => number,
  bottom: number,
): VNode | null {
  if (series === undefined) return null
  const path = areaPath<SeriesPoint>()
    .defined(({ value }) => Number.isFinite(value))
    .x(({ at }) => px(x(at)))
    .y0(bottom)
    .y1(({ value }) => y(value))
  return mark('path', { class: 'fill', d: path(series.points) ?? '' })
}

function limitLine(
  limit: TimeSeriesOptions['limit'],
  area: { left: number; right: number },
  y: (value: number) => number,
  [low, high]: number[],
): VNode | null {
  if (limit === undefined || limit.value < low! || limit.value > high!) return null
  const at = y(limit.value)
  return mark(
    'g',
    { class: 'limit' },
    mark('line', { x1: area.left, x2: area.right, y1: at, y2: at }),
    mark('text', { x: area.right, y: at - 4, 'text-anchor': 'end' }, limit.text),
  )
}

function slots(
  { tips = [] }: TimeSeriesOptions,
  area: { left: number; right: number; top: number; bottom: number },
  x: (at: number) => number,
): VNode[] {
  return tips.map(({ from, to, text }) => {
    const left = px(Math.max(area.left, x(from)))
    const width = px(Math.max(1, Math.min(area.right, x(to)) - left))
    const middle = px(left + width / 2)
    return mark(
      'g',
      { class: 'slot', 'data-tip': text },
      mark('rect', { x: left, y: area.top, width, height: area.bottom - area.top }),
      mark('line', { x1: middle, x2: middle, y1: area.top, y2: area.bottom }),
    )
  })
}

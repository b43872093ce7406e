import { scaleLinear } from 'd3-scale'
import { plain } from '../format.ts'
import { areaOf, bottomAxis, type Drawing, drawing, horizontalGrid, mark, px, type Tick } from './frame.ts'
import { cut, signed } from './signed.ts'

export interface DependencePoint {
  /** A number, or the name of a category; absent where it is missing. */
  readonly value?: number | string
  readonly contribution: number
}

export interface DependenceOptions {
  readonly width: number
  readonly height: number
  readonly label: string
  readonly feature: string
}

const MARGINS = [10, 12, 24, 52] as const
const MISSING = 'missing'
const CATEGORIES_MAX = 12
const LETTER = 6.2
const ASIDE = 54
/** So few numbers stand side by side, each with room for its cloud. */
const FEW_VALUES = 8

/** How far a feature moved answers, against its value: a line would say that more of it means more, a cloud that it depends. */
export function dependence(points: readonly DependencePoint[], options: DependenceOptions): Drawing {
  const area = areaOf(options, MARGINS)
  const contributions = points.map(({ contribution }) => contribution)
  const y = scaleLinear([Math.min(0, ...contributions), Math.max(0, ...contributions)], [area.bottom, area.top]).nice(5)
  const { at, ticks } = axisOf(points, area.left + 8, area.right - 4)
  return drawing(options, options.label, [
    horizontalGrid(
      area,
      y.ticks(5).map(value => ({ at: y(value), text: signed(value) })),
    ),
    mark('g', { class: 'level' }, mark('line', { x1: area.left, x2: area.right, y1: px(y(0)), y2: px(y(0)) })),
    bottomAxis(area, ticks),
    mark(
      'g',
      { class: 'dots' },
      points.map((point, index) =>
        mark('circle', {
          cx: px(at(point, index)),
          cy: px(y(point.contribution)),
          r: 3,
          'data-tip': `${options.feature} is ${shown(point)}: ${signed(point.contribution)}`,
        }),
      ),
    ),
  ])
}

function shown({ value }: DependencePoint): string {
  return typeof value === 'number' ? plain(value) : (value ?? MISSING)
}

interface Axis {
  readonly at: (point: DependencePoint, index: number) => number
  readonly ticks: readonly Tick[]
}

/** Numbers on a scale, names and few numbers side by side; what is missing stands aside. */
function axisOf(points: readonly DependencePoint[], left: number, right: number): Axis {
  const isMissing = points.some(({ value }) => value === undefined)
  const aside = isMissing ? ASIDE : 0
  const end = right - aside
  const missing: Tick = { at: right - aside / 2 + 6, text: MISSING }
  const distinct = new Set(points.flatMap(({ value }) => (value === undefined ? [] : [value])))
  const areNames =
    [...distinct].some(value => typeof value === 'string') || (distinct.size > 1 && distinct.size <= FEW_VALUES)
  const { at, ticks } = areNames ? sideBySide([...distinct], left, end) : onScale([...distinct] as number[], left, end)
  return {
    at: (point, index) => (point.value === undefined ? missing.at : at(point, index)),
    ticks: isMissing ? [...ticks.filter(tick => tick.at < end - 10), missing] : ticks,
  }
}

function sideBySide(values: readonly (number | string)[], left: number, right: number): Axis {
  const areNumbers = values.every(value => typeof value === 'number')
  const sorted = areNumbers ? values.toSorted((a, b) => a - b) : values.map(String).sort()
  const width = (right - left) / Math.min(sorted.length, CATEGORIES_MAX + 1)
  const placeOf = (nth: number): number => left + (Math.min(nth, CATEGORIES_MAX) + 0.5) * width
  const ticks = sorted.slice(0, CATEGORIES_MAX).map((value, nth) => {
    return { at: placeOf(nth), text: typeof value === 'number' ? plain(value) : cut(value, width / LETTER) }
  })
  const others = sorted.length > CATEGORIES_MAX ? [{ at: placeOf(CATEGORIES_MAX), text: 'others' }] : []
  const nths = new Map(sorted.map((value, nth) => [value, nth]))
  // The same picture for the same points: each steps aside by its turn, not by chance.
  const spread = (index: number): number => (((index * 7) % 11) / 11 - 0.45) * Math.min(width * 0.7, 60)
  return {
    at: ({ value }, index) => placeOf(nths.get(areNumbers ? value! : String(value)) ?? 0) + spread(index),
    ticks: [...ticks, ...others],
  }
}

function onScale(values: readonly number[], left: number, right: number): Axis {
  const least = values.reduce((a, b) => Math.min(a, b), Infinity)
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity)
  const isRange = least < most
  const x = scaleLinear(isRange ? [least, most] : [(values[0] ?? 0) - 1, (values[0] ?? 0) + 1], [left, right])
  const ticks = x.ticks(Math.max(2, Math.floor((right - left) / 90)))
  return {
    at: ({ value }) => x(value as number),
    ticks: values.length === 0 ? [] : ticks.map(value => ({ at: x(value), text: plain(value) })),
  }
}

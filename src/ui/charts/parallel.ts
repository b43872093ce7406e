import { scaleLinear } from 'd3-scale'
import type { VNode } from 'preact'
import { plain } from '../format.ts'
import { type Area, areaOf, type Drawing, drawing, mark, px } from './frame.ts'
import { cut } from './signed.ts'

export interface ParallelAxis {
  readonly name: string
  /** One of each line: a number, a text, or nothing where it has none. */
  readonly values: readonly (number | string | undefined)[]
}

export interface ParallelOptions {
  readonly width: number
  readonly height: number
  readonly label: string
  /** Of the lines. */
  readonly names: readonly string[]
}

const MARGINS = [34, 44, 26, 44] as const
const CATEGORIES_MAX = 12
const SHADES = 5
const LETTER = 6.4
/** Below the axis: where lines go through that have no value. */
const MISSING_BELOW = 14

/** Lines through axes side by side, coloured by where they meet the last: so one sees what leads there. */
export function parallel(axes: readonly ParallelAxis[], options: ParallelOptions): Drawing {
  const area = areaOf(options, MARGINS)
  const step = axes.length < 2 ? 0 : (area.right - area.left) / (axes.length - 1)
  const placed = axes.map((axis, index) => ({ axis, x: area.left + index * step, scale: scaleOf(axis, area) }))
  const last = placed.at(-1)
  return drawing(options, options.label, [
    options.names.map((name, line) => {
      const at = placed.map(({ axis, x, scale }) => `${px(x)},${px(scale.y(axis.values[line]))}`)
      const shade = last === undefined ? 'none' : shadeOf(last.scale.y(last.axis.values[line]), area)
      const told = axes.map(axis => `${axis.name} ${textOf(axis.values[line])}`).join(', ')
      return mark('polyline', { class: `through shade-${shade}`, points: at.join(' '), 'data-tip': `${name}: ${told}` })
    }),
    placed.map(({ axis, x, scale }, index) =>
      axisMarks({ name: axis.name, x, scale, area, isLast: index > 0 && index === axes.length - 1, step }),
    ),
  ])
}

interface Scale {
  readonly y: (value: number | string | undefined) => number
  readonly ticks: readonly { readonly y: number; readonly text: string }[]
}

function textOf(value: number | string | undefined): string {
  return value === undefined ? 'none' : typeof value === 'number' ? plain(value) : value
}

function scaleOf({ values }: ParallelAxis, area: Area): Scale {
  const known = values.filter(value => value !== undefined)
  const numbers = known.filter(value => typeof value === 'number')
  const missing = area.bottom + MISSING_BELOW
  if (numbers.length === known.length && known.length > 0) {
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)]
    const scale = scaleLinear(low < high ? [low, high] : [low - 1, high + 1], [area.bottom, area.top])
    const ticks = low < high ? scale.ticks(5) : [low]
    return {
      y: value => (typeof value === 'number' ? scale(value) : missing),
      ticks: ticks.map(value => ({ y: scale(value), text: plain(value) })),
    }
  }
  const names = [...new Set(known.map(String))].sort()
  const place = new Map(
    names.map((name, index) => [name, area.bottom - ((index + 0.5) / names.length) * (area.bottom - area.top)]),
  )
  const every = Math.ceil(names.length / CATEGORIES_MAX)
  return {
    y: value => (value === undefined ? missing : place.get(String(value))!),
    ticks: names.filter((_, index) => index % every === 0).map(name => ({ y: place.get(name)!, text: name })),
  }
}

function shadeOf(y: number, { top, bottom }: Area): number | 'none' {
  if (y > bottom) return 'none'
  return Math.min(SHADES - 1, Math.floor(((bottom - y) / (bottom - top)) * SHADES))
}

interface AxisParts {
  readonly name: string
  readonly x: number
  readonly scale: Scale
  readonly area: Area
  readonly isLast: boolean
  readonly step: number
}

function axisMarks({ name, x, scale, area, isLast, step }: AxisParts): VNode {
  const letters = Math.max(6, Math.floor((step === 0 ? 200 : step) / LETTER))
  const side = isLast ? { x: px(x + 6), 'text-anchor': 'start' } : { x: px(x - 6), 'text-anchor': 'end' }
  return mark(
    'g',
    { class: 'upright' },
    mark('line', { x1: px(x), x2: px(x), y1: area.top, y2: area.bottom }),
    mark(
      'text',
      { class: 'name', x: px(x), y: area.top - 14, 'text-anchor': 'middle', 'data-tip': name },
      cut(name, letters),
    ),
    scale.ticks.map(({ y, text }) =>
      mark('text', { ...side, y: px(y), dy: '0.32em' }, cut(text, isLast ? 7 : letters - 2)),
    ),
  )
}

import { scaleLinear } from 'd3-scale'
import type { VNode } from 'preact'
import { plain } from '../format.ts'
import { type Area, bottomAxis, type Drawing, drawing, mark, px } from './frame.ts'
import { cut, signed } from './signed.ts'

export interface SwarmPoint {
  readonly contribution: number
  /** Where the value lies among those of the feature, 0 to 1; absent where it has no order, or is missing. */
  readonly rank?: number
  /** As it is shown. */
  readonly value: string
}

export interface SwarmRow {
  readonly feature: string
  /** Mean size of the contributions, of all rows and not only of those drawn. */
  readonly importance: number
  readonly points: readonly SwarmPoint[]
}

export interface SwarmOptions {
  readonly width: number
  readonly label: string
}

const ROW = 34
const TOP = 8
const BOTTOM = 26
const RADIUS = 2.6
const LETTER = 7
const SHADES = 5

export function beeswarmHeight(rows: number): number {
  return TOP + Math.max(1, rows) * ROW + BOTTOM
}

/** Each dot is a prediction: where it lies says how far the feature moved it, its colour how large the feature was. */
export function beeswarm(rows: readonly SwarmRow[], { width, label }: SwarmOptions): Drawing {
  const height = beeswarmHeight(rows.length)
  const left = Math.min(170, Math.round(width * 0.34))
  const area: Area = { left, right: width - 12, top: TOP, bottom: height - BOTTOM }
  const all = rows.flatMap(({ points }) => points.map(({ contribution }) => contribution))
  const x = scaleLinear([Math.min(0, ...all), Math.max(0, ...all)], [area.left + 14, area.right]).nice(5)
  return drawing({ width, height }, label, [
    mark('g', { class: 'level' }, mark('line', { x1: px(x(0)), x2: px(x(0)), y1: area.top, y2: area.bottom })),
    bottomAxis(
      area,
      x.ticks(width < 480 ? 3 : 6).map(value => ({ at: x(value), text: signed(value) })),
    ),
    rows.map((row, index) => swarm(row, area.top + index * ROW + ROW / 2, area, x)),
  ])
}

function swarm(
  { feature, points, importance }: SwarmRow,
  middle: number,
  area: Area,
  x: (value: number) => number,
): VNode {
  const letters = Math.floor((area.left - 4) / LETTER)
  return mark(
    'g',
    { class: 'swarm' },
    mark(
      'text',
      {
        class: 'name',
        x: area.left,
        y: px(middle),
        dy: '0.32em',
        'text-anchor': 'end',
        'data-tip': `${feature} moves answers by ${plain(importance)} on average`,
      },
      cut(feature, letters),
    ),
    mark('line', { class: 'lane', x1: area.left + 14, x2: area.right, y1: px(middle), y2: px(middle) }),
    placed(points, x).map(({ point, at, off }) =>
      mark('circle', {
        class: shadeOf(point.rank),
        cx: px(at),
        cy: px(middle + off),
        r: RADIUS,
        'data-tip': `${feature} is ${point.value}: ${signed(point.contribution)}`,
      }),
    ),
  )
}

/** Dots in the same column step aside in turn, up and down, as far as there is room. */
function placed(points: readonly SwarmPoint[], x: (value: number) => number) {
  const step = RADIUS * 1.7
  const most = ROW / 2 - RADIUS
  const taken = new Map<number, number>()
  return points.map(point => {
    const at = x(point.contribution)
    const column = Math.round(at / step)
    const nth = taken.get(column) ?? 0
    taken.set(column, nth + 1)
    const off = Math.ceil(nth / 2) * step * (nth % 2 === 0 ? 1 : -1)
    return { point, at, off: Math.abs(off) <= most ? off : ((off + most * 21) % (2 * most)) - most }
  })
}

/** From the smallest value to the largest. */
export function shadeOf(rank: number | undefined): string {
  return rank === undefined ? 'shade-none' : `shade-${Math.min(SHADES - 1, Math.floor(rank * SHADES))}`
}

import { scaleLinear } from 'd3-scale'
import { plain } from '../format.ts'
import { areaOf, bottomAxis, type Drawing, drawing, horizontalGrid, mark, px } from './frame.ts'

export interface ScatterPoint {
  readonly name: string
  readonly x: number
  readonly y: number
}

export interface ScatterOptions {
  readonly width: number
  readonly height: number
  readonly label: string
  readonly xName: string
  readonly yName: string
}

const MARGINS = [10, 14, 24, 52] as const
const PIXELS_A_TICK = 64

/** One number against another, a dot for each. */
export function scatter(points: readonly ScatterPoint[], options: ScatterOptions): Drawing {
  const area = areaOf(options, MARGINS)
  const x = scaleLinear(wide(points.map(point => point.x)), [area.left + 6, area.right])
  const y = scaleLinear(wide(points.map(point => point.y)), [area.bottom - 6, area.top]).nice(5)
  const across = x.ticks(Math.max(2, Math.floor((area.right - area.left) / PIXELS_A_TICK)))
  return drawing(options, options.label, [
    horizontalGrid(
      area,
      y.ticks(5).map(value => ({ at: y(value), text: plain(value) })),
    ),
    bottomAxis(
      area,
      across.map(value => ({ at: x(value), text: plain(value) })),
    ),
    mark(
      'g',
      { class: 'dots' },
      points.map(point =>
        mark('circle', {
          cx: px(x(point.x)),
          cy: px(y(point.y)),
          r: 4,
          'data-tip': `${point.name}: ${options.xName} ${plain(point.x)}, ${options.yName} ${plain(point.y)}`,
        }),
      ),
    ),
  ])
}

/** Room around what is one value only. */
function wide(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1]
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
  return low < high ? [low, high] : [low - 1, high + 1]
}

import { scaleLinear } from 'd3-scale'
import { count, percent } from '../format.ts'
import { areaOf, bottomAxis, type Drawing, drawing, horizontalGrid, mark, px } from './frame.ts'

export interface CalibrationBin {
  readonly rows: number
  /** Mean of the predicted probabilities. */
  readonly meanScore: number
  /** Share of the rows that turned out positive. */
  readonly positiveShare: number
}

export interface CalibrationOptions {
  readonly width: number
  readonly height: number
  readonly label: string
}

const MARGINS = [10, 10, 22, 46] as const
const RADIUS_MAX = 9
const RADIUS_MIN = 2

/** What was predicted against what happened. On the diagonal, probabilities mean what they say; the larger a dot, the more rows. */
export function calibration(bins: readonly CalibrationBin[], options: CalibrationOptions): Drawing {
  const area = areaOf(options, MARGINS)
  const filled = bins.filter(({ rows }) => rows > 0)
  const most = Math.max(0.2, ...filled.map(({ meanScore, positiveShare }) => Math.max(meanScore, positiveShare)))
  const x = scaleLinear([0, most], [area.left, area.right]).nice(4)
  const y = scaleLinear(x.domain(), [area.bottom, area.top])
  const end = x.domain()[1]!
  const rowsMax = Math.max(1, ...filled.map(({ rows }) => rows))
  const points = filled.map(({ meanScore, positiveShare }) => `${px(x(meanScore))},${px(y(positiveShare))}`)
  return drawing(options, options.label, [
    horizontalGrid(
      area,
      y.ticks(4).map(value => ({ at: y(value), text: percent(value, 0) })),
    ),
    bottomAxis(
      area,
      x.ticks(4).map(value => ({ at: x(value), text: percent(value, 0) })),
    ),
    mark('line', { class: 'ideal', x1: px(x(0)), y1: px(y(0)), x2: px(x(end)), y2: px(y(end)) }),
    mark(
      'g',
      { class: 'series main' },
      points.length === 0 ? null : mark('path', { class: 'line', d: `M${points.join('L')}` }),
    ),
    mark(
      'g',
      { class: 'dots' },
      filled.map(({ rows, meanScore, positiveShare }) =>
        mark('circle', {
          cx: px(x(meanScore)),
          cy: px(y(positiveShare)),
          r: px(RADIUS_MIN + (RADIUS_MAX - RADIUS_MIN) * Math.sqrt(rows / rowsMax)),
          'data-tip': `Predicted ${percent(meanScore)} on average, happened to ${percent(positiveShare)} of ${count(rows)} rows`,
        }),
      ),
    ),
  ])
}

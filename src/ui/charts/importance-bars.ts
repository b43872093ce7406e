import { scaleLinear } from 'd3-scale'
import { plain } from '../format.ts'
import { type Area, type Drawing, drawing, mark, px } from './frame.ts'
import { cut, signed } from './signed.ts'

export interface ImportanceBar {
  readonly feature: string
  /** Mean size of its contributions. */
  readonly importance: number
  /** Mean of its contributions. */
  readonly mean: number
}

export interface ImportanceOptions {
  readonly width: number
  readonly label: string
}

const ROW = 26
const BAR = 14
const LETTER = 7

export function importanceHeight(bars: number): number {
  return Math.max(1, bars) * ROW + 4
}

/** How much each feature moves answers, whichever way. */
export function importanceBars(bars: readonly ImportanceBar[], { width, label }: ImportanceOptions): Drawing {
  const height = importanceHeight(bars.length)
  const area: Area = { left: Math.min(170, Math.round(width * 0.4)), right: width - 56, top: 0, bottom: height }
  const most = Math.max(...bars.map(({ importance }) => importance), Number.MIN_VALUE)
  const x = scaleLinear([0, most], [area.left + 8, area.right])
  const letters = Math.floor((area.left - 4) / LETTER)
  return drawing(
    { width, height },
    label,
    bars.map(({ feature, importance, mean }, row) => {
      const middle = row * ROW + ROW / 2
      return mark(
        'g',
        {
          class: 'step',
          'data-tip': `${feature} moves answers by ${plain(importance)} on average; with its sign, ${signed(mean)}`,
        },
        mark('rect', { class: 'hit', x: 0, y: px(row * ROW), width, height: ROW }),
        mark(
          'text',
          { class: 'name', x: area.left, y: px(middle), dy: '0.32em', 'text-anchor': 'end' },
          cut(feature, letters),
        ),
        mark('rect', {
          class: 'bar',
          x: area.left + 8,
          y: px(middle - BAR / 2),
          width: px(Math.max(1, x(importance) - area.left - 8)),
          height: BAR,
          rx: 1.5,
        }),
        mark('text', { class: 'amount', x: px(x(importance) + 6), y: px(middle), dy: '0.32em' }, plain(importance)),
      )
    }),
  )
}

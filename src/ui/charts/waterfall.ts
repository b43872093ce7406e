import { scaleLinear } from 'd3-scale'
import type { VNode } from 'preact'
import { plain } from '../format.ts'
import { type Area, bottomAxis, type Drawing, drawing, mark, px } from './frame.ts'
import { cut, sideOf, signed } from './signed.ts'

export interface WaterfallStep {
  readonly feature: string
  /** As it is shown; absent where it is missing. */
  readonly value?: string
  readonly contribution: number
  /** Said when it is pointed at. */
  readonly tip?: string
}

export interface WaterfallOptions {
  readonly width: number
  readonly label: string
  /** Where the steps begin, and what that is. */
  readonly bias: number
  readonly biasText: string
  readonly marginText: string
  /** Steps shown by themselves; the smallest of the others are one. */
  readonly stepsMax?: number
}

const STEP = 26
const BAR = 15
const TOP = 24
const BOTTOM = 44
const LETTER = 7
const STEPS_MAX = 12

export function waterfallHeight(steps: number, stepsMax: number = STEPS_MAX): number {
  return TOP + Math.min(steps, stepsMax) * STEP + BOTTOM
}

/** From the average answer to this one, feature by feature, the largest step first: read from the bottom to the top. */
export function waterfall(steps: readonly WaterfallStep[], options: WaterfallOptions): Drawing {
  const { width, bias, biasText, marginText, stepsMax = STEPS_MAX } = options
  const shown = grouped(steps, stepsMax)
  const height = waterfallHeight(shown.length, stepsMax)
  const left = Math.min(190, Math.round(width * 0.37))
  const area: Area = { left, right: width - 54, top: TOP, bottom: height - BOTTOM }
  const ends = endsOf(shown, bias)
  const all = [bias, ...ends]
  const x = scaleLinear([Math.min(...all), Math.max(...all)], [area.left + 48, area.right]).nice(5)
  const margin = ends[0] ?? bias
  return drawing({ width, height }, options.label, [
    line(area, x(bias), `${biasText} ${plain(bias)}`, area.bottom + 34),
    line(area, x(margin), `${marginText} ${plain(margin)}`, 12),
    bottomAxis(
      area,
      x
        .ticks(Math.max(1, Math.floor((area.right - area.left) / 90)))
        .map(value => ({ at: x(value), text: plain(value) })),
    ),
    shown.map((step, row) => stepMarks(step, ends[row]!, ends[row + 1] ?? bias, row, area, x)),
  ])
}

/** The largest first; the rest as one. */
function grouped(steps: readonly WaterfallStep[], most: number): WaterfallStep[] {
  const sorted = steps.toSorted((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
  if (sorted.length <= most) return sorted
  const rest = sorted.slice(most - 1)
  const contribution = rest.reduce((sum, step) => sum + step.contribution, 0)
  return [...sorted.slice(0, most - 1), { feature: `${rest.length} others`, contribution }]
}

/** Where each row ends: the first at the margin, each below it where the one above begins. */
function endsOf(shown: readonly WaterfallStep[], bias: number): number[] {
  const ends: number[] = []
  let at = bias
  for (const { contribution } of shown.toReversed()) {
    at += contribution
    ends.unshift(at)
  }
  return ends
}

type Scale = (value: number) => number

function line(area: Area, at: number, text: string, y: number): VNode {
  const anchor = at - area.left < 60 ? 'start' : area.right - at < 60 ? 'end' : 'middle'
  return mark(
    'g',
    { class: 'level' },
    mark('line', { x1: px(at), x2: px(at), y1: area.top - 6, y2: area.bottom + 4 }),
    mark('text', { x: px(at), y, 'text-anchor': anchor }, text),
  )
}

function stepMarks(
  { feature, value, contribution, tip }: WaterfallStep,
  end: number,
  start: number,
  row: number,
  area: Area,
  x: Scale,
): VNode {
  const middle = area.top + row * STEP + STEP / 2
  const [from, to] = [Math.min(x(start), x(end)), Math.max(x(start), x(end))]
  const letters = Math.floor((area.left - 4) / LETTER)
  const name = cut(feature, value === undefined ? letters : Math.max(8, letters - value.length - 3))
  const said = value === undefined ? feature : `${feature} is ${value}`
  return mark(
    'g',
    { class: `step ${sideOf(contribution)}`, 'data-tip': tip ?? `${said}: ${signed(contribution)}` },
    mark('rect', { class: 'hit', x: 0, y: px(middle - STEP / 2), width: area.right + 50, height: STEP }),
    mark(
      'text',
      { class: 'name', x: area.left, y: px(middle), dy: '0.32em', 'text-anchor': 'end' },
      name,
      value === undefined ? null : mark('tspan', { class: 'value' }, ` = ${cut(value, 14)}`),
    ),
    mark('rect', {
      class: 'bar',
      x: px(from),
      y: px(middle - BAR / 2),
      width: px(Math.max(1.5, to - from)),
      height: BAR,
      rx: 1.5,
    }),
    row === 0
      ? null
      : mark('line', { x1: px(x(end)), x2: px(x(end)), y1: px(middle - BAR / 2), y2: px(middle - STEP + BAR / 2) }),
    mark(
      'text',
      {
        class: 'amount',
        x: px(contribution < 0 ? from - 5 : to + 5),
        y: px(middle),
        dy: '0.32em',
        'text-anchor': contribution < 0 ? 'end' : 'start',
      },
      signed(contribution),
    ),
  )
}

import type { VNode } from 'preact'
import { plain, plural, span, timeOfDay } from '../format.ts'
import { type Area, type Drawing, mark, px, type Tick } from './frame.ts'
import { timeScale } from './time-axis.ts'

export type Verdict = 'ok' | 'warning' | 'drift' | 'too few' | 'not watched'

export interface HeatCell {
  readonly from: number
  readonly to: number
  readonly value?: number
  /** On the column, by all statistics that decide. */
  readonly verdict: Verdict
  /** By the one statistic that `value` is of. */
  readonly ownVerdict: Verdict
  readonly rows: number
}

export interface HeatRow {
  readonly feature: string
  /** The threshold that values are compared with: colours tell how near they are. */
  readonly threshold: number
  readonly cells: readonly HeatCell[]
}

export interface HeatMapOptions {
  readonly width: number
  readonly from: number
  readonly to: number
  readonly label: string
  readonly statistic: string
  /** By time; or in columns of equal width, where windows are of so many predictions and not of so long. */
  readonly columns: 'time' | 'even'
  /** Pixels for the names at the left. */
  readonly names: number
  /** Where a row or a cell leads to. */
  readonly href: (feature: string, cell?: HeatCell) => string
}

const ROW = 20
const AXIS = 22
const EVEN_WIDTH_MAX = 40
const PIXELS_A_TIME = 56

/** Features from top to bottom, time from left to right: what drifted, and since when. */
export function heatMap(rows: readonly HeatRow[], options: HeatMapOptions): Drawing {
  const height = rows.length * ROW + AXIS
  const area = { left: options.names, right: options.width, top: 0, bottom: rows.length * ROW }
  const scale = options.columns === 'time' ? byTime(area, options) : evenly(area, rows[0]?.cells ?? [])
  return mark(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'chart heat-map',
      viewBox: `0 0 ${options.width} ${height}`,
      width: options.width,
      height,
      role: 'group',
      'aria-label': options.label,
    },
    rows.map((row, index) => rowOf(row, index, scale.box, options)),
    mark(
      'g',
      { class: 'axis' },
      scale.ticks.map(({ at, text }) =>
        mark(
          'text',
          {
            x: px(at),
            y: area.bottom + 15,
            'text-anchor': at - area.left < 14 ? 'start' : at > area.right - 14 ? 'end' : 'middle',
          },
          text,
        ),
      ),
    ),
  )
}

interface Box {
  readonly left: number
  readonly right: number
}

interface ColumnScale {
  readonly box: (cell: HeatCell, index: number) => Box
  readonly ticks: readonly Tick[]
}

function byTime(area: Area, { from, to }: HeatMapOptions): ColumnScale {
  const { x, ticks } = timeScale(from, to, area)
  const box = (cell: HeatCell): Box => ({
    left: Math.max(area.left, x(cell.from)),
    right: Math.min(area.right, x(cell.to)),
  })
  return { box, ticks }
}

/** The time of every so many-th window stands below it. */
function evenly(area: Area, cells: readonly HeatCell[]): ColumnScale {
  const width = Math.min(EVEN_WIDTH_MAX, (area.right - area.left) / Math.max(1, cells.length))
  const every = Math.ceil(PIXELS_A_TIME / width)
  const box = (_: HeatCell, index: number): Box => ({
    left: area.left + index * width,
    right: area.left + (index + 1) * width,
  })
  const length = cells.length === 0 ? 0 : cells.at(-1)!.to - cells[0]!.from
  const ticks = cells.flatMap(({ to }, index) =>
    index % every === 0 ? [{ at: area.left + (index + 0.5) * width, text: timeOfDay(to, length) }] : [],
  )
  return { box, ticks }
}

function rowOf(row: HeatRow, index: number, box: ColumnScale['box'], options: HeatMapOptions): VNode {
  const top = index * ROW
  const name = mark(
    'a',
    { href: options.href(row.feature) },
    mark('text', { class: 'name', x: 0, y: top + ROW / 2, dy: '0.32em' }, shortened(row.feature, options.names)),
  )
  return mark(
    'g',
    { class: 'row' },
    name,
    row.cells.map((cell, column) => cellOf(row, cell, top, box(cell, column), options)),
  )
}

function cellOf(row: HeatRow, cell: HeatCell, top: number, { left, right }: Box, options: HeatMapOptions): VNode {
  const width = Math.max(1, right - left - 1)
  // The names lead to the same page: a stop of the keyboard for each cell would only be in the way.
  return mark(
    'a',
    {
      href: options.href(row.feature, cell),
      tabindex: -1,
      'aria-hidden': true,
      'data-tip': `${row.feature}, ${span(cell.from, cell.to)}: ${said(cell, options.statistic)}`,
    },
    mark('rect', {
      class: `cell ${heat(row, cell)}`,
      x: px(left),
      y: top + 1,
      width: px(width),
      height: ROW - 2,
      rx: 1.5,
    }),
  )
}

function said({ verdict, ownVerdict, value, rows }: HeatCell, statistic: string): string {
  const predictions = plural(rows, 'prediction')
  if (verdict === 'too few') return `too few to say (${predictions})`
  const by = verdict === ownVerdict ? '' : ' by another statistic'
  return `${verdict}${by}, ${statistic} ${plain(value)} (${predictions})`
}

/** Verdicts have their colours; what is well is the fainter the further it is from its threshold. */
function heat({ threshold }: HeatRow, { value, verdict }: HeatCell): string {
  if (verdict === 'drift') return 'drift'
  if (verdict === 'warning') return 'warning'
  if (verdict !== 'ok' || value === undefined) return 'unknown'
  const near = value / threshold
  return near < 0.25 ? 'calm-1' : near < 0.6 ? 'calm-2' : 'calm-3'
}

function shortened(text: string, width: number): string {
  const room = Math.max(4, Math.floor((width - 10) / 6.8))
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`
}

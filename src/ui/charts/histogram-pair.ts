import { scaleLinear } from 'd3-scale'
import type { VNode } from 'preact'
import { percent, plain } from '../format.ts'
import { type Area, areaOf, bottomAxis, type Drawing, drawing, horizontalGrid, mark, px, type Tick } from './frame.ts'
import type { Bar } from './shown-bins.ts'

export interface HistogramPairOptions {
  readonly width: number
  readonly height: number
  readonly label: string
}

const MARGINS = [10, 8, 22, 46] as const
/** Pixels between the bars of values and those that stand aside. */
const ASIDE_GAP = 14
const LABEL_CHARACTER = 6.2

interface Place {
  readonly bar: Bar
  readonly left: number
  readonly width: number
}

/** Two distributions over the same bars: the reference as an outline behind, what is served now filled in front. */
export function histogramPair(bars: readonly Bar[], options: HistogramPairOptions): Drawing {
  const area = areaOf(options, MARGINS)
  const most = Math.max(0.01, ...bars.map(({ reference, current }) => Math.max(reference, current)))
  const scale = scaleLinear([0, most * 1.04], [area.bottom, area.top])
  const ticks = scale.ticks(4).map(value => ({ at: scale(value), text: percent(value, most < 0.05 ? 1 : 0) }))
  const places = placed(bars, area)
  const y = (value: number): number => px(scale(value))
  return drawing(options, options.label, [
    horizontalGrid(area, ticks),
    mark(
      'g',
      { class: 'current' },
      places.map(({ bar, left, width }) =>
        mark('rect', {
          x: px(left + 1),
          y: y(bar.current),
          width: px(Math.max(1, width - 2)),
          height: px(area.bottom - y(bar.current)),
        }),
      ),
    ),
    mark('path', { class: 'reference', d: outline(places, y, area.bottom) }),
    bottomAxis(area, axisTicks(places)),
    places.map(place => tip(place, area)),
  ])
}

function placed(bars: readonly Bar[], area: Area): Place[] {
  const aside = bars.filter(({ isAside }) => isAside).length
  const gap = aside === 0 ? 0 : ASIDE_GAP
  // What stands aside has a word below it, and so needs its room.
  const asideWidth = Math.min(58, (area.right - area.left) / (bars.length + 2) + 24)
  const width = (area.right - area.left - gap - aside * asideWidth) / Math.max(1, bars.length - aside)
  let left = area.left
  let isFirstAside = true
  return bars.map(bar => {
    if (bar.isAside && isFirstAside) {
      left += gap
      isFirstAside = false
    }
    const place = { bar, left, width: bar.isAside ? asideWidth : width }
    left += place.width
    return place
  })
}

/** A step line over neighbouring bars; each that stands aside has its own. */
function outline(places: readonly Place[], y: (value: number) => number, bottom: number): string {
  let path = ''
  let isOpen = false
  for (const [index, { bar, left, width }] of places.entries()) {
    const at = y(bar.reference)
    if (!isOpen) path += `M${px(left)},${bottom}`
    path += `L${px(left)},${at}L${px(left + width)},${at}`
    const next = places[index + 1]
    isOpen = next !== undefined && !next.bar.isAside && !bar.isAside
    if (!isOpen) path += `L${px(left + width)},${bottom}`
  }
  return path
}

function axisTicks(places: readonly Place[]): Tick[] {
  const named = places.filter(({ bar }) => bar.label !== undefined)
  const values = places.filter(({ bar }) => bar.from !== undefined)
  const ticks = named.map(({ bar, left, width }) => ({
    at: left + width / 2,
    text: shortened(bar.label!, width),
  }))
  if (values.length === 0) return ticks
  const [first, last] = [values[0]!, values.at(-1)!]
  const scale = scaleLinear([first.bar.from!, last.bar.to!], [first.left, last.left + last.width])
  const room = Math.max(2, Math.floor((last.left + last.width - first.left) / 80))
  return [...scale.ticks(room).map(value => ({ at: scale(value), text: plain(value) })), ...ticks]
}

function shortened(text: string, width: number): string {
  const room = Math.max(2, Math.floor(width / LABEL_CHARACTER))
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`
}

function tip({ bar, left, width }: Place, area: Area): VNode {
  const name =
    bar.label ?? (bar.to! - bar.from! === 1 ? plain(bar.from! + 0.5) : `${plain(bar.from)} to ${plain(bar.to)}`)
  const text = `${name}: ${percent(bar.current)} now, ${percent(bar.reference)} in the reference`
  return mark(
    'g',
    { class: 'slot', 'data-tip': text },
    mark('rect', { x: px(left), y: area.top, width: px(width), height: area.bottom - area.top }),
  )
}

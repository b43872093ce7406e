/** What charts are made of: a place to draw in, axes, and marks that tell a person what they point at. */
import { type ComponentChildren, h, type VNode } from 'preact'

export type Attributes = Readonly<Record<string, string | number | boolean>>

/** One element of a drawing. */
export function mark(name: string, attributes: Attributes, ...children: ComponentChildren[]): VNode {
  return h(name, attributes as object, ...children) as VNode
}

/** A drawing: a pure function of its data, so that tests can hold it against a committed picture. */
export type Drawing = VNode

/** Where the data lies inside the drawing, pixels. */
export interface Area {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

export interface Size {
  readonly width: number
  readonly height: number
}

/** @param label says in words what the picture shows, for those who do not see it. */
export function drawing({ width, height }: Size, label: string, children: ComponentChildren): Drawing {
  return mark(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'chart',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-label': label,
    },
    children,
  )
}

export function areaOf({ width, height }: Size, margins: readonly [number, number, number, number]): Area {
  const [top, right, bottom, left] = margins
  return { left, right: Math.max(left + 1, width - right), top, bottom: Math.max(top + 1, height - bottom) }
}

export interface Tick {
  /** Pixels along the axis. */
  readonly at: number
  readonly text: string
}

/** Horizontal lines with their numbers at the left: quiet, because the data is what one looks at. */
export function horizontalGrid(area: Area, ticks: readonly Tick[]): VNode {
  return mark(
    'g',
    { class: 'grid' },
    ticks.map(({ at, text }) => [
      mark('line', { x1: area.left, x2: area.right, y1: px(at), y2: px(at) }),
      mark('text', { x: area.left - 6, y: px(at), dy: '0.32em', 'text-anchor': 'end' }, text),
    ]),
  )
}

/** Numbers or times below. */
export function bottomAxis(area: Area, ticks: readonly Tick[]): VNode {
  return mark(
    'g',
    { class: 'axis' },
    mark('line', { x1: area.left, x2: area.right, y1: px(area.bottom), y2: px(area.bottom) }),
    ticks.map(({ at, text }) =>
      mark('text', { x: px(at), y: area.bottom + 15, 'text-anchor': anchorOf(at, area) }, text),
    ),
  )
}

/** A label at the edge stays inside the drawing. */
function anchorOf(at: number, { left, right }: Area): string {
  if (at - left < 14) return 'start'
  return right - at < 14 ? 'end' : 'middle'
}

/** Pixels, to a tenth: more is noise in a snapshot and bytes on the wire. */
export function px(value: number): number {
  return Math.round(value * 10) / 10
}

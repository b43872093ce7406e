import type { VNode } from 'preact'
import { mark, px } from './frame.ts'

export interface SparklineOptions {
  readonly width?: number
  readonly height?: number
  /** The range that fills the height; default: from 0 to the greatest value. */
  readonly range?: readonly [number, number]
  readonly label: string
}

/** A line the size of a word: how a number came to be what it is. Gaps (NaN) stay gaps. */
export function sparkline(values: readonly number[], options: SparklineOptions): VNode {
  const { width = 88, height = 20, label } = options
  const known = values.filter(Number.isFinite)
  const [low, high] = options.range ?? [0, Math.max(...known, 0)]
  const step = values.length > 1 ? (width - 4) / (values.length - 1) : 0
  const x = (index: number): number => px(2 + index * step)
  const y = (value: number): number => px(height - 2 - ((value - low) / (high - low || 1)) * (height - 4))
  const path = values
    .map((value, index) => {
      if (!Number.isFinite(value)) return ''
      const isStart = index === 0 || !Number.isFinite(values[index - 1])
      return `${isStart ? 'M' : 'L'}${x(index)},${y(value)}`
    })
    .join('')
  const last = values.length - 1
  const end = Number.isFinite(values[last])
    ? mark('circle', { class: 'end', cx: x(last), cy: y(values[last]!), r: 1.8 })
    : null
  return mark(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'chart sparkline',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-label': label,
    },
    known.length === 0 ? null : [mark('path', { class: 'line', d: path }), end],
  )
}

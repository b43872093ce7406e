/** The charts of a load test's report as SVG text: they must be readable in a file by itself, without a script. Pure. */

export interface ChartLine {
  /** Also a class: how it looks. */
  readonly tone: 'main' | 'second' | 'third'
  readonly points: readonly (readonly [number, number])[]
}

export interface Chart {
  readonly width: number
  readonly height: number
  /** Says in words what it shows, for those who do not see it. */
  readonly label: string
  readonly lines: readonly ChartLine[]
  readonly x: Axis
  readonly y: Axis
  /** A line that values should stay below. */
  readonly limit?: { readonly value: number; readonly text: string }
}

export interface Axis {
  readonly low: number
  readonly high: number
  readonly isLog: boolean
  readonly ticks: readonly { readonly at: number; readonly text: string }[]
}

const MARGIN = { top: 12, right: 14, bottom: 24, left: 58 }

export function chartSvg(chart: Chart): string {
  const { width, height, label, lines, limit } = chart
  const left = MARGIN.left
  const right = width - MARGIN.right
  const top = MARGIN.top
  const bottom = height - MARGIN.bottom
  const x = scaleOf(chart.x, left, right)
  const y = scaleOf(chart.y, bottom, top)
  const grid = chart.y.ticks.map(
    ({ at, text }) =>
      `<line x1="${left}" x2="${right}" y1="${y(at)}" y2="${y(at)}"/><text x="${left - 8}" y="${y(at)}" dy="0.32em" text-anchor="end">${escaped(text)}</text>`,
  )
  const below = chart.x.ticks.map(
    ({ at, text }) =>
      `<text x="${x(at)}" y="${bottom + 17}" text-anchor="${anchorOf(x(at), left, right)}">${escaped(text)}</text>`,
  )
  const paths = lines.toReversed().map(({ tone, points }) => `<path class="line ${tone}" d="${pathOf(points, x, y)}"/>`)
  const bound =
    limit === undefined || limit.value < chart.y.low || limit.value > chart.y.high
      ? ''
      : `<g class="limit"><line x1="${left}" x2="${right}" y1="${y(limit.value)}" y2="${y(limit.value)}"/><text x="${left + 6}" y="${y(limit.value) - 5}">${escaped(limit.text)}</text></g>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}">`,
    `<g class="grid">${grid.join('')}</g>`,
    `<g class="axis"><line x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>${below.join('')}</g>`,
    ...paths,
    bound,
    '</svg>',
  ].join('')
}

function scaleOf({ low, high, isLog }: Axis, from: number, to: number): (value: number) => number {
  const bent = isLog ? Math.log : (value: number): number => value
  const length = bent(high) - bent(low)
  return value => Math.round((from + ((bent(value) - bent(low)) / (length === 0 ? 1 : length)) * (to - from)) * 10) / 10
}

/** A gap in the values is a gap in the line. */
function pathOf(
  points: readonly (readonly [number, number])[],
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  let isDrawing = false
  const steps = points.map(([at, value]) => {
    if (!Number.isFinite(value)) {
      isDrawing = false
      return ''
    }
    const step = `${isDrawing ? 'L' : 'M'}${x(at)} ${y(value)}`
    isDrawing = true
    return step
  })
  return steps.join('')
}

function anchorOf(at: number, left: number, right: number): string {
  if (at - left < 12) return 'start'
  return right - at < 12 ? 'end' : 'middle'
}

/** Latencies from the fastest to the slowest, by factors, with ticks at 1, 2, 5, 10 … as far as there is room. */
export function latencyAxis(values: readonly number[], text: (ms: number) => string): Axis {
  const known = values.filter(value => value > 0 && Number.isFinite(value))
  const low = Math.min(...known, 1) / 1.2
  const high = Math.max(...known, low * 2) * 1.2
  const decades = Math.log10(high / low)
  const steps = decades > 3 ? [1] : decades > 1.5 ? [1, 5] : [1, 2, 5]
  const ticks: { at: number; text: string }[] = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) {
      const at = Number((step * 10 ** power).toPrecision(3))
      if (at >= low && at <= high) ticks.push({ at, text: text(at) })
    }
  }
  return { low, high, isLog: true, ticks }
}

/** From 0, with ticks at round numbers, four or so. */
export function roundAxis(high: number, text: (value: number) => string, wanted = 4): Axis {
  const top = high > 0 ? high : 1
  const rough = top / wanted
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].find(factor => factor * power >= rough)! * power
  const count = Math.floor(top / step + 1e-9)
  const ticks = Array.from({ length: count + 1 }, (_, i) => ({
    at: i * step,
    text: text(Number((i * step).toPrecision(12))),
  }))
  return { low: 0, high: top, isLog: false, ticks }
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** How a version answers over time: how much, how fast, how often not. */
import type { VNode } from 'preact'
import { type TimeSeriesOptions, timeSeries } from '../../../ui/charts/time-series.ts'
import { count, milliseconds, percent, perSecond, plural, span } from '../../../ui/format.ts'
import { Measured } from '../../../ui/parts/measured.tsx'
import type { ServiceBody, ServiceWindow } from '../api-watch.ts'
import type { Live } from '../live.ts'
import { LivePanel } from '../panel.tsx'
import { Term } from '../terms.tsx'
import { type Looked, middleIn } from '../time-range.tsx'

const HEIGHT = 168

interface ServicePanelsProps {
  readonly live: Live<ServiceBody>
  readonly range: Looked
}

export function ServicePanels({ live, range }: ServicePanelsProps): VNode {
  const emptiness = ({ windows }: ServiceBody) =>
    windows.some(({ rows, refusals }) => rows > 0 || Object.keys(refusals).length > 0)
      ? undefined
      : { title: 'Nobody asked', text: `No call came in the last ${range.words}.` }
  const panel = { live, emptiness, width: 'third' as const }
  return (
    <>
      <LivePanel
        {...panel}
        title="Traffic"
        note="predictions a second"
        draw={body => <Traffic body={body} range={range} />}
      />
      <LivePanel
        {...panel}
        title="Latency"
        note={<LatencyLegend />}
        draw={body => <Latency body={body} range={range} />}
      />
      <LivePanel
        {...panel}
        title={<Term name="errors">Errors</Term>}
        note="share of calls"
        draw={body => <Errors body={body} range={range} />}
      />
    </>
  )
}

function LatencyLegend(): VNode {
  return (
    <span class="legend">
      <span>p99</span>
      <span class="second">p95</span>
      <span class="third">p50</span>
    </span>
  )
}

/**
 * All windows of the range since the first one: where nobody asked there is no window, and a line must not be drawn over that.
 */
function everyWindow({ windows }: ServiceBody, { until }: Looked): readonly ServiceWindow[] {
  const [first] = windows
  if (first === undefined) return []
  const stepMs = first.to - first.from
  const known = new Map(windows.map(window => [window.from, window]))
  const last = Math.min(windows.at(-1)!.from, until)
  return Array.from({ length: Math.round((last - first.from) / stepMs) + 1 }, (_, index) => {
    const from = first.from + index * stepMs
    return known.get(from) ?? { from, to: from + stepMs, rows: 0, perSecond: 0, refusals: {} }
  })
}

interface ChartProps {
  readonly body: ServiceBody
  readonly range: Looked
}

function frameOf({ since, until }: Looked, width: number): Pick<TimeSeriesOptions, 'width' | 'height' | 'from' | 'to'> {
  return { width, height: HEIGHT, from: since, to: until }
}

function Traffic({ body, range }: ChartProps): VNode {
  const windows = everyWindow(body, range)
  const points = windows.map(window => ({ at: middleIn(range, window), value: window.perSecond }))
  const tips = windows.map(({ from, to, rows, perSecond: rate }) => ({
    from,
    to,
    text: `${span(from, to)}: ${perSecond(rate)}, ${plural(rows, 'prediction')}`,
  }))
  const total = windows.reduce((sum, { rows }) => sum + rows, 0)
  const label = `Predictions a second over the last ${range.words}: ${count(total)} in all`
  return (
    <Measured
      height={HEIGHT}
      draw={width =>
        timeSeries([{ name: 'traffic', tone: 'main', points }], {
          ...frameOf(range, width),
          label,
          tips,
          format: value => (value < 10 ? String(Number(value.toPrecision(2))) : count(value)),
          filled: true,
        })
      }
    />
  )
}

function Latency({ body, range }: ChartProps): VNode {
  const { targets } = body
  const windows = everyWindow(body, range)
  const series = (['p99Ms', 'p95Ms', 'p50Ms'] as const).map((name, index) => ({
    name,
    tone: (['main', 'second', 'third'] as const)[index]!,
    points: windows.map(window => ({ at: middleIn(range, window), value: window[name] ?? Number.NaN })),
  }))
  const tips = windows.map(({ from, to, p50Ms, p95Ms, p99Ms }) => ({
    from,
    to,
    text: `${span(from, to)}: p50 ${milliseconds(p50Ms)}, p95 ${milliseconds(p95Ms)}, p99 ${milliseconds(p99Ms)}`,
  }))
  const limit = { value: targets.p99LatencyMs, text: `target ${milliseconds(targets.p99LatencyMs)}` }
  const label = `Latency over the last ${range.words}: the slowest 1, 5 and 50 of 100 predictions`
  return (
    <Measured
      height={HEIGHT}
      draw={width => timeSeries(series, { ...frameOf(range, width), label, tips, limit, format: tickMs })}
    />
  )
}

function tickMs(value: number): string {
  return `${Number(value.toPrecision(3))} ms`
}

function Errors({ body, range }: ChartProps): VNode {
  const { targets } = body
  const windows = everyWindow(body, range)
  const points = windows.map(window => ({ at: middleIn(range, window), value: window.errorRate ?? Number.NaN }))
  const tips = windows.map(({ from, to, errorRate, refusals }) => ({
    from,
    to,
    text: `${span(from, to)}: ${percent(errorRate, 2)}${refusalText(refusals)}`,
  }))
  const limit = { value: targets.errorRate, text: `target ${percent(targets.errorRate)}` }
  const most = Math.max(...points.map(({ value }) => value).filter(Number.isFinite), 0)
  return (
    <Measured
      height={HEIGHT}
      draw={width =>
        timeSeries([{ name: 'errors', tone: 'main', points }], {
          ...frameOf(range, width),
          label: `Share of calls that failed over the last ${range.words}, ${percent(most)} at most`,
          tips,
          limit,
          range: [0, Math.max(most * 1.1, targets.errorRate * 1.4)],
          format: value => percent(value, 1),
        })
      }
    />
  )
}

/** All that was not answered in a window, the caller's mistakes too: by what was wrong. */
function refusalText(refusals: Readonly<Record<string, number>>): string {
  const entries = Object.entries(refusals).filter(([, number]) => number > 0)
  if (entries.length === 0) return ''
  return `; not answered: ${entries.map(([code, number]) => `${count(number)} ${code.replaceAll('_', ' ')}`).join(', ')}`
}

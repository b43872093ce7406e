/** Metrics of runs over their steps or their time: smoothed, in a scale of ratios, a chart for each metric. */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { type Curve, curves, hueClass } from '../../../ui/charts/curves.ts'
import { smooth } from '../../../ui/charts/smooth.ts'
import { dateTime, duration, plain } from '../../../ui/format.ts'
import { Measured } from '../../../ui/parts/measured.tsx'
import type { CurveBody, CurvesBody, RunBody } from '../api-runs.ts'
import { useLive } from '../live.ts'
import { LivePanel } from '../panel.tsx'
import { go, place, withQuery } from '../router.ts'
import { isGoingOn, nameOf, numberOf } from './run-words.tsx'

const HEIGHT = 190
const EVERY_MS = 3_000
/** Charts drawn without being asked for. */
const FIRST = 9
/** Curves that the server gives at once. */
const CURVES_MAX = 200
const ADDRESS_MAX = 9_000
const SMOOTH_MAX = 0.99
const AXES = ['step', 'time', 'clock'] as const
const AXIS_TIPS = {
  step: 'By the step that was logged',
  time: 'By the time since the first point of each run',
  clock: 'By the time of day, UTC',
} as const
type Axis = (typeof AXES)[number]

interface RunCurvesProps {
  readonly runs: readonly RunBody[]
  /** The most interesting first. */
  readonly metrics: readonly string[]
}

export function RunCurves({ runs, metrics }: RunCurvesProps): VNode {
  const isWhole = place.value.query['curves'] === 'all'
  const most = Math.max(1, Math.floor(CURVES_MAX / runs.length))
  const shown = fitting(metrics.slice(0, isWhole ? most : Math.min(FIRST, most)))
  const asked = new URLSearchParams({ runs: runs.map(({ id }) => id).join(','), metrics: shown.join(',') })
  const path = shown.length === 0 ? undefined : `/runs/curves?${asked}`
  const live = useLive<CurvesBody>(path, runs.some(isGoingOn) ? EVERY_MS : 0)
  const isAlone = runs.length === 1
  return (
    <LivePanel
      live={path === undefined ? { ...live, body: { curves: [] } } : live}
      title="Metrics over time"
      note={<Controls />}
      emptiness={body =>
        drawn(body.curves).length > 0
          ? undefined
          : { title: 'No metric has a course', text: 'One that is logged with several steps is drawn here.' }
      }
      draw={body => (
        <>
          {isAlone ? null : <Legend runs={runs} />}
          <div class="curves">
            {drawn(body.curves).map(metric => (
              <Chart key={metric} metric={metric} runs={runs} all={body.curves} />
            ))}
          </div>
          {shown.length === metrics.length || isWhole ? null : (
            <p class="pages">
              <a class="button" href={withQuery({ curves: 'all' })}>
                {most < metrics.length ? `Draw the first ${most}` : `Draw all ${metrics.length}`} metrics
              </a>
            </p>
          )}
        </>
      )}
    />
  )
}

/** As many names as an address holds. */
function fitting(names: readonly string[]): readonly string[] {
  let length = 0
  return names.filter(name => {
    length += encodeURIComponent(name).length + 3
    return length <= ADDRESS_MAX
  })
}

/** A single point is a number, which stands in a table already. */
function drawn(all: readonly CurveBody[]): readonly string[] {
  const long = all.filter(({ points }) => points.length > 1)
  return [...new Set(long.map(({ metric }) => metric))]
}

export function Legend({ runs }: { runs: readonly RunBody[] }): VNode {
  return (
    <p class="legend hues">
      {runs.map((run, hue) => (
        <span key={run.id} class={hueClass(hue)}>
          {nameOf(run)}
        </span>
      ))}
    </p>
  )
}

interface Look {
  readonly axis: Axis
  readonly weight: number
  readonly isLog: boolean
}

function look(): Look {
  const { axis = 'step', smooth: weight = '0', scale } = place.value.query
  const number = Number(weight)
  return {
    axis: AXES.find(one => one === axis) ?? 'step',
    weight: number >= 0 && number <= SMOOTH_MAX ? number : 0,
    isLog: scale === 'log',
  }
}

function Controls(): VNode {
  const { axis, weight, isLog } = look()
  const [dragged, setDragged] = useState(weight)
  return (
    <div class="curve-controls">
      <label>
        Smooth{' '}
        <input
          type="range"
          min="0"
          max={SMOOTH_MAX}
          step="0.01"
          value={dragged}
          aria-valuetext={`weight of what came before ${dragged}`}
          onInput={event => setDragged(Number(event.currentTarget.value))}
          onChange={event => go(withQuery({ smooth: event.currentTarget.value.replace(/^0$/, '') }))}
        />{' '}
        <output>{dragged.toFixed(2)}</output>
      </label>
      <nav class="choice small-choice" aria-label="Below the curves">
        {AXES.map(one => (
          <a
            key={one}
            href={withQuery({ axis: one === 'step' ? undefined : one })}
            data-tip={AXIS_TIPS[one]}
            {...(one === axis ? { 'aria-current': 'true' as const } : {})}
          >
            {one}
          </a>
        ))}
      </nav>
      <label>
        <input type="checkbox" checked={isLog} onChange={() => go(withQuery({ scale: isLog ? undefined : 'log' }))} />{' '}
        Log scale
      </label>
    </div>
  )
}

interface ChartProps {
  readonly metric: string
  readonly runs: readonly RunBody[]
  readonly all: readonly CurveBody[]
}

function Chart({ metric, runs, all }: ChartProps): VNode {
  const { axis, weight, isLog } = look()
  const lines = runs.flatMap((run, hue): Curve[] => {
    const own = all.find(curve => curve.run === run.id && curve.metric === metric)
    if (own === undefined) return []
    const xs = acrossOf(own, axis)
    const values = own.points.map(([, , value]) => numberOf(value))
    const points = (of: readonly number[]) => of.map((value, at) => ({ x: xs[at]!, value })).sort((a, b) => a.x - b.x)
    const line: Curve = { name: nameOf(run), hue, points: points(values) }
    if (weight === 0) return [line]
    const ordered = line.points.map(({ value }) => value)
    const smoothed = smooth(ordered, weight)
    return [
      { ...line, isFaint: true },
      { ...line, points: line.points.map(({ x }, at) => ({ x, value: smoothed[at]! })) },
    ]
  })
  return (
    <figure>
      <figcaption>
        <h3>{metric}</h3>
      </figcaption>
      <Measured
        height={HEIGHT}
        draw={width =>
          curves(lines, {
            width,
            height: HEIGHT,
            label: `${metric} of ${runs.length === 1 ? nameOf(runs[0]!) : `${runs.length} runs`} by ${axis}`,
            isLog,
            isTime: axis === 'clock',
            xText: xTextOf(axis),
          })
        }
      />
    </figure>
  )
}

function acrossOf({ points }: CurveBody, axis: Axis): readonly number[] {
  const start = points[0]?.[1] ?? 0
  return points.map(([step, at]) => (axis === 'step' ? step : axis === 'clock' ? at : (at - start) / 1_000))
}

function xTextOf(axis: Axis): (x: number) => string {
  if (axis === 'clock') return dateTime
  return axis === 'step' ? plain : seconds => (seconds < 60 ? `${plain(seconds)} s` : duration(seconds * 1_000))
}

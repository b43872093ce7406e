/** How right a version was, as far as is known by now. */
import type { VNode } from 'preact'
import { calibration } from '../../../ui/charts/calibration.ts'
import { type SeriesPoint, timeSeries } from '../../../ui/charts/time-series.ts'
import { count, decimals, percent, plural, span } from '../../../ui/format.ts'
import { Measured } from '../../../ui/parts/measured.tsx'
import type { QualityBody, QualityWindow } from '../api-watch.ts'
import { type Live, useLive } from '../live.ts'
import { LivePanel } from '../panel.tsx'
import { go, modelPath, place, withQuery } from '../router.ts'
import { isTerm, Term } from '../terms.tsx'
import { type Looked, middleIn } from '../time-range.tsx'
import { metricWord } from './words.ts'

const HEIGHT = 190
const CALIBRATION_HEIGHT = 240
const EVERY_MS = 15_000
const WINDOWS = 12
const MATURITY_HEIGHT = 84
/** What is shown first: of classes, then of numbers. */
const FIRST = ['rocAuc', 'mae']

interface QualityPanelsProps {
  readonly model: string
  readonly version: string
  readonly range: Looked
}

export function useQuality({ model, version, range }: QualityPanelsProps): Live<QualityBody> {
  const path = `${modelPath(model)}/metrics?version=${encodeURIComponent(version)}`
  return useLive<QualityBody>(`${path}&since=${range.since}&until=${range.until}&step=${stepOf(range)}`, EVERY_MS)
}

function unknown({ total }: QualityBody): { title: string; text: VNode } | undefined {
  if (total.outcomes > 0) return undefined
  const text = (
    <>
      Tell what really happened by <code>POST /outcomes</code>: then it shows how right the model was.
    </>
  )
  return { title: 'No outcome is known', text }
}

export function QualityPanel({ live, range }: { live: Live<QualityBody>; range: Looked }): VNode {
  return (
    <LivePanel
      live={live}
      width="half"
      title={<Term name="quality">Live quality</Term>}
      note={live.body === undefined ? undefined : <MetricChoice body={live.body} />}
      emptiness={unknown}
      draw={body => <Quality body={body} range={range} />}
    />
  )
}

export function CalibrationPanel({ live }: { live: Live<QualityBody> }): VNode {
  const isCalibrated = ({ reliability = [] }: QualityBody): boolean => reliability.some(({ rows }) => rows > 0)
  return (
    <LivePanel
      live={live}
      width="half"
      title="Calibration"
      note="what was predicted against what happened"
      emptiness={body => {
        if (isCalibrated(body)) return undefined
        return (
          unknown(body) ?? {
            title: 'Only probabilities are calibrated',
            text: 'This model answers with something else.',
          }
        )
      }}
      draw={body => <Calibration body={body} />}
    />
  )
}

/** Longer windows than those of traffic: a metric of a few outcomes says nothing. */
function stepOf({ since, until, stepMs }: Looked): number {
  return Math.ceil((until - since) / WINDOWS / stepMs) * stepMs
}

function metricsOf({ total, windows }: QualityBody): string[] {
  return [...new Set([total, ...windows].flatMap(({ metrics }) => Object.keys(metrics)))]
}

function chosenMetric(body: QualityBody): string | undefined {
  const names = metricsOf(body)
  const asked = place.value.query['metric']
  return asked !== undefined && names.includes(asked) ? asked : (FIRST.find(name => names.includes(name)) ?? names[0])
}

function MetricChoice({ body }: { body: QualityBody }): VNode | null {
  const chosen = chosenMetric(body)
  const names = metricsOf(body)
  if (chosen === undefined || names.length < 2) return null
  return (
    <label>
      <span class="hidden-label">Metric</span>
      <select
        class="field small-field"
        value={chosen}
        onChange={event => go(withQuery({ metric: event.currentTarget.value }))}
      >
        {names.map(name => (
          <option key={name} value={name}>
            {metricWord(name)}
          </option>
        ))}
      </select>
    </label>
  )
}

function Quality({ body, range }: { body: QualityBody; range: Looked }): VNode {
  const metric = chosenMetric(body) ?? ''
  const { windows } = body
  const points: SeriesPoint[] = windows.map(window => {
    const estimate = window.metrics[metric]
    const at = middleIn(range, window)
    return estimate === undefined ? { at, value: Number.NaN } : { at, ...estimate }
  })
  const known = points.filter(({ value }) => Number.isFinite(value))
  const low = Math.min(...known.map(({ value, low: least = value }) => least))
  const high = Math.max(...known.map(({ value, high: most = value }) => most))
  const room = Math.max((high - low) * 0.1, 0.005)
  return (
    <>
      <Headline metric={metric} window={body.total} />
      <Measured
        height={HEIGHT}
        draw={width =>
          timeSeries([{ name: metric, tone: 'main', points }], {
            width,
            height: HEIGHT,
            from: range.since,
            to: range.until,
            range: known.length === 0 ? [0, 1] : [low - room, high + room],
            label: `${metricWord(metric)} over the last ${range.words}`,
            format: value => decimals(value, 2),
            tips: windows.map(window => ({ from: window.from, to: window.to, text: tipOf(window, metric) })),
          })
        }
      />
      <Maturity windows={windows} range={range} />
    </>
  )
}

function Maturity({ windows, range }: { windows: readonly QualityWindow[]; range: Looked }): VNode {
  const points = windows.map(window => ({
    at: middleIn(range, window),
    value: window.predictions === 0 ? Number.NaN : (window.maturity ?? 0),
  }))
  return (
    <>
      <h3 class="under-chart">
        <Term name="maturity">Known by now</Term>
      </h3>
      <Measured
        height={MATURITY_HEIGHT}
        draw={width =>
          timeSeries([{ name: 'maturity', tone: 'second', points }], {
            width,
            height: MATURITY_HEIGHT,
            from: range.since,
            to: range.until,
            range: [0, 1],
            label: `Share of the predictions whose outcome is known, over the last ${range.words}`,
            format: value => percent(value, 0),
            filled: true,
            tips: windows.map(({ from, to, outcomes, predictions }) => ({
              from,
              to,
              text: `${span(from, to)}: ${count(outcomes)} of ${count(predictions)} outcomes known`,
            })),
          })
        }
      />
    </>
  )
}

function Headline({ metric, window }: { metric: string; window: QualityWindow }): VNode | null {
  const estimate = window.metrics[metric]
  if (estimate === undefined) return null
  const word = metricWord(metric)
  return (
    <p class="headline">
      {isTerm(metric) ? <Term name={metric}>{word}</Term> : word} <strong>{decimals(estimate.value, 3)}</strong>{' '}
      <span class="quiet">
        between {decimals(estimate.low, 3)} and {decimals(estimate.high, 3)} with {percent(estimate.level, 0)}{' '}
        confidence, from {plural(window.outcomes, 'outcome')};{' '}
        <Term name="maturity">{percent(window.maturity, 0)} known by now</Term>
      </span>
    </p>
  )
}

function tipOf({ from, to, metrics, outcomes, predictions }: QualityWindow, metric: string): string {
  const estimate = metrics[metric]
  const value =
    estimate === undefined
      ? 'not known'
      : `${decimals(estimate.value, 3)} (${decimals(estimate.low, 3)}–${decimals(estimate.high, 3)})`
  return `${span(from, to)}: ${metricWord(metric)} ${value}; ${count(outcomes)} of ${count(predictions)} outcomes known`
}

function Calibration({ body: { reliability = [], total } }: { body: QualityBody }): VNode {
  const rows = reliability.reduce((sum, bin) => sum + bin.rows, 0)
  const { confusion } = total
  return (
    <>
      <Measured
        height={CALIBRATION_HEIGHT}
        draw={width =>
          calibration(reliability, {
            width,
            height: CALIBRATION_HEIGHT,
            label: `Calibration from ${count(rows)} outcomes: the nearer to the diagonal, the truer the probabilities`,
          })
        }
      />
      {confusion === undefined ? null : (
        <dl class="facts confusion">
          <Counted name="Predicted, and happened" value={confusion.truePositives} of={total.outcomes} />
          <Counted name="Predicted, did not happen" value={confusion.falsePositives} of={total.outcomes} />
          <Counted name="Missed" value={confusion.falseNegatives} of={total.outcomes} />
          <Counted name="Rightly not predicted" value={confusion.trueNegatives} of={total.outcomes} />
        </dl>
      )}
    </>
  )
}

function Counted({ name, value, of }: { name: string; value: number; of: number }): VNode {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>
        {count(value)} <span class="quiet">{percent(of === 0 ? undefined : value / of)}</span>
      </dd>
    </div>
  )
}

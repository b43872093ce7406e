/** How right a version was, as far as is known by now. */
import type { VNode } from 'preact'
import { calibration } from '../../../ui/charts/calibration.ts'
import { type SeriesPoint, timeSeries } from '../../../ui/charts/time-series.ts'
import { count, decimals, percent, plural, span } from '../../../ui/format.ts'
import { Measured } from '../../../ui/parts/measured.tsx'
import type { QualityBody, QualityWindow } from '../api-watch.ts'
import { useLive } from '../live.ts'
import { LivePanel } from '../panel.tsx'
import { go, modelPath, place, withQuery } from '../router.ts'
import { isTerm, Term } from '../terms.tsx'
import type { Looked } from '../time-range.tsx'
import { metricWord } from './words.ts'

const HEIGHT = 190
const CALIBRATION_HEIGHT = 240
const EVERY_MS = 15_000
/** What is shown first: of classes, then of numbers. */
const FIRST = ['rocAuc', 'mae']

interface QualityPanelsProps {
  readonly model: string
  readonly version: string
  readonly range: Looked
}

export function QualityPanels({ model, version, range }: QualityPanelsProps): VNode {
  const path = `${modelPath(model)}/metrics?version=${encodeURIComponent(version)}`
  const live = useLive<QualityBody>(`${path}&since=${range.since}&until=${range.until}&step=${range.stepMs}`, EVERY_MS)
  const emptiness = ({ windows }: QualityBody) =>
    windows.some(({ outcomes }) => outcomes > 0)
      ? undefined
      : {
          title: 'No outcome is known',
          text: (
            <>
              Tell what really happened by <code>POST /outcomes</code>: then it shows how right the model was.
            </>
          ),
        }
  return (
    <>
      <LivePanel
        live={live}
        width="half"
        title={<Term name="quality">Live quality</Term>}
        note={live.body === undefined ? undefined : <MetricChoice body={live.body} />}
        emptiness={emptiness}
        draw={body => <Quality body={body} range={range} />}
      />
      <LivePanel
        live={live}
        width="half"
        title="Calibration"
        note="what was predicted against what happened"
        emptiness={body =>
          emptiness(body) ??
          ((body.reliability ?? []).some(({ rows }) => rows > 0)
            ? undefined
            : { title: 'Only probabilities are calibrated', text: 'This model answers with something else.' })
        }
        draw={body => <Calibration body={body} />}
      />
    </>
  )
}

function metricsOf({ windows }: QualityBody): string[] {
  return [...new Set(windows.flatMap(({ metrics }) => Object.keys(metrics)))]
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
    const at = (window.from + window.to) / 2
    return estimate === undefined ? { at, value: Number.NaN } : { at, ...estimate }
  })
  const known = points.filter(({ value }) => Number.isFinite(value))
  const low = Math.min(...known.map(({ value, low: least = value }) => least))
  const high = Math.max(...known.map(({ value, high: most = value }) => most))
  const room = Math.max((high - low) * 0.1, 0.005)
  const last = windows.findLast(({ metrics }) => metrics[metric] !== undefined)
  return (
    <>
      <Headline metric={metric} window={last} />
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
    </>
  )
}

function Headline({ metric, window }: { metric: string; window: QualityWindow | undefined }): VNode | null {
  const estimate = window?.metrics[metric]
  if (window === undefined || estimate === undefined) return null
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

function Calibration({ body: { reliability = [] } }: { body: QualityBody }): VNode {
  const rows = reliability.reduce((sum, bin) => sum + bin.rows, 0)
  return (
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
  )
}

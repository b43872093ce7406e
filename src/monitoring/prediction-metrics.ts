/**
 * Latency, traffic, errors and what is predicted, for each lane (a version met through an arm of a release). Counted in
 * typed arrays that the exposition reads. Labels are those of models that exist, so their number is bounded.
 */
import type { MetricsFormat } from '../platform/metrics.ts'
import type { Journey, Observer } from '../serving/journey.ts'
import type { Lane } from '../serving/lane.ts'
import { distributionBounds } from './distribution-bounds.ts'
import {
  countValue,
  type Exemplar,
  familyHead,
  type HistogramCounts,
  histogramCounts,
  histogramText,
  labelText,
} from './exposition.ts'

/** Seconds. From a tenth of a millisecond to beyond the limits of the service: 200 ms wanted, 500 ms alarming. */
const LATENCY_BOUNDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10]

export interface PredictionMetrics {
  readonly observe: Observer
  /** The four families, for `Metrics.family`; latencies with exemplars where the format has them. */
  render(format: MetricsFormat): string
}

interface LaneCounts {
  readonly labels: string
  readonly latency: HistogramCounts
  /** By bucket of latency. */
  readonly exemplars: (Exemplar | undefined)[]
  predictions: number
  /** By output. */
  readonly distributions: readonly { readonly labels: string; readonly values: HistogramCounts }[]
}

export function predictionMetrics(): PredictionMetrics {
  const lanes: LaneCounts[] = []
  const errors = new Map<string, number>()
  return {
    observe(journey) {
      const { lane } = journey
      if (journey.problem !== undefined || lane === undefined) {
        countError(errors, journey)
        return
      }
      lanes[lane.number] ??= laneCounts(lane)
      countAnswer(lanes[lane.number]!, journey)
    },
    render: format => render(lanes, errors, format),
  }
}

function countAnswer(counts: LaneCounts, { rows, tookMs, context, at: answeredAt }: Journey): void {
  const { outputs, count } = rows!
  const { distributions } = counts
  const value = tookMs / 1000
  const bucket = countValue(counts.latency, value)
  if (context?.isSampled) counts.exemplars[bucket] = { traceId: context.traceId!, value, at: answeredAt }
  counts.predictions += count
  for (let at = 0; at < outputs.length; at++) countValue(distributions[at % distributions.length]!.values, outputs[at]!)
}

function countError(errors: Map<string, number>, { problem, lane, model = '', version = '' }: Journey): void {
  const place = { model, version, release: lane?.release ?? '', arm: lane?.arm ?? '' }
  const labels = labelText({ ...place, code: problem?.code ?? 'failed' })
  errors.set(labels, (errors.get(labels) ?? 0) + 1)
}

function laneCounts({ model, release, arm }: Lane): LaneCounts {
  const { version } = model
  const labels = { model: version.model, version: version.version, release: release ?? '', arm: arm ?? '' }
  return {
    labels: labelText(labels),
    latency: histogramCounts(LATENCY_BOUNDS),
    exemplars: new Array<Exemplar | undefined>(LATENCY_BOUNDS.length + 1).fill(undefined),
    predictions: 0,
    distributions: version.signature.outputs.map((output, column) => ({
      labels: labelText({ ...labels, output: output.name }),
      values: histogramCounts(distributionBounds(model, column)),
    })),
  }
}

function render(lanes: readonly LaneCounts[], errors: ReadonlyMap<string, number>, format: MetricsFormat): string {
  // A place of the table is empty until its lane has answered.
  const used = lanes.filter(counts => counts !== undefined)
  return [
    familyHead(
      'prediction_latency_seconds',
      'histogram',
      'From the door to the answer, for each invocation that was answered.',
    ),
    ...used.map(({ labels, latency, exemplars }) =>
      histogramText('prediction_latency_seconds', labels, latency, format === 'openmetrics' ? exemplars : []),
    ),
    familyHead('predictions_total', 'counter', 'Rows answered.'),
    ...used.map(({ labels, predictions }) => `predictions_total{${labels}} ${predictions}\n`),
    familyHead('prediction_errors_total', 'counter', 'Invocations that were not answered, by code of the problem.'),
    ...[...errors].map(([labels, count]) => `prediction_errors_total{${labels}} ${count}\n`),
    familyHead('prediction_distribution', 'histogram', 'Values that models answered.'),
    ...used.flatMap(({ distributions }) =>
      distributions.map(({ labels, values }) => histogramText('prediction_distribution', labels, values)),
    ),
  ].join('')
}

/** Service levels for Prometheus: what each version's last minutes were like, and what they should be. */
import { familyHead, labelText } from './exposition.ts'
import type { RecentService, ServiceWatch } from './recent-calls.ts'
import type { ServiceState, ServiceTargets } from './service-levels.ts'

export interface ServiceMetricsParts {
  readonly service: Pick<ServiceWatch, 'versions' | 'recent'>
  readonly targetsOf: (model: string, version: string) => ServiceTargets
}

const STATES: readonly ServiceState[] = ['idle', 'ok', 'warning', 'alarm']

interface Read {
  readonly labels: string
  readonly recent: RecentService
  readonly targets: ServiceTargets
}

/** Returns what renders the families, for `Metrics.family`. */
export function serviceMetrics({ service, targetsOf }: ServiceMetricsParts): () => string {
  return () => {
    const versions = service.versions().filter(({ version }) => version !== '')
    const read = versions.flatMap(({ model, version }): Read[] => {
      const targets = targetsOf(model, version)
      const recent = service.recent(model, version, targets)
      return recent === undefined ? [] : [{ labels: labelText({ model, version }), recent, targets }]
    })
    return families(read)
  }
}

function families(read: readonly Read[]): string {
  return [
    family(
      'service_level_state',
      'Whether the targets of the service are met: 1 for the state that it is in.',
      read.flatMap(({ labels, recent }) =>
        STATES.map(state => [`${labels},state="${state}"`, recent.state === state ? 1 : 0] as const),
      ),
    ),
    family(
      'service_level_latency_seconds',
      'What a share of the predictions of the last minutes did not exceed, from the door to the record.',
      read.flatMap(({ labels, recent }) => quantiles(labels, recent)),
    ),
    family(
      'service_level_error_ratio',
      'Share of the calls of the last minutes that failed by the fault of the server.',
      read.flatMap(({ labels, recent: { errorRate } }) =>
        errorRate === undefined ? [] : [[labels, errorRate] as const],
      ),
    ),
    family(
      'service_level_predictions_per_second',
      'Predictions a second in the last minutes.',
      read.map(({ labels, recent }) => [labels, recent.perSecond] as const),
    ),
    family(
      'service_level_target',
      'What the service must be like: seconds, shares of 1, and predictions a second that it is made for.',
      read.flatMap(({ labels, targets }) => targetSamples(labels, targets)),
    ),
  ].join('')
}

type Sample = readonly [labels: string, value: number]

function family(name: string, help: string, samples: readonly Sample[]): string {
  return familyHead(name, 'gauge', help) + samples.map(([labels, value]) => `${name}{${labels}} ${value}\n`).join('')
}

function quantiles(labels: string, { p50Ms, p95Ms, p99Ms }: RecentService): Sample[] {
  const all = [
    ['0.5', p50Ms],
    ['0.95', p95Ms],
    ['0.99', p99Ms],
  ] as const
  return all.flatMap(([share, ms]): Sample[] => (ms === undefined ? [] : [[`${labels},share="${share}"`, ms / 1000]]))
}

function targetSamples(labels: string, targets: ServiceTargets): Sample[] {
  const all = [
    ['p99_latency_seconds', targets.p99LatencyMs / 1000],
    ['alert_p99_latency_seconds', targets.alertP99LatencyMs / 1000],
    ['error_ratio', targets.errorRate],
    ['predictions_per_second', targets.requestsPerSecond],
    ['availability', targets.availability],
  ] as const
  return all.map(([objective, value]) => [`${labels},objective="${objective}"`, value])
}

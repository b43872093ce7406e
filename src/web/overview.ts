/** The overview: every model on one screen, the one that needs somebody first. Made of what the slices know in memory. */

export type State = 'idle' | 'ok' | 'warning' | 'alarm'

/** How a version answers, over the last hour or so. */
export interface ServiceSigns {
  readonly state: State
  /** Why the state is not `ok`. */
  readonly sentence?: string
  readonly perSecond: number
  readonly predictions: number
  /** Predictions by window of equal length, oldest first. */
  readonly series: readonly number[]
  readonly p50Ms?: number
  readonly p95Ms?: number
  readonly p99Ms?: number
  /** Share of the calls that failed by the server's fault. */
  readonly errorRate?: number
}

/** Whether the world is still the one that the version was trained on. */
export interface DriftSigns {
  readonly state: State
  /** The reading that is furthest from its threshold. */
  readonly feature?: string
  readonly statistic?: string
  readonly value?: number
  readonly sentence?: string
}

/** How right a version was, as far as outcomes are known. */
export interface QualitySigns {
  readonly metric?: string
  readonly value?: number
  readonly low?: number
  readonly high?: number
  /** Share of the predictions whose outcome is known. */
  readonly maturity?: number
  /** The metric by window, oldest first. */
  readonly series: readonly number[]
}

export interface ModelSigns {
  readonly service?: ServiceSigns | undefined
  readonly drift?: DriftSigns | undefined
  readonly quality?: QualitySigns | undefined
}

export interface OverviewModel {
  readonly name: string
  /** The one that answers; absent where the model has none. */
  readonly version?: string
  readonly versions: number
  readonly state: State
  /** Why the state is not `ok`: sentences. */
  readonly reasons: readonly string[]
  readonly traffic: { readonly perSecond: number; readonly predictions: number; readonly series: readonly number[] }
  readonly latency: { readonly p50Ms?: number; readonly p95Ms?: number; readonly p99Ms?: number }
  readonly errorRate?: number
  readonly drift: DriftSigns
  readonly quality: QualitySigns
}

const RANK: Readonly<Record<State, number>> = { alarm: 0, warning: 1, ok: 2, idle: 3 }

export interface ListedModel {
  readonly name: string
  readonly version?: string | undefined
  readonly versions: number
}

/** A model's line. Its state is the worst of its parts; without traffic it is idle, whatever is left of earlier days. */
export function overviewModel({ name, version, versions }: ListedModel, signs: ModelSigns): OverviewModel {
  const { service, drift = { state: 'idle' }, quality = { series: [] } } = signs
  const state = worst(service?.state ?? 'idle', drift.state)
  const reasons = [service, drift].flatMap(part =>
    part?.sentence !== undefined && (part.state === 'alarm' || part.state === 'warning') ? [part.sentence] : [],
  )
  return {
    name,
    ...(version === undefined ? {} : { version }),
    versions,
    state,
    reasons: version === undefined ? ['No version answers: the alias champion points nowhere'] : reasons,
    traffic: {
      perSecond: service?.perSecond ?? 0,
      predictions: service?.predictions ?? 0,
      series: service?.series ?? [],
    },
    latency: {
      ...(service?.p50Ms === undefined ? {} : { p50Ms: service.p50Ms }),
      ...(service?.p95Ms === undefined ? {} : { p95Ms: service.p95Ms }),
      ...(service?.p99Ms === undefined ? {} : { p99Ms: service.p99Ms }),
    },
    ...(service?.errorRate === undefined ? {} : { errorRate: service.errorRate }),
    drift,
    quality,
  }
}

/** Those that need somebody first; like ones by name. */
export function inOrder(models: readonly OverviewModel[]): OverviewModel[] {
  return models.toSorted((a, b) => RANK[a.state] - RANK[b.state] || (a.name < b.name ? -1 : 1))
}

function worst(a: State, b: State): State {
  return RANK[a] <= RANK[b] ? a : b
}

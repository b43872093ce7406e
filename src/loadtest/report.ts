/** What a load test found, as the data that the terminal, JSON and HTML tell; and whether that is what was wanted. Pure. */
import type { HdrHistogram } from '../math/hdr-histogram.ts'
import type { ServiceTargets } from '../monitoring/service-levels.ts'
import type { Arrivals } from './schedule.ts'
import type { Tally } from './tally.ts'

/** Milliseconds. Absent where nothing was counted. */
export interface Latencies {
  readonly min: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export interface ReportPart {
  /** Seconds since the measuring began. */
  readonly at: number
  readonly due: number
  readonly answered: number
  /** Milliseconds; absent where nothing was due. */
  readonly p50?: number
  readonly p99?: number
  readonly max?: number
}

export interface TargetVerdict {
  readonly name: 'p99 latency' | 'errors' | 'rate'
  /** In the unit of the target: milliseconds, a share, requests a second. */
  readonly found: number
  readonly wanted: number
  /** Absent: it cannot be told from this test, and `sentence` says why. */
  readonly met?: boolean
  readonly sentence: string
}

export interface LoadSettings {
  readonly url: string
  readonly model?: string
  readonly version?: string
  readonly rate: number
  readonly arrivals: Arrivals
  readonly connections: number
  /** Of the generator. */
  readonly threads: number
  readonly warmUpSeconds: number
  readonly timeoutSeconds: number
  /** Different requests, sent in turn. */
  readonly rows: number
  /** Where they come from, for people. */
  readonly rowsFrom: string
  /** Where the targets come from, for people. */
  readonly targetsFrom: string
}

/** What the server's own metrics said of the time that was measured, where they can be read. */
export interface ServerCost {
  /** Processor time of the server for each request, microseconds. */
  readonly cpuUs?: number
  readonly residentBytes?: number
}

export interface LoadReport extends LoadSettings {
  /** Milliseconds since the epoch, when it began. */
  readonly startedAt: number
  readonly seconds: number
  readonly interrupted: boolean
  readonly requests: number
  /** With a status of 2xx. */
  readonly answered: number
  readonly answeredPerSecond: number
  /** Of the requests, those that were not answered with 2xx. */
  readonly errorRate: number
  /** By status, or `timeout`, `unsent`, `lost`. */
  readonly errors: Readonly<Record<string, number>>
  /** What the server said first of each. */
  readonly errorSamples: Readonly<Record<string, string>>
  /** From when a request was due. */
  readonly latencyMs?: Latencies
  /** From when it was sent. */
  readonly serviceMs?: Latencies
  /** So late that the latencies are partly its own. */
  readonly isGeneratorLate: boolean
  /** By how much the generator itself sent late, while a connection was free. */
  readonly latenessMs?: { readonly p99: number; readonly max: number }
  /** How long answers lay unread, at most: the generator was busy with others. */
  readonly lagMs?: { readonly p99: number; readonly max: number }
  /** Latency by share of the requests: `[share, milliseconds]`, of latency and of service. */
  readonly curve: readonly (readonly [number, number])[]
  readonly serviceCurve: readonly (readonly [number, number])[]
  readonly histogram: readonly { readonly fromMs: number; readonly toMs: number; readonly count: number }[]
  readonly partSeconds: number
  readonly parts: readonly ReportPart[]
  readonly server: ServerCost
  readonly targets: readonly TargetVerdict[]
  /** Whether all targets that could be judged are met. */
  readonly met: boolean
  readonly notes: readonly string[]
  /** Where the highest rate was looked for: all that were tried, in that order. This report is of the best of them. */
  readonly tried?: readonly TriedRate[]
}

export interface TriedRate {
  readonly rate: number
  readonly p99Ms?: number
  readonly errorRate: number
  readonly isGood: boolean
}

/** What is told apart from a percentile: with fewer requests the last percent is a single one or none. */
export const P99_REQUESTS_MIN = 100
const LATE_MS_MAX = 1
const LATE_SHARE_MAX = 0.1
/** Requests that waited for a connection: above, connections lacked. */
const WAITED_SHARE_MAX = 0.01
/** The share of a connection's time in which its answer lay with us. */
const HELD_SHARE_MAX = 0.25

export interface Measured {
  readonly settings: LoadSettings
  readonly targets: ServiceTargets
  readonly tally: Tally
  readonly measuredMs: number
  readonly startedAt: number
  readonly interrupted: boolean
  readonly server: ServerCost
}

export function loadReport(measured: Measured): LoadReport {
  const { settings, tally, measuredMs, startedAt, interrupted, server } = measured
  const seconds = measuredMs / 1000
  const requests = tally.due
  const latency = latenciesOf(tally.latency)
  const service = latenciesOf(tally.service)
  const lateness = latenciesOf(tally.lateness)
  const lag = latenciesOf(tally.lag)
  const targets = verdicts(measured)
  return {
    ...settings,
    startedAt,
    seconds,
    interrupted,
    requests,
    answered: tally.answered,
    answeredPerSecond: seconds > 0 ? tally.answered / seconds : 0,
    errorRate: errorRateOf(tally),
    errors: Object.fromEntries(tally.errors),
    errorSamples: Object.fromEntries(tally.samples),
    ...(latency === undefined ? {} : { latencyMs: latency }),
    ...(service === undefined ? {} : { serviceMs: service }),
    isGeneratorLate: slowness(tally) !== undefined,
    ...(lateness === undefined ? {} : { latenessMs: { p99: lateness.p99, max: lateness.max } }),
    ...(lag === undefined ? {} : { lagMs: { p99: lag.p99, max: lag.max } }),
    curve: curveOf(tally.latency),
    serviceCurve: curveOf(tally.service),
    histogram: barsOf(tally.latency),
    partSeconds: tally.partMs / 1000,
    parts: partsOf(tally, measuredMs),
    server,
    targets,
    met: !interrupted && targets.every(({ met }) => met !== false),
    notes: notesOf(measured),
  }
}

function errorRateOf(tally: Tally): number {
  return tally.due === 0 ? 0 : (tally.due - tally.answered) / tally.due
}

function latenciesOf(histogram: HdrHistogram): Latencies | undefined {
  if (histogram.total === 0) return undefined
  const at = (share: number): number => histogram.quantile(share) / 1000
  return {
    min: histogram.minimum / 1000,
    mean: histogram.mean / 1000,
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
    max: histogram.maximum / 1000,
  }
}

/** Shares that lie ever closer to 1, eight for each halving of what is left; no closer than one request. */
function curveOf(histogram: HdrHistogram): (readonly [number, number])[] {
  const { total } = histogram
  if (total === 0) return []
  const shares = new Set([0])
  for (let step = 1; step < 8 * 40; step++) {
    const share = 1 - 2 ** (-step / 8)
    if (1 - share < 1 / total) break
    shares.add(share)
  }
  shares.add(1)
  return [...shares].map(share => [share, histogram.quantile(share) / 1000] as const)
}

/** Steps of latency, three for each factor of ten. */
const STEPS = [1, 2, 5] as const

/** How many requests took how long, in steps of 1, 2, 5, 10 …; those between the first and the last that hold something. */
function barsOf(histogram: HdrHistogram): { fromMs: number; toMs: number; count: number }[] {
  const bounds = Array.from({ length: 27 }, (_, i) => STEPS[i % 3]! * 10 ** (Math.floor(i / 3) + 1))
  const counts = new Array<number>(bounds.length + 1).fill(0)
  for (const { low, count } of histogram.bins()) {
    const at = bounds.findIndex(bound => low < bound)
    counts[at === -1 ? bounds.length : at]! += count
  }
  const first = counts.findIndex(count => count > 0)
  const last = counts.findLastIndex(count => count > 0)
  return counts.flatMap((count, i) =>
    i < first || i > last || first === -1
      ? []
      : [{ fromMs: (bounds[i - 1] ?? 0) / 1000, toMs: (bounds[i] ?? 10 ** 10) / 1000, count }],
  )
}

function partsOf({ parts, partMs }: Tally, measuredMs: number): ReportPart[] {
  return parts
    .filter((_, i) => i * partMs < measuredMs)
    .map(({ due, answered, latency }, i) => ({
      at: (i * partMs) / 1000,
      due,
      answered,
      ...(latency.total === 0
        ? {}
        : { p50: latency.quantile(0.5) / 1000, p99: latency.quantile(0.99) / 1000, max: latency.maximum / 1000 }),
    }))
}

function verdicts({ targets, tally, settings, measuredMs }: Measured): TargetVerdict[] {
  const { p99LatencyMs, alertP99LatencyMs, errorRate, requestsPerSecond } = targets
  if (tally.due === 0) return []
  const errors = errorRateOf(tally)
  return [
    ...latencyVerdict(tally, p99LatencyMs, alertP99LatencyMs),
    {
      name: 'errors',
      found: errors,
      wanted: errorRate,
      met: errors <= errorRate,
      sentence: `${percentText(errors)} of ${tally.due} requests were not answered with 2xx, at most ${percentText(errorRate)} may`,
    },
    rateVerdict(settings.rate, requestsPerSecond, (tally.answered * 1000) / measuredMs),
  ]
}

function latencyVerdict({ latency }: Tally, wanted: number, alert: number): TargetVerdict[] {
  if (latency.total === 0) return []
  const found = latency.quantile(0.99) / 1000
  const figures = { name: 'p99 latency', found, wanted } as const
  if (latency.total < P99_REQUESTS_MIN) {
    const sentence = `${latency.total} answers are too few to tell what 99 % do not exceed; ${P99_REQUESTS_MIN} are enough`
    return [{ ...figures, sentence }]
  }
  const alarm = found > alert ? `; above ${alert} ms it is an alarm` : ''
  const sentence = `99 % were answered within ${shown(found)} ms, wanted ${wanted} ms${alarm}`
  return [{ ...figures, met: found <= wanted, sentence }]
}

/** The load is the test's own choice: a lower one says nothing of the rate that the service is made for. */
function rateVerdict(asked: number, wanted: number, answered: number): TargetVerdict {
  const figures = { name: 'rate', found: answered, wanted } as const
  if (asked < wanted) {
    const sentence = `${shown(asked)} requests/s were asked for, and the service is made for ${shown(wanted)}: not tested`
    return { ...figures, sentence }
  }
  return {
    ...figures,
    // Arrivals at random are a little more or less than the rate; what is missing by errors is judged as errors.
    met: true,
    sentence: `Tested with ${shown(asked)} requests/s, and the service is made for ${shown(wanted)}`,
  }
}

function notesOf({ tally, settings, interrupted }: Measured): string[] {
  const notes: string[] = []
  if (interrupted) notes.push('It was interrupted: the figures are of the time until then')
  if (tally.due === 0) notes.push('No request was due in the time that was measured: raise --rate or --duration')
  const unsent = tally.errors.get('unsent') ?? 0
  const slow = slowness(tally)
  if (unsent > 0) notes.push(unsentNote(tally, settings, unsent, slow !== undefined))
  if (slow !== undefined)
    notes.push(`${slow}: give it cores of its own, more --threads where it has them, or a lower rate`)
  return notes
}

function unsentNote({ samples }: Tally, settings: LoadSettings, unsent: number, isOurs: boolean): string {
  const waited = `${unsent} requests waited ${settings.timeoutSeconds} s for one of ${settings.connections} connections and were not sent`
  const reason = samples.get('unsent')
  if (reason !== undefined) return `${waited}; the server could not be reached: ${reason}`
  if (isOurs) return `${waited}; whether the server would have kept up is not known`
  return `${waited}: the server does not keep up with this rate, or --connections are too few`
}

/**
 * Where the generator and not the server is to be blamed, how that shows. Either its own delays are a good part of the latency;
 * or connections lacked, and it was the generator that held them: answers lay unread for a good part of the time that each took.
 */
function slowness({ latency, service, lateness, lag, waited, due }: Tally): string | undefined {
  if (latency.total === 0) return undefined
  const p99Of = (histogram: HdrHistogram): number => (histogram.total === 0 ? 0 : histogram.quantile(0.99) / 1000)
  const [sent, read] = [p99Of(lateness), p99Of(lag)]
  const late = sent + read
  if (late > LATE_MS_MAX && late > p99Of(latency) * LATE_SHARE_MAX) {
    const parts = [
      ...(sent > LATE_MS_MAX * LATE_SHARE_MAX ? [`sent by up to ${shown(sent)} ms`] : []),
      ...(read > LATE_MS_MAX * LATE_SHARE_MAX ? [`read answers by up to ${shown(read)} ms`] : []),
    ]
    return `The generator itself was late, ${parts.join(' and ')} for 99 % of the requests, which is part of the latencies`
  }
  if (waited > due * WAITED_SHARE_MAX && lag.total > 0 && lag.mean > service.mean * HELD_SHARE_MAX) {
    return `The generator itself did not keep up: answers lay unread for ${shown(lag.mean / 1000)} of the ${shown(service.mean / 1000)} ms that each took, and connections lacked for it`
  }
  return undefined
}

/** The report of the best rate of a search; whether that is enough is judged by the rate that the service is made for. */
export function withTried(
  report: LoadReport,
  tried: readonly { readonly report: LoadReport; readonly isGood: boolean }[],
  { requestsPerSecond }: ServiceTargets,
  interrupted: boolean,
): LoadReport {
  const isFound = tried.some(({ isGood }) => isGood)
  const enough = report.rate >= requestsPerSecond
  const said = `The highest rate that keeps the targets is ${shown(report.rate)} requests/s, to a tenth`
  const rate: TargetVerdict = {
    name: 'rate',
    found: report.answeredPerSecond,
    wanted: requestsPerSecond,
    met: isFound && enough,
    sentence: isFound
      ? `${said}; the service is made for ${shown(requestsPerSecond)}`
      : 'No rate that was tried keeps the targets',
  }
  return {
    ...report,
    interrupted,
    targets: [...report.targets.filter(({ name }) => name !== 'rate'), rate],
    met: !interrupted && isFound && enough,
    tried: tried.map(({ report: { rate: asked, latencyMs, errorRate }, isGood }) => ({
      rate: asked,
      ...(latencyMs === undefined ? {} : { p99Ms: latencyMs.p99 }),
      errorRate,
      isGood,
    })),
  }
}

export function percentText(share: number): string {
  return `${shown(share * 100)} %`
}

/** Three significant digits. */
export function shown(value: number): string {
  return String(Number(value.toPrecision(3)))
}

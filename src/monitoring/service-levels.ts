/** How a version answers, measured against what model.yaml wants of it. Pure. */
import { PROBLEMS, type ProblemCode } from '../errors.ts'
import { betaTails } from '../math/distributions/beta.ts'
import type { DeclaredService } from '../registry/service-keys.ts'
import { LATENCY_LOWERS } from './window-counts.ts'

export interface ServiceTargets {
  /** 99 of 100 predictions take no longer, milliseconds. */
  readonly p99LatencyMs: number
  /** Where 99 of 100 do not even keep this, it is an alarm. */
  readonly alertP99LatencyMs: number
  /** Share of the calls that may fail by the server's fault. */
  readonly errorRate: number
  /** Predictions a second that the service is made for: told, not judged. */
  readonly requestsPerSecond: number
  /** Share of the calls that must be answered, over a long time. */
  readonly availability: number
}

const DEFAULTS: ServiceTargets = {
  p99LatencyMs: 200,
  alertP99LatencyMs: 500,
  errorRate: 0.01,
  requestsPerSecond: 10,
  availability: 0.999,
}

export function serviceTargets(declared: DeclaredService = {}): ServiceTargets {
  const targets = { ...DEFAULTS, ...declared }
  return { ...targets, alertP99LatencyMs: Math.max(targets.alertP99LatencyMs, targets.p99LatencyMs) }
}

/** What was counted of a time, of one version or of several. */
export interface ServiceCounts {
  readonly rows: number
  readonly invocations: number
  /** By `ProblemCode`. */
  readonly refusals: Readonly<Record<string, number>>
  /** Predictions by bucket of `LATENCY_LOWERS`. */
  readonly latency: ArrayLike<number>
}

/** What the counts say. Where there was nothing to measure, a figure is absent. */
export interface ServiceFigures {
  /** Predictions a second. */
  readonly perSecond: number
  readonly p50Ms?: number
  readonly p95Ms?: number
  readonly p99Ms?: number
  /**
   * Share of the calls that failed by the server's fault, of all that it should have answered. What a caller did wrong (a
   * body that cannot be read, a key that is not known, a use that is forbidden) is neither.
   */
  readonly errorRate?: number
}

export type ServiceState = 'idle' | 'ok' | 'warning' | 'alarm'

export interface ServiceJudgement {
  readonly state: ServiceState
  /** Why, for people. */
  readonly sentence: string
}

/** Whether a refusal is the server's fault: it failed, was too busy, or turned a rightful caller away for being one of many. */
export function isServersFault(code: string): boolean {
  const kind = PROBLEMS[code as ProblemCode] as { readonly http: number } | undefined
  return kind !== undefined && (kind.http >= 500 || code === 'rate_limited')
}

export function faultsOf(refusals: Readonly<Record<string, number>>): number {
  return Object.entries(refusals).reduce((sum, [code, count]) => (isServersFault(code) ? sum + count : sum), 0)
}

/** @param seconds how long was counted. */
export function serviceFigures(
  { rows, invocations, refusals, latency }: ServiceCounts,
  seconds: number,
): ServiceFigures {
  const faults = faultsOf(refusals)
  const perSecond = seconds > 0 ? rows / seconds : 0
  const calls = invocations + faults
  return {
    perSecond,
    ...(rows === 0
      ? {}
      : { p50Ms: latencyMs(latency, 0.5), p95Ms: latencyMs(latency, 0.95), p99Ms: latencyMs(latency, 0.99) }),
    ...(calls === 0 ? {} : { errorRate: faults / calls }),
  }
}

/**
 * The latency that a share of the predictions does not exceed, milliseconds: the middle of its bucket, by ratio, off by 2 %
 * at most.
 */
export function latencyMs(counts: ArrayLike<number>, share: number): number {
  let rows = 0
  for (let bucket = 0; bucket < counts.length; bucket++) rows += counts[bucket]!
  let left = Math.max(1, Math.ceil(rows * share))
  for (let bucket = 0; bucket < counts.length; bucket++) {
    left -= counts[bucket]!
    if (left <= 0) return middleOf(bucket)
  }
  return 0
}

function middleOf(bucket: number): number {
  const low = LATENCY_LOWERS[bucket]!
  const high = LATENCY_LOWERS[bucket + 1] ?? low
  return bucket === 0 ? high / 2 : Math.sqrt(low * high)
}

/** Predictions that took longer, as far as buckets tell: those above the one it is in. */
function slowerThan(counts: ArrayLike<number>, ms: number): number {
  let slower = 0
  for (let bucket = counts.length - 1; bucket >= 0 && LATENCY_LOWERS[bucket]! >= ms; bucket--) slower += counts[bucket]!
  return slower
}

/** Judged all the time, an alarm by chance alone should not be met in a life. */
const CHANCE = 1e-6

/** One in a hundred may be slower than the 99th percentile. */
const SLOW_SHARE = 0.01

/**
 * A target that is missed is a warning. It is an alarm where chance does not explain it (so many missed ones were less
 * likely than `CHANCE` if the target was just met): one slow answer of twenty is no reason to wake anybody.
 */
export function judgeService(counts: ServiceCounts, targets: ServiceTargets): ServiceJudgement {
  const { rows, invocations, refusals, latency } = counts
  const faults = faultsOf(refusals)
  const calls = invocations + faults
  if (calls === 0) return { state: 'idle', sentence: 'Nobody asked for a prediction' }
  const late = missed(slowerThan(latency, targets.p99LatencyMs), rows, SLOW_SHARE)
  const tooLate = missed(slowerThan(latency, targets.alertP99LatencyMs), rows, SLOW_SHARE)
  const failing = missed(faults, calls, targets.errorRate)

  const sentences: string[] = []
  if (failing !== undefined) {
    sentences.push(`${percent(faults / calls)} of ${calls} calls failed, at most ${percent(targets.errorRate)} may`)
  }
  if (late !== undefined) {
    const wanted = tooLate === undefined ? targets.p99LatencyMs : targets.alertP99LatencyMs
    sentences.push(`99 % of ${rows} predictions took up to ${shown(latencyMs(latency, 0.99))} ms, wanted ${wanted} ms`)
  }
  if (sentences.length === 0) return { state: 'ok', sentence: 'All targets are met' }
  const isAlarm = failing === 'surely' || tooLate === 'surely'
  return { state: isAlarm ? 'alarm' : 'warning', sentence: sentences.join('; ') }
}

function missed(found: number, of: number, allowed: number): 'surely' | 'perhaps' | undefined {
  if (found <= of * allowed) return undefined
  // So many or more of them, were the target just met: the upper tail of the binomial distribution (DLMF 8.17.5).
  const { lower: probability } = betaTails(found, of - found + 1, allowed)
  return probability < CHANCE ? 'surely' : 'perhaps'
}

function percent(share: number): string {
  return `${shown(share * 100)} %`
}

function shown(value: number): string {
  return String(Number(value.toPrecision(3)))
}

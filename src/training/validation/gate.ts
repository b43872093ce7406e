/** The gate: everything that is asked of a version before it may be champion, in one report. */

import { Problem } from '../../errors.ts'
import type { Estimate } from '../../math/inference/estimate.ts'
import { discordant, mcnemar } from '../../math/inference/mcnemar.ts'
import { type ReliabilityBin, reliability } from '../../math/metrics/calibration.ts'
import { type CalibrationLine, calibrationLine, spiegelhalter } from '../../math/metrics/calibration-line.ts'
import { seededRandom } from '../../math/random.ts'
import { isAwaited } from '../../predictor/predictor.ts'
import type { DeclaredValidation, JudgedMetric } from '../../registry/validation-keys.ts'
import type { ModelVersion } from '../../registry/version.ts'
import { leakChecks, overlapOf } from './leaks.ts'
import { estimates, gain, MAIN_METRIC, MEASURES, metricsOf, rights, type Scored } from './measures.ts'
import { type Contender, type Extra, type Prepared, prepare, requireTask, score } from './prepare.ts'
import { type Check, countsOf, percent, type Report, shown } from './report.ts'
import { defaultSliceColumns, judgeSlices, SLICE_ROWS_MIN, slicesOf } from './slices.ts'
import { STRESS_ROWS_MAX, STRESS_ROWS_MAX_AWAITED, sampleOf, stress } from './stress.ts'

export const LEVEL = 0.95
export const MARGIN = 0.01

/** What the gate is made of. */
export interface GateFiles {
  /** Opens the data that metrics are measured on; more than once. */
  readonly evaluation: () => AsyncIterable<Uint8Array>
  readonly reference?: () => AsyncIterable<Uint8Array>
  /** The champion's reference data. */
  readonly championReference?: () => AsyncIterable<Uint8Array>
}

export interface GateInput {
  readonly candidate: Contender
  readonly champion?: Contender
  readonly now: number
}

const EVALUATION = 'the evaluation data'

/**
 * Judges a version, and compares it with the champion, if there is one, on the same rows.
 *
 * @throws Problem `invalid` where it cannot be judged at all: no evaluation data, no target, a column that is missing.
 */
export async function runGate(input: GateInput, files: GateFiles): Promise<Report> {
  const { candidate, champion, now } = input
  const gathered = await gather(input, files)
  const { declared, columns, evaluation, reference, scored, level, seed } = gathered
  const { version } = candidate
  const { task } = scored
  const random = () => seededRandom(seed)
  const metrics = estimates(scored, level, random())
  const sliceMetric = declared.slices?.metric ?? (task === 'regression' ? 'mae' : MAIN_METRIC[task])
  const slices = slicesOf(evaluation, version.signature.inputs, columns)
  const sliced = judgeSlices(scored, slices, sliceMetric, declared.slices ?? {}, level, random())
  const calibration = task === 'binary' && scored.isProbability ? calibrationOf(scored, level) : undefined
  const stressed = await stressOf(candidate, evaluation, scored, declared, random())
  const compared = champion && (await compare(candidate, champion, scored, declared, files, random()))
  const checks = [
    ...metricChecks(metrics, declared),
    ...calibrationChecks(calibration, declared),
    ...leakChecks(
      { ...gathered, inputs: version.signature.inputs, task, isOneFile: isOneFile(version), now },
      declared.leaks,
    ),
    ...sliced.checks,
    ...stressed.checks,
    ...(compared?.checks ?? [withoutChampion()]),
  ]
  const counts = countsOf(checks)
  return {
    format: 1,
    model: version.model,
    version: version.version,
    artifact: version.artifact.sha256,
    task,
    passed: counts.failed === 0,
    counts,
    checks,
    metrics,
    ...(calibration === undefined ? {} : { calibration }),
    slices: { metric: sliceMetric, rows: sliced.rows },
    stress: { metric: MAIN_METRIC[task], rows: stressed.rows },
    ...(compared?.comparison === undefined ? {} : { comparison: compared.comparison }),
    evaluation: { sha256: version.evaluation!.sha256, rows: evaluation.rows },
    ...(reference === undefined ? {} : { reference: { sha256: version.reference!.sha256, rows: reference.rows } }),
    rules: applied(declared, columns, sliceMetric, level, seed),
    at: now,
    notes: compared?.notes ?? [],
  }
}

function isOneFile({ evaluation, reference }: ModelVersion): boolean {
  return reference !== undefined && evaluation?.sha256 === reference.sha256
}

interface Gathered {
  readonly declared: DeclaredValidation
  /** Of the slices. */
  readonly columns: readonly string[]
  readonly evaluation: Prepared & { readonly truth: Float64Array }
  readonly reference?: Prepared
  readonly scored: Scored
  readonly level: number
  readonly seed: number
}

/** The data, and what the version answers to it. */
async function gather({ candidate }: GateInput, files: GateFiles): Promise<Gathered> {
  const { version } = candidate
  requireTask(version)
  const declared = version.validation ?? {}
  const columns = declared.slices?.columns ?? defaultSliceColumns(version.signature.inputs)
  const { group, time } = declared.leaks ?? {}
  const marked: Pick<Extra, 'group' | 'time'> = {
    ...(group === undefined ? {} : { group }),
    ...(time === undefined ? {} : { time }),
  }
  const asked = { ...marked, columns, truth: 'needed' } as const
  const read = await prepare(candidate, files.evaluation(), EVALUATION, asked)
  const evaluation = { ...read, truth: read.truth! }
  const scored = await score(candidate, evaluation, evaluation.features)
  requireKnown(declared, scored, version)
  const seen = { ...marked, columns: [], truth: 'wanted' } as const
  const reference = files.reference && (await prepare(candidate, files.reference(), 'the reference data', seen))
  const { level = LEVEL, seed = 0 } = declared
  return { declared, columns, evaluation, scored, level, seed, ...(reference === undefined ? {} : { reference }) }
}

function applied(
  declared: DeclaredValidation,
  columns: readonly string[],
  metric: JudgedMetric,
  level: number,
  seed: number,
): DeclaredValidation {
  return {
    judge: 'interval',
    ...declared,
    level,
    seed,
    slices: { minimumRows: SLICE_ROWS_MIN, ...declared.slices, columns, metric },
  }
}

/** Throws `invalid` naming a metric of the rules that does not exist for the answers of this version. */
function requireKnown(
  { metrics, slices, comparison }: DeclaredValidation,
  scored: Scored,
  version: ModelVersion,
): void {
  const known = metricsOf(scored)
  const named: (readonly [string, JudgedMetric | undefined])[] = [
    ...Object.keys(metrics ?? {}).map(name => [`metrics.${name}`, name as JudgedMetric] as const),
    ['slices.metric', slices?.metric],
    ['comparison.metric', comparison?.metric],
  ]
  const wrong = named.find(([, metric]) => metric !== undefined && !known.includes(metric))
  if (wrong === undefined) return
  const [field, metric] = wrong
  const problem = `is ${metric}, which does not exist for a ${scored.task} model with such answers; there are ${known.join(', ')}`
  throw new Problem('invalid', `Cannot validate ${version.model}@${version.version}: validation.${field} ${problem}`, {
    fields: [{ field: `validation.${field}`, problem }],
  })
}

function metricChecks(
  metrics: Readonly<Partial<Record<JudgedMetric, Estimate>>>,
  declared: DeclaredValidation,
): Check[] {
  const byValue = declared.judge === 'value'
  return Object.entries(declared.metrics ?? {}).flatMap(([name, limits]) => {
    const found = metrics[name as JudgedMetric]
    if (found === undefined) {
      const says = `Cannot measure ${name}: it does not exist for these rows`
      return [{ about: 'metrics', name: `metrics.${name}`, status: 'failed', says } satisfies Check]
    }
    const { value, low, high } = found
    const sides = [
      ['minimum', limits?.minimum, byValue ? value : low, 1],
      ['maximum', limits?.maximum, byValue ? value : high, -1],
    ] as const
    return sides.flatMap(([side, limit, end, sign]): Check[] => {
      if (limit === undefined) return []
      const isKept = sign * (end - limit) >= 0
      const told = `${name} is ${shown(value)} (${shown(low)} to ${shown(high)})`
      const judged = byValue ? 'its value' : `the ${sign > 0 ? 'lower' : 'upper'} end`
      const says = `${told}; ${judged} must be at ${sign > 0 ? 'least' : 'most'} ${shown(limit)}`
      const status = isKept ? 'passed' : 'failed'
      return [{ about: 'metrics', name: `metrics.${name}.${side}`, status, says, value, low, high, limit }]
    })
  })
}

interface Calibration extends Partial<CalibrationLine> {
  readonly bins: readonly ReliabilityBin[]
  readonly spiegelhalter: { readonly z: number; readonly pValue: number }
}

function calibrationOf({ truth, answers }: Scored, level: number): Calibration {
  const scores = answers[0]!
  const { z, pValue } = spiegelhalter(truth, scores)
  // JSON has no NaN: where the test does not exist nothing speaks against the probabilities.
  const known = Number.isFinite(z) ? { z, pValue } : { z: 0, pValue: 1 }
  return { bins: reliability(truth, scores), spiegelhalter: known, ...calibrationLine(truth, scores, level) }
}

function calibrationChecks(found: Calibration | undefined, { calibration: declared }: DeclaredValidation): Check[] {
  if (found === undefined) {
    if (declared === undefined) return []
    const says = 'Cannot judge calibration: the answers are not probabilities of two classes'
    return [{ about: 'calibration', name: 'calibration', status: 'failed', says }]
  }
  const { slope, spiegelhalter: test } = found
  const { z, pValue } = test
  const { alpha } = declared ?? {}
  const checks: Check[] = []
  if (slope !== undefined) {
    const { value, low, high } = slope
    const range = declared?.slope
    const isWithin = range === undefined || (high >= range[0] && low <= range[1])
    const wanted = range === undefined ? '' : `, wanted within ${range[0]} to ${range[1]}`
    const meaning = value < 1 ? 'too extreme' : 'too cautious'
    const told = low <= 1 && high >= 1 ? '1 is right' : `probabilities are ${meaning}`
    const says = `The calibration slope is ${shown(value)} (${shown(low)} to ${shown(high)}; ${told})${wanted}`
    checks.push({
      about: 'calibration',
      name: 'calibration.slope',
      status: isWithin ? 'passed' : 'failed',
      says,
      value,
      low,
      high,
    })
  }
  const isKept = alpha === undefined || pValue >= alpha
  const says = `Spiegelhalter's test of calibration: z = ${shown(z)}, p = ${shown(pValue)}`
  const limit = alpha === undefined ? {} : { limit: alpha }
  const status = isKept ? 'passed' : 'failed'
  checks.push({ about: 'calibration', name: 'calibration.spiegelhalter', status, says, value: pValue, ...limit })
  return checks
}

async function stressOf(
  candidate: Contender,
  evaluation: Prepared,
  scored: Scored,
  { stress: declared }: DeclaredValidation,
  random: () => number,
): ReturnType<typeof stress> {
  const { version, predictor } = candidate
  const whole = {
    inputs: version.signature.inputs,
    features: evaluation.features,
    scored,
    metric: MAIN_METRIC[scored.task],
    random,
    ask: async () => scored,
  }
  const sample = sampleOf(whole, isAwaited(predictor) ? STRESS_ROWS_MAX_AWAITED : STRESS_ROWS_MAX)
  const { truth } = sample.scored
  const ask = (features: readonly Float64Array[]) => score(candidate, { rows: truth.length, truth }, features)
  return await stress({ ...sample, ask }, declared)
}

function withoutChampion(): Check {
  const says = 'There is no champion to compare with'
  return { about: 'comparison', name: 'comparison', status: 'skipped', says }
}

interface Compared {
  readonly checks: readonly Check[]
  readonly comparison?: NonNullable<Report['comparison']>
  readonly notes: readonly string[]
}

/** The champion is asked the same rows, of which it may know other columns. */
async function compare(
  candidate: Contender,
  champion: Contender,
  scored: Scored,
  { comparison: declared = {} }: DeclaredValidation,
  files: GateFiles,
  random: () => number,
): Promise<Compared> {
  const name = `${champion.version.model}@${champion.version.version}`
  const failed = (why: string): Compared => {
    const says = `Cannot compare with ${name}: ${why}`
    return { checks: [{ about: 'comparison', name: 'comparison', status: 'failed', says }], notes: [] }
  }
  if (champion.version.task !== candidate.version.task) return failed(`it is a ${champion.version.task} model`)
  // The truth of the rows is that of the candidate's data, whatever the champion's model.yaml called it.
  const { target } = candidate.version
  const asked = { ...champion, version: { ...champion.version, ...(target === undefined ? {} : { target }) } }
  let there: Prepared
  try {
    there = await prepare(asked, files.evaluation(), EVALUATION, { columns: [], truth: 'needed' })
  } catch (error) {
    if (error instanceof Problem) return failed(error.message)
    throw error
  }
  if (there.truth!.some((value, row) => value !== scored.truth[row])) return failed('its classes have other numbers')
  const theirs = await score(asked, { rows: there.rows, truth: scored.truth }, there.features)
  const { metric = MAIN_METRIC[scored.task], rule = 'not-worse', margin = MARGIN, level = LEVEL } = declared
  if (!metricsOf(theirs).includes(metric)) return failed(`it has no ${metric}`)
  const found = gain(metric, scored, theirs, level, random)
  if (found === undefined || !Number.isFinite(found.value)) return failed(`${metric} does not exist for these rows`)
  const allowed = rule === 'better' ? 0 : -margin * Math.abs(found.second)
  const isKept = rule === 'better' ? found.low > 0 : found.low >= allowed
  const { first, second, low, high, value } = found
  const better = MEASURES[metric].better === 'higher' ? 'higher' : 'lower'
  const says = `${metric} is ${shown(first)}, that of ${name} ${shown(second)} (${better} is better): the gain is ${shown(value)} (${shown(low)} to ${shown(high)}), wanted ${rule === 'better' ? 'above 0' : `at least ${shown(allowed)}`}`
  const check: Check = {
    about: 'comparison',
    name: 'comparison',
    status: isKept ? 'passed' : 'failed',
    says,
    value,
    low,
    high,
    limit: allowed,
  }
  return {
    checks: [check],
    comparison: {
      against: name,
      artifact: champion.version.artifact.sha256,
      metric,
      rule,
      margin: Math.abs(allowed),
      gain: found,
      ...(scored.task === 'regression' ? {} : { discordant: apartOf(scored, theirs) }),
    },
    notes: await notesOf(asked, there, files, name),
  }
}

function apartOf(mine: Scored, theirs: Scored): { onlyThis: number; onlyChampion: number; pValue: number } {
  const apart = discordant(rights(mine), rights(theirs))
  return { onlyThis: apart.onlyFirst, onlyChampion: apart.onlySecond, pValue: mcnemar(apart).exact }
}

/** A champion that was trained on these rows is not easily beaten on them. */
async function notesOf(champion: Contender, there: Prepared, files: GateFiles, name: string): Promise<string[]> {
  if (files.championReference === undefined) return []
  const extra = { columns: [], truth: 'wanted' } as const
  const reference = await prepare(champion, files.championReference(), "the champion's reference data", extra)
  const { share, twins } = overlapOf(reference, there)
  if (share - twins <= 0.01) return []
  return [`${percent(share)} of the evaluation rows stand in the reference data of ${name}: the comparison favours it`]
}

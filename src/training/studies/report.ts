/** Signs of life of a trial, what it has reached by now, and whether that is worth going on. */
import { Problem } from '../../errors.ts'
import type { PrunerSettings, StudyDefinition } from './definition.ts'
import { bracketOf, isBelowPercentile, isHalvedAway, isJudged, rungsReached } from './prune.ts'
import type { Reporting, StudyStore } from './store.ts'
import type { ReportsRow, TrialsRow } from './tables.ts'
import type { SentNumber } from './trial.ts'

export interface ReportRequest {
  /** With a value: how far the trial is, 0, 1, 2, … */
  readonly step?: number
  readonly value?: SentNumber
  readonly attempt?: number
}

export interface ReportAnswer {
  /** End here, and tell that the trial is pruned. */
  readonly prune: boolean
  /** Not heard of until then, the trial is given to another worker. */
  readonly leaseUntil: number
}

export async function report(
  store: StudyStore,
  study: string,
  definition: StudyDefinition,
  number: number,
  { step, value, attempt }: ReportRequest,
  now: number,
): Promise<ReportAnswer> {
  const leaseUntil = now + definition.heartbeatMs
  return await store.reporting(study, async reporting => {
    const row = await reporting.alive(number, attempt, leaseUntil)
    if (row === undefined) throw lost(await reporting.find(number), definition.name, number, attempt)
    if (step === undefined || value === undefined) return { prune: false, leaseUntil }
    const own = await reporting.own(number, row.attempt)
    const there = own.find(other => other.step === step)
    if (there !== undefined && there.value !== String(Number(value))) {
      const found = `step ${step} was reported as ${there.value}, now as ${value}`
      throw new Problem('conflict', `Cannot report trial ${number} of ${definition.name}: ${found}`)
    }
    if (there === undefined) {
      await reporting.add({ number, attempt: row.attempt, step, value: String(Number(value)) })
      if (row.last_step === null || step > row.last_step) await reporting.changeLast(number, step, Number(value))
    }
    const prune = await isPruned(reporting, definition, row, own, { step, value: Number(value) })
    return { prune, leaseUntil }
  })
}

function lost(row: TrialsRow | undefined, name: string, number: number, attempt: number | undefined): Problem {
  const cannot = `Cannot report trial ${number} of ${name}`
  if (row === undefined) return new Problem('not_found', `${cannot}: there is no such trial`)
  if (row.state !== 'running') return new Problem('conflict', `${cannot}: it is ${row.state}`)
  return new Problem(
    'conflict',
    `${cannot}: another worker has taken it over since (attempt ${attempt} told, ${row.attempt} known)`,
  )
}

interface Reported {
  readonly step: number
  readonly value: number
}

async function isPruned(
  reporting: Reporting,
  { pruner, objectives, seed }: StudyDefinition,
  { number }: TrialsRow,
  own: readonly ReportsRow[],
  { step, value }: Reported,
): Promise<boolean> {
  if (pruner === undefined) return false
  const sign = objectives[0]!.direction === 'maximize' ? -1 : 1
  const earlier = own.filter(report => report.step < step)
  const before = earlier.at(-1)?.step
  const loss = sign * value
  if (pruner.kind === 'median') {
    if (!isJudged(pruner, step, before)) return false
    const best = bestLoss([...earlier.map(report => sign * Number(report.value)), loss])
    const others = (await reporting.atStep(step)).map(other => sign * other)
    return isBelowPercentile(pruner, best, others, await reporting.complete())
  }
  return await isHalved(reporting, pruner, { number, loss, step, before, bracket: bracketOf(pruner, seed, number) })
}

async function isHalved(
  reporting: Reporting,
  pruner: Exclude<PrunerSettings, { kind: 'median' }>,
  trial: { number: number; loss: number; step: number; before: number | undefined; bracket: number },
): Promise<boolean> {
  const { number, loss, step, before, bracket } = trial
  let isAway = false
  for (const rung of rungsReached(pruner, bracket, step, before)) {
    isAway = isHalvedAway(pruner, loss, await reporting.climb(bracket, rung, number, loss))
  }
  return isAway
}

/** NaN where nothing else was reported. */
function bestLoss(losses: readonly number[]): number {
  const known = losses.filter(loss => !Number.isNaN(loss))
  return known.length === 0 ? Number.NaN : Math.min(...known)
}

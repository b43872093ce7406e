/** When a trial is not worth going on with: pure judgements of what it reported against what others had reported. */
import { hashed } from '../../math/search/sobol.ts'
import type { PrunerSettings } from './definition.ts'

type MedianSettings = Extract<PrunerSettings, { kind: 'median' }>
type HalvingSettings = Exclude<PrunerSettings, { kind: 'median' }>

/** Whether a trial is judged at this report: once in each interval, at its first report there, and not before the warm-up. */
export function isJudged({ warmup, interval }: MedianSettings, step: number, before: number | undefined): boolean {
  if (step < warmup) return false
  const turn = (at: number): number => Math.floor((at - warmup) / interval)
  return before === undefined || before < warmup || turn(step) > turn(before)
}

/**
 * The median rule (Golovin et al. 2017, "Google Vizier", doi:10.1145/3097983.3098043), of any percentile: a trial ends whose best
 * report so far is worse than that percentile of what complete trials reported at the same step.
 *
 * @param best the least loss reported so far; NaN where nothing but NaN was.
 * @param others what the others reported at this step, as losses.
 * @param complete how many trials are complete.
 */
export function isBelowPercentile(
  { percentile, startup }: MedianSettings,
  best: number,
  others: readonly number[],
  complete: number,
): boolean {
  if (complete < startup) return false
  const known = others.filter(loss => !Number.isNaN(loss)).sort((a, b) => a - b)
  if (known.length === 0) return false
  if (Number.isNaN(best)) return true
  const place = (percentile / 100) * (known.length - 1)
  const [low, high] = [known[Math.floor(place)]!, known[Math.ceil(place)]!]
  return best > (low === high ? low : low + (high - low) * (place - Math.floor(place)))
}

/** One of several schedules of halving: the later it begins, the fewer trials it drops early. */
export function bracketOf(settings: HalvingSettings, seed: number, number: number): number {
  if (settings.kind === 'asha') return 0
  const brackets = bracketCount(settings)
  // As many trials as each bracket's share of the budget pays for (Li et al. 2018, JMLR 18(185), algorithm 1).
  const sizes = Array.from({ length: brackets }, (_, bracket) => {
    const rest = brackets - 1 - bracket
    return Math.ceil((brackets * settings.factor ** rest) / (rest + 1))
  })
  const total = sizes.reduce((sum, size) => sum + size, 0)
  let place = (hashed(seed, number) / 2 ** 32) * total
  for (const [bracket, size] of sizes.entries()) {
    place -= size
    if (place < 0) return bracket
  }
  return brackets - 1
}

function bracketCount({ min, max = min, factor }: HalvingSettings): number {
  return Math.floor(Math.log(max / min) / Math.log(factor) + 1e-9) + 1
}

/** The rungs that a trial reaches with a report at `step`, after the one at `before`. The last step of all is none: nothing is left to save. */
export function rungsReached(
  { min, max = Infinity, factor }: HalvingSettings,
  bracket: number,
  step: number,
  before: number | undefined,
): number[] {
  const reached: number[] = []
  for (let rung = 0; ; rung++) {
    const at = min * factor ** (bracket + rung)
    if (at > step || at >= max) return reached
    if (before === undefined || at > before) reached.push(rung)
  }
}

/**
 * Asynchronous successive halving (Li et al. 2020, "A system for massively parallel hyperparameter tuning", arXiv:1810.05934), which
 * never waits: a trial goes on that is among the best 1/factor of those that have reached its rung so far, or the best of all.
 *
 * @param rung losses of all that reached it, this trial's own among them.
 */
export function isHalvedAway({ factor }: HalvingSettings, own: number, rung: readonly number[]): boolean {
  if (Number.isNaN(own)) return true
  const known = rung.filter(loss => !Number.isNaN(loss)).sort((a, b) => a - b)
  const kept = Math.max(1, Math.floor(rung.length / factor))
  return own > (known[kept - 1] ?? Infinity)
}

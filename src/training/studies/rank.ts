/** Which trials were better. */
import { crowdingDistances, paretoFront, paretoRanks } from '../../math/search/pareto.ts'
import type { StudyDefinition } from './definition.ts'
import type { KnownTrial } from './history.ts'

/** Of several objectives, layers are made of so many trials, the newest: their cost grows with the square. */
const LAYERED_MAX = 1_000

/**
 * The best so many trials: those that are complete by their loss (of several objectives by layer, then the least crowded); where
 * there are not enough, those that were pruned, the farthest first.
 */
export function bestTrialsOf(
  trials: readonly KnownTrial[],
  { objectives }: StudyDefinition,
  count: number,
): readonly KnownTrial[] {
  const complete = trials.filter(({ state }) => state === 'complete')
  const best =
    objectives.length === 1
      ? firstOf(complete, count, (a, b) => compare(a.losses![0]!, b.losses![0]!))
      : layersOf(complete.slice(-LAYERED_MAX)).flat().slice(0, count)
  if (best.length === count) return best
  const pruned = trials.filter(({ state }) => state === 'pruned')
  return [...best, ...firstOf(pruned, count - best.length, byProgress)]
}

/** The first so many of a list as if it were sorted, without sorting what does not come into question. */
function firstOf(
  list: readonly KnownTrial[],
  count: number,
  order: (a: KnownTrial, b: KnownTrial) => number,
): KnownTrial[] {
  const first: KnownTrial[] = []
  for (const trial of list) {
    if (first.length === count && order(first[count - 1]!, trial) <= 0) continue
    let place = first.length
    while (place > 0 && order(first[place - 1]!, trial) > 0) place--
    first.splice(place, 0, trial)
    if (first.length > count) first.pop()
  }
  return first
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function byProgress(a: KnownTrial, b: KnownTrial): number {
  const steps = (b.lastStep ?? -1) - (a.lastStep ?? -1)
  return steps !== 0 ? steps : compare(orWorst(a.lastLoss), orWorst(b.lastLoss))
}

function orWorst(loss: number | undefined): number {
  return loss === undefined || Number.isNaN(loss) ? Infinity : loss
}

/** The layers of trials that are complete, each with the least crowded first. */
export function layersOf(trials: readonly KnownTrial[]): KnownTrial[][] {
  const ranks = paretoRanks(trials.map(({ losses }) => losses!))
  const layers: KnownTrial[][] = Array.from({ length: Math.max(-1, ...ranks) + 1 }, () => [])
  for (const [i, trial] of trials.entries()) layers[ranks[i]!]!.push(trial)
  return layers.map(layer => {
    const distances = crowdingDistances(layer.map(({ losses }) => losses!))
    const order = [...layer.keys()].sort((a, b) => compare(distances[b]!, distances[a]!))
    return order.map(i => layer[i]!)
  })
}

/** The best one, or of several objectives all that nothing dominates; in the order of their numbers. */
export function bestOf<T extends { readonly losses: readonly number[] }>(trials: readonly T[]): T[] {
  const front = paretoFront(trials.map(({ losses }) => losses)).map(i => trials[i]!)
  return trials[0]?.losses.length === 1 ? front.slice(0, 1) : front
}

/** Learning from trials by the tree-structured Parzen estimator, group by group of parameters that exist together. */
import type { Random } from '../../math/random.ts'
import { tpePoint } from '../../math/search/tpe.ts'
import type { StudyDefinition } from './definition.ts'
import type { History, KnownTrial } from './history.ts'
import { bestTrialsOf } from './rank.ts'
import type { Group } from './space.ts'
import type { GroupPlaces } from './suggest.ts'

/** The tenth part is good, but not more: what was good among a thousand is not what is good among the best. */
const GOOD_SHARE = 0.1
const GOOD_MAX = 25
/** Of the others as many are used, spread over their age, so that an ask takes milliseconds however long the study is. */
const BAD_MAX = 2_000

export function suggestByTpe(definition: StudyDefinition, history: History, random: Random): GroupPlaces {
  const { finished, running } = history
  const goodCount = Math.min(GOOD_MAX, Math.ceil(GOOD_SHARE * finished.length))
  const good = bestTrialsOf(finished, definition, goodCount).toSorted(byNumber)
  const isGood = new Set(good)
  // What others are trying now is not to be tried at the same time: it counts as bad until more is known.
  const bad = [...finished.filter(trial => !isGood.has(trial)), ...running.values()]
  const { candidates } = definition.sampler
  return group => {
    const dimensions = group.parameters.map(({ dimension }) => dimension)
    return tpePoint({
      dimensions,
      good: pointsOf(trialsWith(good, group), group),
      bad: pointsOf(spread(trialsWith(bad, group), BAD_MAX).toSorted(byNumber), group),
      candidates,
      random,
    })
  }
}

function byNumber(a: KnownTrial, b: KnownTrial): number {
  return a.number - b.number
}

/** The trials in which the group exists. */
function trialsWith(trials: readonly KnownTrial[], { parameters }: Group): readonly KnownTrial[] {
  return trials.filter(({ places }) => parameters.every(({ index }) => !Number.isNaN(places[index]!)))
}

function pointsOf(trials: readonly KnownTrial[], { parameters }: Group): number[][] {
  return trials.map(({ places }) => parameters.map(({ index }) => places[index]!))
}

/** At most `max` of a list, evenly taken, the last one always. */
function spread<T>(list: readonly T[], max: number): readonly T[] {
  if (list.length <= max) return list
  return Array.from({ length: max }, (_, i) => list[Math.floor(((i + 1) * list.length) / max) - 1]!)
}

/** Which point is tried next: a pure function of the study, its seed, the number of the trial and what is known. */
import { type Random, seededRandom } from '../../math/random.ts'
import { fromUnit } from '../../math/search/dimension.ts'
import { hashed, SOBOL_DIMENSIONS_MAX, sobolPoint } from '../../math/search/sobol.ts'
import type { StudyDefinition } from './definition.ts'
import type { History } from './history.ts'
import { exists, type Group, type Setting, type Settings, settingOf } from './space.ts'
import { suggestByCmaEs } from './suggest-cma-es.ts'
import { suggestByNsga2 } from './suggest-nsga2.ts'
import { suggestByTpe } from './suggest-tpe.ts'

export interface Suggestion {
  readonly params: Settings
  /** Kept with the trial for the sampler. */
  readonly trace?: unknown
}

/** The places of a group's parameters, in their order. */
export type GroupPlaces = (group: Group) => ArrayLike<number>

export function suggest(definition: StudyDefinition, history: History, number: number): Suggestion {
  const { sampler, seed } = definition
  const random = seededRandom(hashed(seed, number))
  const isLearning = history.finished.length >= sampler.startup
  switch (sampler.kind) {
    case 'tpe':
      if (isLearning) return { params: together(definition, suggestByTpe(definition, history, random)) }
      break
    case 'nsga2':
      if (isLearning) return { params: together(definition, suggestByNsga2(definition, history, random)) }
      break
    case 'cma-es':
      return suggestByCmaEs(definition, history, random)
    case 'random':
      return { params: together(definition, byChance(random)) }
    default:
  }
  return { params: together(definition, evenly(definition, number, random)) }
}

/** Group after group: which exist depends on what was chosen for those before. */
function together({ space }: StudyDefinition, choose: GroupPlaces): Settings {
  const settings: Record<string, Setting> = {}
  for (const group of space.groups) {
    if (!exists(group, settings)) continue
    const places = choose(group)
    for (const [i, parameter] of group.parameters.entries()) {
      settings[parameter.name] = settingOf(parameter, places[i]!)
    }
  }
  return settings
}

function byChance(random: Random): GroupPlaces {
  return ({ parameters }) => parameters.map(({ dimension }) => fromUnit(dimension, random()))
}

/** By Sobol's sequence over all parameters, those included that will not exist. */
function evenly({ space, seed }: StudyDefinition, number: number, random: Random): GroupPlaces {
  const count = space.parameters.length
  if (count > SOBOL_DIMENSIONS_MAX) return byChance(random)
  const point = sobolPoint(number, count, seed)
  const at = new Map(space.parameters.map(({ name }, i) => [name, point[i]!]))
  return ({ parameters }) => parameters.map(({ name, dimension }) => fromUnit(dimension, at.get(name)!))
}

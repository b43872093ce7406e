/**
 * Evolution towards several objectives at once: NSGA-II (Deb et al. 2002, doi:10.1109/4235.996017) in its steady form, where
 * each trial that is told takes its place among the survivors at once, so that no worker waits for a generation. Numbers are
 * crossed by simulated binary crossover and mutated by polynomials (Deb and Agrawal 1995), choices are swapped and drawn anew.
 */
import type { Random } from '../../math/random.ts'
import { type Dimension, fromUnit, toUnit } from '../../math/search/dimension.ts'
import { dominates } from '../../math/search/pareto.ts'
import type { StudyDefinition } from './definition.ts'
import type { History, KnownTrial } from './history.ts'
import { layersOf } from './rank.ts'
import type { Parameter } from './space.ts'
import type { GroupPlaces } from './suggest.ts'

/** How near children are to their parents: the distribution indices of crossover and mutation, as usual. */
const CROSSING_INDEX = 15
const MUTATION_INDEX = 20
const CROSSING_CHANCE = 0.9

interface Survivors {
  /** Layer after layer, each with the least crowded first: of two, the one that comes first is the better parent. */
  ordered: readonly KnownTrial[]
  /** The last layer of them, where there are as many as may survive: what it dominates does not. */
  last: readonly KnownTrial[]
  seen: number
}

const survivors = new WeakMap<History, Survivors>()

export function suggestByNsga2(definition: StudyDefinition, history: History, random: Random): GroupPlaces {
  const { ordered } = selected(definition, history)
  const pick = (): KnownTrial | undefined => {
    const [a, b] = [random(), random()]
    return ordered[Math.floor(Math.min(a, b) * ordered.length)]
  }
  const [mother, father] = [pick(), pick()]
  const isCrossed = random() < CROSSING_CHANCE
  const mutation = 1 / definition.space.parameters.length
  const child = ({ index, dimension }: Parameter): number => {
    const [own, other] = [placeIn(mother, index), placeIn(father, index)]
    const inherited = own ?? other
    if (inherited === undefined) return fromUnit(dimension, random())
    const crossed =
      isCrossed && own !== undefined && other !== undefined ? cross(dimension, own, other, random) : inherited
    return random() < mutation ? mutate(dimension, crossed, random) : crossed
  }
  return ({ parameters }) => parameters.map(child)
}

function placeIn(parent: KnownTrial | undefined, index: number): number | undefined {
  const place = parent?.places[index]
  return place === undefined || Number.isNaN(place) ? undefined : place
}

/** Trial by trial, so that whoever reads the history in other portions has the same survivors. */
function selected(definition: StudyDefinition, history: History): Survivors {
  const { population } = definition.sampler
  let state = survivors.get(history)
  if (state === undefined) {
    state = { ordered: [], last: [], seen: 0 }
    survivors.set(history, state)
  }
  while (state.seen < history.finished.length) {
    const trial = history.finished[state.seen++]!
    if (trial.state !== 'complete') continue
    if (state.last.some(({ losses }) => dominates(losses!, trial.losses!))) continue
    const layers = layersOf([...state.ordered, trial])
    state.ordered = layers.flat().slice(0, population)
    const lowest = state.ordered.at(-1)!
    if (state.ordered.length === population) state.last = layers.find(layer => layer.includes(lowest))!
  }
  return state
}

function cross(dimension: Dimension, own: number, other: number, random: Random): number {
  if (dimension.kind === 'choice') return random() < 0.5 ? own : other
  const [a, b] = [toUnit(dimension, own), toUnit(dimension, other)]
  const chance = random()
  const power = 1 / (CROSSING_INDEX + 1)
  const spread = chance < 0.5 ? (2 * chance) ** power : (1 / (2 * (1 - chance))) ** power
  const side = random() < 0.5 ? 1 : -1
  return within(dimension, (a + b + side * spread * (b - a)) / 2)
}

function mutate(dimension: Dimension, place: number, random: Random): number {
  if (dimension.kind === 'choice') return fromUnit(dimension, random())
  const chance = random()
  const power = 1 / (MUTATION_INDEX + 1)
  const shift = chance < 0.5 ? (2 * chance) ** power - 1 : 1 - (2 * (1 - chance)) ** power
  return within(dimension, toUnit(dimension, place) + shift)
}

function within(dimension: Dimension, share: number): number {
  return fromUnit(dimension, Math.min(1, Math.max(0, share)))
}

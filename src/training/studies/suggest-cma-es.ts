/** Evolution by CMA-ES. Nothing of it is stored but each trial's point: who reads the study's history has the same state. */
import { type Random, seededRandom } from '../../math/random.ts'
import { type CmaEs, cmaEs } from '../../math/search/cma-es.ts'
import { fromUnit } from '../../math/search/dimension.ts'
import { hashed } from '../../math/search/sobol.ts'
import type { StudyDefinition } from './definition.ts'
import type { History, KnownTrial } from './history.ts'
import { type Setting, settingOf } from './space.ts'
import type { Suggestion } from './suggest.ts'

/** What is kept with a trial: its generation, and its point in the unit cube before steps rounded it. */
interface Trace {
  readonly generation: number
  readonly point: readonly number[]
}

interface Replay {
  readonly evolution: CmaEs
  /** How many finished trials it has seen. */
  seen: number
  /** Of the current generation. */
  gathered: KnownTrial[]
}

const replays = new WeakMap<History, Replay>()
const RESTARTS = 0x5eed

export function suggestByCmaEs(definition: StudyDefinition, history: History, random: Random): Suggestion {
  const { evolution } = replayed(definition, history)
  const point = [...evolution.draw(random)]
  const params: Record<string, Setting> = {}
  for (const [i, parameter] of definition.space.parameters.entries()) {
    params[parameter.name] = settingOf(parameter, fromUnit(parameter.dimension, point[i]!))
  }
  return { params, trace: { generation: evolution.generation, point } satisfies Trace }
}

function replayed(definition: StudyDefinition, history: History): Replay {
  const { space, sampler, seed } = definition
  let replay = replays.get(history)
  if (replay === undefined) {
    const evolution = cmaEs(space.parameters.length, sampler.population, seededRandom(hashed(seed, RESTARTS)))
    replay = { evolution, seen: 0, gathered: [] }
    replays.set(history, replay)
  }
  const { evolution } = replay
  while (replay.seen < history.finished.length) {
    const trial = history.finished[replay.seen++]!
    if ((trial.trace as Trace | undefined)?.generation !== evolution.generation) continue
    replay.gathered.push(trial)
    if (replay.gathered.length < evolution.population) continue
    const order = replay.gathered.sort((a, b) => lossOf(a) - lossOf(b))
    evolution.update(order.map(({ trace }) => (trace as Trace).point))
    replay.gathered = []
  }
  return replay
}

/** What was pruned or failed is worse than everything that was told; finite, so that differences are numbers. */
function lossOf({ state, losses }: KnownTrial): number {
  const loss = state === 'complete' ? losses![0]! : Number.MAX_VALUE
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, loss))
}

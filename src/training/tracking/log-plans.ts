/** What clients do most: begin runs, and log points, parameters and tags into them. */
import { experimentId } from './experiments.ts'
import { type Fact, factOf, factsOf, requireKept } from './facts.ts'
import { invalid, type Message, messages, optionalText, optionalWhole, shown } from './fields.ts'
import { type Point, pointOf } from './metrics.ts'
import type { Known, Plan, Rows } from './planned.ts'
import { infoOf, NAME_CHARACTERS_MAX, RUN_NAME, type RunRow, runIdIn } from './runs.ts'
import { hexId, type Tracking } from './tracking.ts'

const METRICS_MAX = 1_000
const PARAMS_MAX = 100
const TAGS_MAX = 100

export function createRun({ ids, clock }: Tracking, from: Message): Plan {
  const given = from['experiment_id']
  const experiment = experimentId(given === undefined ? '0' : String(given))
  const tags = [...factsOf(from, 'tags', 'tag')]
  const tagged = tags.find(({ key }) => key === RUN_NAME)?.value
  const asked = optionalText(from, 'run_name', NAME_CHARACTERS_MAX)
  if (tagged && asked && tagged !== asked)
    throw invalid(`Cannot name the run: run_name is ${shown(asked)}, its tag ${RUN_NAME} is ${shown(tagged)}`)
  const id = hexId(ids)
  const name = asked || tagged || `run-${id.slice(-8)}`
  if (tagged === undefined) tags.push({ key: RUN_NAME, value: name })
  const row: Omit<RunRow, 'artifact_uri'> = {
    id,
    experiment,
    name,
    user_id: optionalText(from, 'user_id', 256) ?? '',
    status: 'RUNNING',
    started_at: optionalWhole(from, 'start_time') ?? clock.now(),
    ended_at: null,
    stage: 'active',
  }
  const sorted = [...tags].sort((a, b) => (a.key < b.key ? -1 : 1))
  return {
    experiment,
    weight: 1 + tags.length,
    decide(known, rows) {
      const made = { ...row, artifact_uri: `${known.experiment(experiment).artifact_location}/${id}/artifacts` }
      rows.run(made)
      for (const tag of tags) rows.tag(id, tag)
      return { run: { info: infoOf(made), data: { tags: sorted }, inputs: {} } }
    },
  }
}

interface Logged {
  readonly points?: readonly Point[]
  readonly params?: readonly Fact[]
  readonly tags?: readonly Fact[]
}

export function logMetric(_: Tracking, from: Message): Plan {
  return logged(from, { points: [pointOf(from)] })
}

export function logParam(_: Tracking, from: Message): Plan {
  return logged(from, { params: [factOf(from, 'param')] })
}

export function setRunTag(_: Tracking, from: Message): Plan {
  return logged(from, { tags: [factOf(from, 'tag')] })
}

/** All or nothing. */
export function logBatch(_: Tracking, from: Message): Plan {
  const points = messages(from, 'metrics').map(pointOf)
  const params = distinct(factsOf(from, 'params', 'param'))
  const tags = factsOf(from, 'tags', 'tag')
  requireFew('metrics', points.length, METRICS_MAX)
  requireFew('params', params.length, PARAMS_MAX)
  requireFew('tags', tags.length, TAGS_MAX)
  requireFew('metrics, params and tags together', points.length + params.length + tags.length, METRICS_MAX)
  return logged(from, { points, params, tags })
}

function requireFew(what: string, found: number, most: number): void {
  if (found > most) throw invalid(`Cannot log a batch: it has ${found} ${what}, at most ${most} were wanted`)
}

/** A parameter is given once in a batch, also where both say the same, as MLflow has it. */
function distinct(params: readonly Fact[]): readonly Fact[] {
  const seen = new Set<string>()
  for (const { key } of params) {
    if (seen.has(key)) throw invalid(`Cannot log a batch: the parameter '${key}' is in it twice`)
    seen.add(key)
  }
  return params
}

function logged(from: Message, { points = [], params = [], tags = [] }: Logged): Plan {
  const run = runIdIn(from)
  return {
    run,
    params: params.map(({ key }) => key),
    weight: 1 + points.length + params.length + tags.length,
    decide(known, rows) {
      const { id } = known.run(run)
      addParams(known, rows, id, params)
      for (const point of points) rows.point(id, point)
      for (const tag of tags) rows.tag(id, tag)
      const name = tags.findLast(({ key }) => key === RUN_NAME)?.value
      if (name !== undefined) rows.rename(id, name)
      return {}
    },
  }
}

/** Parameters keep the value they were given first. */
function addParams(known: Known, rows: Rows, run: string, params: readonly Fact[]): void {
  if (params.length === 0) return
  const before = known.paramsOf(run)
  for (const param of params) requireKept(before.get(param.key), param)
  for (const param of params) {
    if (before.has(param.key)) continue
    before.set(param.key, param.value)
    rows.param(run, param)
  }
}

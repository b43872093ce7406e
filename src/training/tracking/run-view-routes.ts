/** Runs as the dashboard reads them, and whoever wants them without MLflow's client: reading only. */
import { createHash } from 'node:crypto'
import { type TSchema, Type } from 'typebox'
import type { Answer, AnyRoute, Route, RouteRequest } from '../../route.ts'
import {
  COMPARED_MAX,
  comparedView,
  curvesView,
  experimentsView,
  experimentView,
  filesView,
  type RunsAsked,
  runsView,
  runView,
} from './run-views.ts'
import type { Tracking } from './tracking.ts'

const described = { method: 'GET', permission: 'run:read', tag: 'Runs' } as const
const problems = [400, 404, 422, 431]
/** Of what may be long: together they fit into the head of a request. */
const LONG = 5_000
const text = (description: string, maxLength: number = 2_000) => Type.Optional(Type.String({ description, maxLength }))
const Open = { additionalProperties: true } as const
const Token = text('The next page, as the answer before gave it')
const Value = Type.Union([Type.Number(), Type.String()], { description: '`NaN`, `Infinity` and `-Infinity` as texts' })
const Texts = Type.Record(Type.String(), Type.String())
const Line = Type.Object(
  {
    id: Type.String(),
    experiment: Type.String(),
    name: Type.String(),
    status: Type.String(),
    user: Type.String(),
    startedAt: Type.Integer(),
    endedAt: Type.Optional(Type.Integer()),
    isDeleted: Type.Optional(Type.Boolean()),
    parent: Type.Optional(
      Type.Object({ id: Type.String(), name: Type.String() }, { description: 'The run that it is nested in' }),
    ),
    children: Type.Integer({ description: 'Runs that are nested in it' }),
    metrics: Type.Record(Type.String(), Value),
    params: Texts,
    tags: Texts,
  },
  Open,
)
const Experiment = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    createdAt: Type.Integer(),
    runs: Type.Integer(),
    lastRunAt: Type.Optional(Type.Integer()),
  },
  Open,
)
const Names = Type.Array(Type.String())
const Id = Type.Object({ run: Type.String({ maxLength: 64 }) })

export function runViewRoutes(tracking: Tracking): AnyRoute[] {
  return [...ofExperiments(tracking), ...ofSeveral(tracking), ...ofOne(tracking)]
}

/** A page asks again and again: what is the same is not sent again. */
function reading(
  path: string,
  summary: string,
  schemas: Pick<Route, 'params' | 'query' | 'description'> & { readonly answer: TSchema },
  look: (request: RouteRequest) => Promise<object>,
): Route {
  const { answer, ...rest } = schemas
  return {
    ...described,
    ...rest,
    path,
    summary,
    answers: { 200: answer, 304: 'text' },
    problems,
    handle: async request => taggedAnswer(await look(request), request.headers['if-none-match']),
  }
}

function taggedAnswer(body: object, known: string | undefined): Answer {
  const text = JSON.stringify(body)
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
  return known === etag ? { status: 304, headers: { etag } } : { text, headers: { etag } }
}

function ofExperiments(tracking: Tracking): Route[] {
  const params = Type.Object({ experiment: Type.String({ maxLength: 20 }) })
  return [
    reading(
      '/runs/experiments',
      'Experiments, the newest first, with how many runs are in each',
      {
        query: Type.Object({ search: text('Words of the name', 500), page: Token }),
        answer: Type.Object({ experiments: Type.Array(Experiment), next: Type.Optional(Type.String()) }),
      },
      ({ query }) => experimentsView(tracking, query),
    ),
    reading('/runs/experiments/:experiment', 'An experiment', { params, answer: Experiment }, ({ params }) =>
      experimentView(tracking, params['experiment']!),
    ),
    reading(
      '/runs/experiments/:experiment/runs',
      'A page of the runs of an experiment',
      {
        params,
        query: Type.Object({
          filter: text("In the grammar of MLflow's search: `metrics.loss < 0.1 AND params.lr = '0.01'`", LONG),
          order: text('`metrics.loss`, `start_time DESC`; default: the latest first'),
          view: Type.Optional(Type.Union(['active', 'deleted', 'all'].map(view => Type.Literal(view)))),
          columns: text('`metrics.loss,params.lr,tags.team`; default: those that most have', LONG),
          page: Token,
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
        }),
        answer: Type.Object({
          runs: Type.Array(Line),
          names: Type.Object({ metrics: Names, params: Names, tags: Names }),
          columns: Names,
          next: Type.Optional(Type.String()),
        }),
      },
      ({ params, query }) => {
        const { limit = 50, ...asked } = query as Partial<RunsAsked>
        return runsView(tracking, params['experiment']!, { ...asked, limit })
      },
    ),
  ]
}

function ofSeveral(tracking: Tracking): Route[] {
  const Runs = Type.String({ description: `Ids with commas between, at most ${COMPARED_MAX}`, maxLength: LONG })
  return [
    reading(
      '/runs/compare',
      'Runs with all that is known of them, side by side',
      { query: Type.Object({ runs: Runs }), answer: Type.Object({ runs: Type.Array(Line) }) },
      ({ query }) => comparedView(tracking, String(query['runs'])),
    ),
    reading(
      '/runs/curves',
      'Metrics of runs over time',
      {
        description:
          'At most so many points of each curve, spread over its time; the first and the last are among them.',
        query: Type.Object({
          runs: Runs,
          metrics: Type.String({ description: 'Names with commas between', maxLength: 2 * LONG }),
          points: Type.Optional(Type.Integer({ minimum: 2, maximum: 2_500, default: 400 })),
        }),
        answer: Type.Object({
          curves: Type.Array(
            Type.Object({
              run: Type.String(),
              metric: Type.String(),
              points: Type.Array(Type.Array(Value), { description: 'Step, time, value' }),
            }),
          ),
        }),
      },
      ({ query: { runs, metrics, points = 400 } }) =>
        curvesView(tracking, { runs: String(runs), metrics: String(metrics), points: Number(points) }),
    ),
  ]
}

function ofOne(tracking: Tracking): Route[] {
  return [
    reading('/runs/:run', 'A run, with what went into it and came out', { params: Id, answer: Line }, ({ params }) =>
      runView(tracking, params['run']!),
    ),
    reading(
      '/runs/:run/artifacts',
      'Files of a run, directly in a folder',
      {
        params: Id,
        query: Type.Object({ path: text('Folder below the root of its artifacts') }),
        answer: Type.Object({
          files: Type.Array(
            Type.Object({
              path: Type.String(),
              isFolder: Type.Boolean(),
              bytes: Type.Optional(Type.Integer()),
              address: Type.Optional(Type.String({ description: 'Where it is fetched, with `run:read`' })),
            }),
          ),
        }),
      },
      ({ params, query }) => filesView(tracking, params['run']!, String(query['path'] ?? '')),
    ),
  ]
}

/** How a model's service was and is, and what its versions answered: over time, from the counts. */
import { Type } from 'typebox'
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import { slotCounts } from '../registry/profile.ts'
import { type Registry, requireModel, versionIn } from '../registry/registry.ts'
import type { AnyRoute, RouteRequest } from '../route.ts'
import type { Releases } from '../serving/choose.ts'
import type { ServiceWatch } from './recent-calls.ts'
import { type ServiceTargets, serviceFigures, serviceTargets } from './service-levels.ts'
import { bySteps, sumOfCalls, sumOfCounts } from './steps.ts'
import type { TimeRange, Watch } from './watch.ts'
import { watchedColumns } from './watched.ts'
import type { WindowCounts } from './window-counts.ts'

export interface ServiceRouteParts {
  readonly watch: Pick<Watch, 'windows' | 'calls' | 'versions'>
  readonly service: Pick<ServiceWatch, 'recent'>
  readonly registry: Pick<Registry, 'catalogue' | 'profile'>
  readonly releases: Releases
  readonly clock: Clock
  readonly windowMs: number
}

const DAY_MS = 86_400_000
const STEPS_MAX = 10_000
const STEPS_USUAL = 500

const Figures = {
  perSecond: Type.Number({ description: 'Predictions a second' }),
  p50Ms: Type.Optional(
    Type.Number({ description: 'Half of the predictions took no longer, milliseconds; within 2 %' }),
  ),
  p95Ms: Type.Optional(Type.Number()),
  p99Ms: Type.Optional(Type.Number()),
  errorRate: Type.Optional(
    Type.Number({
      description: 'Share of the calls that failed by the fault of the server, of all it should have answered',
    }),
  ),
}
const Counted = {
  rows: Type.Integer({ description: 'Predictions' }),
  invocations: Type.Integer({ description: 'Answered calls; a batch is one' }),
  refusals: Type.Record(Type.String(), Type.Integer(), { description: 'Calls that were not answered, by code' }),
}
const Window = { from: Type.Integer({ description: 'Milliseconds since the epoch' }), to: Type.Integer() }
const Targets = Type.Object({
  p99LatencyMs: Type.Number(),
  alertP99LatencyMs: Type.Number(),
  errorRate: Type.Number(),
  requestsPerSecond: Type.Number(),
  availability: Type.Number(),
})
const State = Type.Union(['idle', 'ok', 'warning', 'alarm'].map(state => Type.Literal(state)))
const Service = Type.Object({
  model: Type.String(),
  version: Type.Optional(Type.String({ description: 'Absent: all versions together' })),
  at: Type.Integer(),
  targets: Targets,
  state: State,
  sentence: Type.String(),
  recent: Type.Optional(
    Type.Object({
      ...Figures,
      predictions: Type.Integer({ description: 'Of the last hour' }),
      series: Type.Array(Type.Integer(), { description: 'Predictions by five minutes, oldest first' }),
    }),
  ),
  total: Type.Object({ ...Counted, ...Figures }),
  windows: Type.Array(Type.Object({ ...Window, ...Counted, ...Figures })),
})

const Output = Type.Object({
  name: Type.String(),
  lowers: Type.Optional(Type.Array(Type.Number(), { description: 'Lower bounds of the bins of a number' })),
  maximum: Type.Optional(Type.Number({ description: 'Upper bound of the last bin, which holds it' })),
  categories: Type.Optional(Type.Array(Type.String())),
  reference: Type.Array(Type.Integer(), {
    description: 'Rows of the reference data by slot: bins, below and above (of categories: others), missing',
  }),
})
const Distribution = Type.Object({
  model: Type.String(),
  version: Type.String(),
  referenceRows: Type.Integer(),
  outputs: Type.Array(Output),
  windows: Type.Array(
    Type.Object({
      ...Window,
      rows: Type.Integer(),
      outputs: Type.Array(Type.Array(Type.Integer()), { description: 'By output, predictions by slot' }),
    }),
  ),
})

const Params = Type.Object({ name: Type.String({ description: 'Name of the model' }) })
const Query = Type.Object(
  {
    version: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'Semantic version or alias' })),
    since: Type.Optional(Type.Integer({ minimum: 0, description: 'Not before; default: a day before `until`' })),
    until: Type.Optional(Type.Integer({ minimum: 0, description: 'Before; default: now' })),
    step: Type.Optional(
      Type.Integer({
        minimum: 1,
        description:
          'Length of a window in milliseconds, rounded up to what is counted; default: no more than 500 windows',
      }),
    ),
  },
  { additionalProperties: false },
)

export function serviceRoutes(parts: ServiceRouteParts): AnyRoute[] {
  const described = {
    method: 'GET',
    permission: 'metrics:read',
    tag: 'Monitoring',
    params: Params,
    query: Query,
    problems: [404, 422],
  } as const
  return [
    {
      ...described,
      path: '/models/:name/service',
      summary: 'Latency, errors and throughput of a model, now and over time, against its targets',
      answers: { 200: Service },
      handle: async request => ({ body: await serviceOf(parts, request) }),
    },
    {
      ...described,
      path: '/models/:name/distribution',
      summary: 'What a version answered over time, beside what it answers for its reference data',
      answers: { 200: Distribution },
      handle: async request => ({ body: await distributionOf(parts, request) }),
    },
  ]
}

async function serviceOf(parts: ServiceRouteParts, request: RouteRequest): Promise<object> {
  const { watch, service, registry, clock } = parts
  const name = request.params['name']!
  const asked = request.query['version'] as string | undefined
  requireModel(registry.catalogue, name)
  const version = asked === undefined ? undefined : versionIn(registry.catalogue, name, asked).version
  const { range, stepMs } = timesOf(parts, request)
  const versions = version === undefined ? versionsOf(watch, name) : [version]
  const windows = (await Promise.all(versions.map(each => watch.calls(name, each, range)))).flat()
  const targets = targetsOf(parts, name, version)
  const now = clock.now()
  const recent = service.recent(name, version, targets)
  const { state = 'idle', sentence = 'Nobody asked since the server started', ...figures } = recent ?? {}
  return {
    model: name,
    ...(version === undefined ? {} : { version }),
    at: now,
    targets,
    state,
    sentence,
    ...(recent === undefined ? {} : { recent: figures }),
    total: callsOf(windows, (Math.min(range.until, now) - range.since) / 1000),
    windows: bySteps(windows, stepMs).map(step => ({
      from: step.from,
      to: step.to,
      ...callsOf(step.windows, (Math.min(step.to, Math.max(now, step.from + 1)) - step.from) / 1000),
    })),
  }
}

/** Those that were asked, and what was refused before a version was chosen. */
function versionsOf(watch: Pick<Watch, 'versions'>, name: string): string[] {
  const asked = watch.versions().filter(({ model }) => model === name)
  return [...asked.map(({ version }) => version), '']
}

function callsOf(windows: readonly WindowCounts[], seconds: number): object {
  const { rows, invocations, refusals, latency } = sumOfCalls(windows)
  return { rows, invocations, refusals, ...serviceFigures({ rows, invocations, refusals, latency }, seconds) }
}

/** Of the model as a whole: those of the version that answers for it. */
function targetsOf(
  { registry, releases }: Pick<ServiceRouteParts, 'registry' | 'releases'>,
  name: string,
  version: string | undefined,
): ServiceTargets {
  const of = version ?? releases.choose(name, undefined)?.version
  return serviceTargets(of === undefined ? {} : registry.catalogue.version(name, of)?.service)
}

async function distributionOf(parts: ServiceRouteParts, request: RouteRequest): Promise<object> {
  const { watch, registry, releases } = parts
  const name = request.params['name']!
  requireModel(registry.catalogue, name)
  const reference = (request.query['version'] as string | undefined) ?? releases.choose(name, undefined)?.version
  const version = versionIn(registry.catalogue, name, reference ?? 'champion')
  const profile = await registry.profile(name, version.version)
  const columns = watchedColumns(version, profile).filter(({ kind }) => kind === 'output')
  const { range, stepMs } = timesOf(parts, request)
  const windows = await watch.windows(name, version.version, range)
  return {
    model: name,
    version: version.version,
    referenceRows: profile.rows,
    outputs: columns.map(({ name: output, profile: column }) => ({
      name: output,
      ...(column.kind === 'numeric'
        ? { lowers: column.lowers, maximum: column.maximum }
        : { categories: column.categories }),
      reference: slotCounts(column),
    })),
    windows: bySteps(windows, stepMs).map(({ from, to, windows: inStep }) => ({
      from,
      to,
      rows: inStep.reduce((sum, { rows }) => sum + rows, 0),
      outputs: columns.map(({ name: output }) => sumOfCounts(inStep.map(window => outputCounts(window, output)))),
    })),
  }
}

function outputCounts({ columns }: WindowCounts, output: string): readonly number[] {
  return columns.find(({ kind, name }) => kind === 'output' && name === output)!.counts
}

function timesOf(
  { clock, windowMs }: Pick<ServiceRouteParts, 'clock' | 'windowMs'>,
  { query }: RouteRequest,
): { readonly range: TimeRange; readonly stepMs: number } {
  const { until = clock.now() + 1 } = query as { until?: number }
  const { since = Math.max(0, until - DAY_MS) } = query as { since?: number }
  const { step = Math.max(windowMs, (until - since) / STEPS_USUAL) } = query as { step?: number }
  const stepMs = Math.ceil(step / windowMs) * windowMs
  const faults = [
    ...(since < until
      ? []
      : [{ field: 'since', problem: `is ${since}, wanted a time before until, which is ${until}` }]),
    ...((until - since) / stepMs <= STEPS_MAX
      ? []
      : [{ field: 'step', problem: `is ${step}: that makes more than ${STEPS_MAX} windows` }]),
  ]
  if (faults.length === 0) return { range: { since, until }, stepMs }
  const found = faults.map(({ field, problem }) => `${field} ${problem}`).join('; ')
  throw new Problem('invalid', `Cannot read the counts: ${found}`, { fields: faults })
}

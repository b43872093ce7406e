import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Answer, AnyRoute, RouteRequest } from '../route.ts'
import { type BundleFile, lazyBundle } from './bundle.ts'
import { inOrder, type ListedModel, type ModelSigns, overviewModel } from './overview.ts'

export interface DashboardParts {
  readonly clock: Clock
  /** The models and the version of each that answers: from memory, asked on every look. */
  readonly models: () => readonly ListedModel[]
  /** What the slices know of a version, from memory. */
  readonly signs: (model: string, version: string) => ModelSigns
}

const TAG = 'Dashboard'
const Known = (description: string) => Type.Optional(Type.Number({ description }))
const Series = (description: string) => Type.Array(Type.Number(), { description })
const State = Type.Union(['idle', 'ok', 'warning', 'alarm'].map(state => Type.Literal(state)))

const Overview = Type.Object({
  at: Type.Integer({ description: 'Milliseconds since the epoch' }),
  models: Type.Array(
    Type.Object({
      name: Type.String(),
      version: Type.Optional(Type.String({ description: 'The one that answers' })),
      versions: Type.Integer(),
      state: State,
      reasons: Type.Array(Type.String(), { description: 'Why the state is not ok' }),
      traffic: Type.Object({
        perSecond: Type.Number(),
        predictions: Type.Integer(),
        series: Series('Predictions by window, oldest first'),
      }),
      latency: Type.Object({ p50Ms: Known('Median'), p95Ms: Known('95th centile'), p99Ms: Known('99th centile') }),
      errorRate: Known("Share of calls that failed by the server's fault"),
      drift: Type.Object({
        state: State,
        feature: Type.Optional(Type.String()),
        statistic: Type.Optional(Type.String()),
        value: Known('The statistic furthest from its threshold'),
        sentence: Type.Optional(Type.String()),
      }),
      quality: Type.Object({
        metric: Type.Optional(Type.String()),
        value: Known('From the outcomes known by now'),
        low: Known('Lower end of its interval'),
        high: Known('Upper end of its interval'),
        maturity: Known('Share of predictions whose outcome is known'),
        series: Series('The metric by window, oldest first'),
      }),
    }),
  ),
})

export function dashboardRoutes(parts: DashboardParts): AnyRoute[] {
  const bundle = lazyBundle()
  return [
    {
      method: 'GET',
      path: '/overview',
      permission: 'model:read',
      summary: 'Every model: health, traffic, latency, drift, live quality',
      description: 'Those that need somebody come first. Answers 304 where `If-None-Match` names what there still is.',
      tag: TAG,
      answers: { 200: Overview, 304: 'text' },
      handle: request => overview(parts, request),
    },
    {
      method: 'GET',
      path: '/dashboard/:file',
      permission: 'public',
      summary: 'Files of the dashboard',
      tag: TAG,
      params: Type.Object({ file: Type.String({ maxLength: 100 }) }),
      answers: { 200: 'binary', 304: 'text' },
      problems: [404],
      handle: async ({ params, headers }) => {
        const name = params['file']!
        const file = (await bundle()).get(name)
        if (file === undefined) throw new Problem('not_found', `Cannot send ${name}: the dashboard has no such file`)
        return fileAnswer(file, headers)
      },
    },
  ]
}

function overview({ clock, models, signs }: DashboardParts, { headers }: RouteRequest): Answer {
  const lines = models().map(model =>
    overviewModel(model, model.version === undefined ? {} : signs(model.name, model.version)),
  )
  const text = JSON.stringify(inOrder(lines))
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
  if (headers['if-none-match'] === etag) return { status: 304, headers: { etag } }
  return { text: `{"at":${clock.now()},"models":${text}}`, headers: { etag } }
}

/** Names stay when the content changes, so a browser asks each time, and mostly hears that it has it already. */
function fileAnswer(file: BundleFile, headers: RouteRequest['headers']): Answer {
  const own = { etag: file.tag, 'cache-control': 'no-cache', vary: 'accept-encoding' }
  if (headers['if-none-match'] === file.tag) return { status: 304, headers: own }
  const accepted = headers['accept-encoding'] ?? ''
  const encoding = (['br', 'gzip'] as const).find(
    name => file.coded[name] !== undefined && new RegExp(`\\b${name}\\b`).test(accepted),
  )
  const bytes = encoding === undefined ? file.bytes : file.coded[encoding]!
  const coded = encoding === undefined ? {} : { 'content-encoding': encoding }
  const length = { 'content-length': String(bytes.length) }
  return { stream: Readable.from([bytes]), type: file.type, headers: { ...own, ...coded, ...length } }
}

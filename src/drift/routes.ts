import { Type } from 'typebox'
import { Problem } from '../errors.ts'
import { DRIFT_STATISTICS } from '../registry/drift-keys.ts'
import { type Registry, requireModel, versionIn } from '../registry/registry.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { Answer, AnyRoute, RouteRequest } from '../route.ts'
import type { ComparedColumn } from './compared-column.ts'
import { histogramBins, joinedHistogram } from './histogram.ts'
import { judgeWindow } from './judge.ts'
import { readingsOf } from './reading.ts'
import { type DriftQuestion, driftReport, judgedRange, type ReportParts } from './report.ts'

export interface DriftRouteParts extends ReportParts {
  readonly catalogue: Registry['catalogue']
  /** The version that answers for a model when none is named. */
  readonly answering: (model: string) => string | undefined
}

const Statistic = Type.Enum([...DRIFT_STATISTICS])
const VERDICTS = ['ok', 'warning', 'drift', 'too few', 'not watched'] as const
const VerdictSchema = Type.Enum([...VERDICTS])
const Kind = Type.Enum(['feature', 'output'])
const Time = (description: string) => Type.Integer({ description: `${description}, milliseconds since the epoch` })
const optionalNumber = (description: string) => Type.Optional(Type.Number({ description }))

const ReadingSchema = Type.Object({
  feature: Type.String({ description: 'Name of the feature or output' }),
  kind: Kind,
  statistic: Type.Optional(Statistic),
  value: optionalNumber('Absent where there is no number'),
  pValue: optionalNumber('Probability of such a difference by chance'),
  level: optionalNumber('What the p-value has to be below: alpha divided by the number of tests'),
  rows: Type.Integer({ description: 'Predictions' }),
  referenceRows: Type.Integer(),
  threshold: optionalNumber('The one that was reached, else the first that was not'),
  verdict: VerdictSchema,
  decides: Type.Boolean({ description: 'Whether the state depends on it' }),
  sentence: Type.String(),
})
const Span = Type.Object({
  from: Time('From the beginning'),
  to: Time('To the end'),
  rows: Type.Integer(),
  verdict: VerdictSchema,
})
const State = Type.Enum([...VERDICTS, 'idle', 'no reference'])
const Change = Type.Object({
  at: Time('When'),
  before: VerdictSchema,
  state: Type.Object({ verdict: VerdictSchema, since: Type.Integer(), cause: Type.Optional(ReadingSchema) }),
  predictions: Type.Integer({ description: 'How many this process had seen of the version' }),
})
const Cells = Type.Array(
  Type.Object({
    value: Type.Optional(Type.Number()),
    verdict: VerdictSchema,
    columnVerdict: Type.Enum([...VERDICTS], { description: 'The worst of the statistics that decide' }),
  }),
)
const MatrixSchema = Type.Object({
  statistic: Statistic,
  windows: Type.Array(Span, { description: 'Oldest first' }),
  rows: Type.Array(Type.Object({ feature: Type.String(), kind: Kind, cells: Cells })),
})
const Report = Type.Object({
  model: Type.String(),
  version: Type.String(),
  state: State,
  since: Type.Optional(Time('Since when it is so')),
  cause: Type.Optional(ReadingSchema),
  settings: Type.Optional(Type.Object({}, { additionalProperties: true })),
  window: Type.Optional(Span),
  readings: Type.Array(ReadingSchema, { description: 'Of the last predictions, or of the range asked for' }),
  changes: Type.Array(Change, { description: 'Of the state, oldest first' }),
  matrix: MatrixSchema,
})
const Counts = { reference: Type.Integer(), current: Type.Integer() }
const Histogram = Type.Object({
  model: Type.String(),
  version: Type.String(),
  feature: Type.String(),
  kind: Kind,
  window: Type.Optional(Span),
  referenceRows: Type.Integer(),
  bins: Type.Array(
    Type.Object({
      kind: Type.Enum(['range', 'value', 'category', 'below', 'above', 'other', 'rest', 'missing']),
      from: Type.Optional(Type.Number()),
      to: Type.Optional(Type.Number()),
      category: Type.Optional(Type.String()),
      categories: Type.Optional(Type.Integer()),
      ...Counts,
    }),
  ),
  joined: Type.Array(Type.Object({ label: Type.String(), ...Counts }), { description: 'The bins that PSI compares' }),
  readings: Type.Array(ReadingSchema),
})

const version = Type.Optional(Type.String({ description: 'Semantic version or alias; default: the one that answers' }))
const source = Type.Optional(
  Type.Enum(['live', 'ledger'], {
    description: '`ledger` counts the stored records again: the same numbers, with time',
    default: 'live',
  }),
)
const moment = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, description: `${description}, milliseconds since the epoch` }))

export function driftRoutes(parts: DriftRouteParts): AnyRoute[] {
  const described = { method: 'GET', permission: 'metrics:read', tag: 'Drift', problems: [404, 422] } as const
  return [
    {
      ...described,
      path: '/models/:name/drift',
      summary: 'Whether what is predicted is like the reference data',
      description:
        'Readings of all columns by all statistics: of the last predictions, or, with `since` or `until`, of all in that range. The matrix has a row for each column and a cell for each window.',
      params: Type.Object({ name: Type.String({ description: 'Name of the model' }) }),
      query: Type.Object({
        version,
        since: moment('Not before'),
        until: moment('Before'),
        step: Type.Optional(
          Type.Integer({
            minimum: 1,
            description: 'Length of the windows of the matrix, milliseconds, rounded up to whole windows',
          }),
        ),
        statistic: Type.Optional(
          Type.Enum([...DRIFT_STATISTICS], { description: 'What the matrix shows', default: 'psi' }),
        ),
        by: Type.Optional(
          Type.Enum(['time', 'size'], {
            description: 'Windows of the matrix: of time, or of as many predictions as are judged at a time',
            default: 'time',
          }),
        ),
        source,
      }),
      answers: { 200: Report },
      handle: request => report(parts, request),
    },
    {
      ...described,
      path: '/models/:name/drift/:feature',
      summary: 'A feature or output: the reference and what came, bin by bin, with its readings',
      params: Type.Object({
        name: Type.String(),
        feature: Type.String({ description: 'Name of a feature or output' }),
      }),
      query: Type.Object({
        version,
        kind: Type.Optional(Type.Enum(['feature', 'output'], { description: 'Where both are named so' })),
        from: moment('Not before; without it and `to`: the last predictions'),
        to: moment('Before'),
        source,
      }),
      answers: { 200: Histogram },
      handle: request => feature(parts, request),
    },
  ]
}

async function report(parts: DriftRouteParts, { params, query }: RouteRequest): Promise<Answer> {
  const {
    version: reference,
    statistic = 'psi',
    by = 'time',
    source: from = 'live',
    ...range
  } = query as Partial<DriftQuestion & { version: string }>
  const found = versionOf(parts, params['name']!, reference)
  return { body: await driftReport(parts, found, { ...range, statistic, by, source: from }) }
}

interface FeatureQuestion {
  readonly version?: string
  readonly kind?: 'feature' | 'output'
  readonly from?: number
  readonly to?: number
  readonly source?: 'live' | 'ledger'
}

async function feature(parts: DriftRouteParts, { params, query }: RouteRequest): Promise<Answer> {
  const { version: reference, kind, source: of = 'live', ...range } = query as FeatureQuestion
  const found = versionOf(parts, params['name']!, reference)
  const watched = await parts.drift.version(found)
  const compared = watched?.compared
  const column = compared?.columns.find(one => one.name === params['feature'] && (kind ?? one.kind) === one.kind)
  if (compared === undefined || column === undefined) throw noColumn(found, params['feature']!, compared?.columns)
  const window = await judgedRange(parts, found, { ...range, source: of })
  const judgement = window && judgeWindow(compared, window)
  const counted = window?.columns.find(({ name, kind: ofKind }) => name === column.name && ofKind === column.kind)
  const counts = counted?.counts ?? column.reference.map(() => 0)
  const { from, to, rows } = judgement ?? {}
  const verdict = judgement?.columns.find(judged => judged.column === column)?.verdict
  return {
    body: {
      model: found.model,
      version: found.version,
      feature: column.name,
      kind: column.kind,
      ...(judgement === undefined ? {} : { window: { from, to, rows, verdict } }),
      referenceRows: column.referenceRows,
      bins: histogramBins(column, counts),
      joined: joinedHistogram(column, counts),
      readings:
        judgement === undefined
          ? []
          : readingsOf(compared, judgement).filter(one => one.feature === column.name && one.kind === column.kind),
    },
  }
}

function versionOf({ catalogue, answering }: DriftRouteParts, model: string, reference?: string): ModelVersion {
  requireModel(catalogue, model)
  const named = reference ?? answering(model) ?? catalogue.versions(model).at(-1)!
  return versionIn(catalogue, model, named)
}

function noColumn(
  { model, version: of, profile }: ModelVersion,
  name: string,
  columns: readonly ComparedColumn[] = [],
): Problem {
  const why =
    profile === undefined
      ? 'it was registered without reference data'
      : `its columns are ${columns
          .slice(0, 20)
          .map(column => column.name)
          .join(', ')}${columns.length > 20 ? ', …' : ''}`
  return new Problem('not_found', `Cannot compare ${name} of ${model}@${of}: ${why}`)
}

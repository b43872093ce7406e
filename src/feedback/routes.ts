import { Type } from 'typebox'
import { Problem } from '../errors.ts'
import type { JudgedWindow } from '../ledger/quality-question.ts'
import type { Clock } from '../platform/clock.ts'
import type { Registry } from '../registry/registry.ts'
import { requireModel, versionIn } from '../registry/registry.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { Answer, AnyRoute, RouteRequest } from '../route.ts'
import type { Releases } from '../serving/choose.ts'
import { importOutcomes, REJECTIONS_TOLD_MAX } from './import.ts'
import type { Intake, Teller, Told } from './intake.ts'
import { judgingOf } from './judging.ts'
import type { FeedbackMetrics } from './metrics.ts'
import { type GivenOutcome, readTime } from './outcome.ts'
import { maturityOf, type Quality, WINDOWS_MAX } from './quality.ts'
import { type GivenReview, type ReviewParts, recordReview } from './review.ts'
import { ImportReport, Outcome, QualityBody, Review, ReviewBody, ToldOutcome } from './schemas.ts'

export interface FeedbackRouteParts extends Omit<ReviewParts, 'catalogue'> {
  readonly registry: Pick<Registry, 'catalogue'>
  readonly releases: Pick<Releases, 'choose'>
  readonly intake: Intake
  readonly quality: Pick<Quality, 'windows' | 'total'>
  readonly metrics: Pick<FeedbackMetrics, 'count'>
  readonly clock: Clock
  /** Outcomes of one request. */
  readonly batchRowsMax: number
  /** Of an imported table. */
  readonly importBytesMax: number
}

export function feedbackRoutes(parts: FeedbackRouteParts): AnyRoute[] {
  return [...outcomeRoutes(parts), ...reviewRoutes(parts), qualityRoute(parts)]
}

function outcomeRoutes(parts: FeedbackRouteParts): AnyRoute[] {
  const described = { method: 'POST', permission: 'outcome:write', tag: 'Outcomes' } as const
  return [
    {
      ...described,
      path: '/outcomes',
      summary: 'Say what became of predictions',
      description:
        'One outcome, or an array of them, which is taken whole or not at all. Of a prediction by its id, or of the newest prediction of a subject of a model at or before `happenedAt`. The same again is `repeated` and writes nothing; another value is refused (409) unless it is a `correction`, which counts from then on.',
      body: Type.Union([Outcome, Type.Array(Outcome, { minItems: 1, maxItems: parts.batchRowsMax })]),
      answers: {
        200: Type.Union([ToldOutcome, Type.Object({ outcomes: Type.Array(ToldOutcome) })]),
        201: Type.Union([ToldOutcome, Type.Object({ outcomes: Type.Array(ToldOutcome) })]),
      },
      problems: [404, 409, 422],
      handle: request => takeOutcomes(parts, request),
    },
    {
      ...described,
      path: '/outcomes/import',
      summary: 'Say it of a whole table',
      description: `CSV with a header: \`prediction_id\`, or \`subject\` with \`happened_at\`; \`value\`; and where known \`model\`, \`happened_at\`, \`amount\` with \`currency\`, \`correction\`. Good rows are taken, bad ones named with their line and reason (the first ${REJECTIONS_TOLD_MAX}). A row is a line: cells hold no line breaks. Sending the same table again adds only what is missing.`,
      multipart: {
        bytesMax: parts.importBytesMax,
        description: 'The table as a file; before it, `model` where rows do not say it.',
        schema: Type.Object({
          model: Type.Optional(Type.String({ description: 'Model of rows that do not say one' })),
          file: Type.Unsafe<string>({ type: 'string', format: 'binary', description: 'CSV, UTF-8' }),
        }),
      },
      answers: { 200: ImportReport },
      problems: [404, 413, 415, 422],
      handle: request => importTable(parts, request),
    },
  ]
}

function tellerOf({ actor, source }: RouteRequest): Teller {
  return { actor, source }
}

interface PostedOutcome extends Omit<GivenOutcome, 'happenedAt' | 'happenedUntil'> {
  readonly happenedAt?: number | string
}

async function takeOutcomes({ intake, metrics }: FeedbackRouteParts, request: RouteRequest): Promise<Answer> {
  const isBatch = Array.isArray(request.body)
  const posted = (isBatch ? request.body : [request.body]) as readonly PostedOutcome[]
  let outcomes: readonly Told[]
  try {
    outcomes = await intake.takeAll(givenOf(posted, isBatch), tellerOf(request), isBatch)
  } catch (error) {
    if (error instanceof Problem) metrics.count('rejected', posted.length)
    throw error
  }
  for (const { status } of outcomes) metrics.count(status, 1)
  const status = outcomes.some(told => told.status !== 'repeated') ? 201 : 200
  return { status, body: isBatch ? { outcomes } : outcomes[0] }
}

/** Throws `invalid` naming each member that the schema takes and an outcome does not. */
function givenOf(posted: readonly PostedOutcome[], isBatch: boolean): GivenOutcome[] {
  const fields: { field: string; problem: string }[] = []
  const given = posted.map(({ happenedAt, ...outcome }, place): GivenOutcome => {
    const wrong = (name: string, problem: string): void => {
      fields.push({ field: isBatch ? `[${place}].${name}` : name, problem })
    }
    const { predictionId, subject, model } = outcome
    if (predictionId === undefined && subject === undefined)
      wrong('predictionId', 'is missing, wanted it, or subject and model')
    if (predictionId !== undefined && subject !== undefined)
      wrong('subject', 'is given beside predictionId, wanted one of them')
    if (predictionId === undefined && subject !== undefined && model === undefined)
      wrong('model', 'is missing, wanted with subject')
    const happened = happenedAt === undefined ? {} : readTime(String(happenedAt))
    if (happened === undefined) wrong('happenedAt', 'is no time: wanted milliseconds since the epoch, or RFC 3339')
    return { ...outcome, ...happened }
  })
  if (fields.length === 0) return given
  const [first] = fields
  const more = fields.length === 1 ? '' : `; and ${fields.length - 1} more`
  throw new Problem('invalid', `Cannot take the outcome: ${first!.field} ${first!.problem}${more}`, {
    fields: fields.slice(0, 100),
  })
}

async function importTable({ intake, metrics, registry }: FeedbackRouteParts, request: RouteRequest): Promise<Answer> {
  let model: string | undefined
  for await (const part of request.parts) {
    if (part.kind === 'field') {
      if (part.name !== 'model') throw unknownPart(part.name)
      requireModel(registry.catalogue, part.value)
      model = part.value
      continue
    }
    if (part.name !== 'file') throw unknownPart(part.name)
    const report = await importOutcomes(intake, part.stream, tellerOf(request), model)
    for (const status of ['recorded', 'corrected', 'repeated', 'rejected'] as const)
      metrics.count(status, report[status])
    return { body: report }
  }
  throw new Problem('invalid', 'Cannot import outcomes: there is no file', {
    fields: [{ field: 'file', problem: 'is missing' }],
  })
}

function unknownPart(name: string): Problem {
  const problem = 'is not known, wanted model and then file'
  const field = name.slice(0, 64)
  return new Problem('invalid', `Cannot import outcomes: the part ${field} ${problem}`, {
    fields: [{ field, problem }],
  })
}

function reviewRoutes(parts: FeedbackRouteParts): AnyRoute[] {
  return [
    {
      method: 'POST',
      path: '/reviews',
      permission: 'prediction:review',
      summary: 'Say what an expert thinks of a prediction',
      description:
        'An opinion, not an outcome: it does not count for live quality, and shows beside the prediction. The comment is sealed under the key of the subject, so that erasing the subject erases it.',
      tag: 'Outcomes',
      body: ReviewBody,
      answers: { 201: Review },
      problems: [404, 422],
      handle: async request => {
        const { registry, ...rest } = parts
        const given = request.body as GivenReview
        const review = await recordReview({ ...rest, catalogue: registry.catalogue }, given, tellerOf(request))
        return { status: 201, body: review }
      },
    },
  ]
}

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const TimeQuery = (description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: 8.64e15, description }))

function qualityRoute(parts: FeedbackRouteParts): AnyRoute {
  return {
    method: 'GET',
    path: '/models/:name/metrics',
    permission: 'model:read',
    summary: 'How right a version was, as far as outcomes are known',
    description:
      'Each metric with its interval, by window of the predictions, with the share of predictions whose outcome is known by now. A window without an outcome has no metrics.',
    tag: 'Outcomes',
    params: Type.Object({ name: Type.String({ description: 'Name of the model' }) }),
    query: Type.Object(
      {
        version: Type.Optional(Type.String({ description: 'Semantic version or alias; the one that answers now' })),
        since: TimeQuery('Of predictions: not before, milliseconds since the epoch; a day before until'),
        until: TimeQuery('Before; now'),
        step: Type.Optional(
          Type.Integer({
            minimum: 1000,
            maximum: 366 * DAY_MS,
            default: HOUR_MS,
            description: `Length of a window, milliseconds; windows begin at multiples of it, at most ${WINDOWS_MAX}`,
          }),
        ),
      },
      { additionalProperties: false },
    ),
    answers: { 200: QualityBody },
    problems: [404, 422],
    handle: request => tellQuality(parts, request),
  }
}

async function tellQuality(parts: FeedbackRouteParts, { params, query }: RouteRequest): Promise<Answer> {
  const asked = query as { version?: string; since?: number; until?: number; step?: number }
  const version = chosen(parts, params['name']!, asked.version)
  const { until = parts.clock.now() + 1, since = Math.max(0, until - DAY_MS), step = HOUR_MS } = asked
  const windows = await parts.quality.windows(version, { since, until, stepMs: step })
  const total = await parts.quality.total(version, { since: windows[0]!.from, until: windows.at(-1)!.to })
  const judging = judgingOf(version)
  return {
    body: {
      model: version.model,
      version: version.version,
      task: version.task,
      ...('threshold' in judging && { threshold: judging.threshold }),
      step,
      windows: windows.map(windowBody),
      total: windowBody(total),
      ...(total.reliability !== undefined && { reliability: total.reliability }),
    },
  }
}

function windowBody(window: JudgedWindow): JudgedWindow & { readonly maturity?: number } {
  const maturity = maturityOf(window)
  return { ...window, ...(maturity !== undefined && { maturity }) }
}

/** The version that is named; without a name, the one that answers. */
function chosen(
  { registry, releases }: FeedbackRouteParts,
  model: string,
  reference: string | undefined,
): ModelVersion {
  const { catalogue } = registry
  if (reference !== undefined) return versionIn(catalogue, model, reference)
  requireModel(catalogue, model)
  const choice = releases.choose(model, undefined)
  if (choice === undefined) throw new Problem('not_found', `Cannot tell the quality: ${model} has no version`)
  return versionIn(catalogue, model, choice.version)
}

/**
 * What an expert thinks of a prediction. It is a change record, not an outcome: an opinion is no fact, and whoever reads outcomes
 * must not have to tell the two apart (docs/adr/0012). The comment is about a person, so it is sealed as sensitive features are.
 */
import { type FieldProblem, Problem } from '../errors.ts'
import { canonical } from '../ledger/canonical.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { OpenedLedger } from '../ledger/open-ledger.ts'
import type { ChangeRecord, PredictionRecord, Scalar } from '../ledger/record.ts'
import type { SubjectKeys } from '../ledger/subject-keys.ts'
import type { Clock } from '../platform/clock.ts'
import type { Ids } from '../platform/ids.ts'
import type { Catalogue } from '../registry/catalogue.ts'
import type { Teller } from './intake.ts'
import { outcomeValue, typeOf, wantedValue } from './outcome.ts'

/** `value` says what the prediction should have been. */
export type ReviewVerdict = 'agree' | 'disagree' | 'value'

export interface GivenReview {
  readonly predictionId: string
  readonly verdict: ReviewVerdict
  /** With `value`; may go with `disagree`. */
  readonly value?: Scalar
  readonly comment?: string
}

export interface Review {
  readonly id: string
  readonly at: number
  /** Id of the actor. */
  readonly reviewer: string
  readonly verdict: ReviewVerdict
  readonly value?: Scalar
  readonly comment?: string
  /** There was a comment, and its key was destroyed. */
  readonly erased?: boolean
}

interface ReviewDetail {
  readonly verdict: ReviewVerdict
  readonly value?: Scalar
  readonly sealedComment?: string
}

export interface ReviewParts {
  readonly ledger: Pick<Ledger, 'append' | 'find'> & Pick<OpenedLedger, 'changesTo'>
  readonly catalogue: Pick<Catalogue, 'version'>
  readonly seals: Pick<SubjectKeys, 'open' | 'unseal'>
  readonly clock: Clock
  readonly ids: Ids
}

const ACTION = 'prediction:reviewed'

function targetOf(predictionId: string): string {
  return `prediction:${predictionId}`
}

/** Throws `not_found` for an unknown prediction, `invalid` for a value that its model could not mean. */
export async function recordReview(parts: ReviewParts, given: GivenReview, by: Teller): Promise<Review> {
  const prediction = await parts.ledger.find(given.predictionId)
  if (prediction?.kind !== 'prediction') {
    throw refusal('not_found', { field: 'predictionId', problem: 'is no prediction of this ledger' })
  }
  const value = reviewedValue(parts, given, prediction)
  const { clock, ids, ledger, seals } = parts
  const { model, version, subject, id: predictionId } = prediction
  const { verdict, comment } = given
  const [id, at] = [ids.next(), clock.now()]
  const said = { verdict, ...(value !== undefined && { value }) }
  const sealedComment = comment === undefined ? undefined : (await seals.open(subject))(canonical({ comment }), id)
  const detail: ReviewDetail = { ...said, ...(sealedComment !== undefined && { sealedComment }) }
  const record: ChangeRecord = {
    kind: 'change',
    id,
    at,
    actor: by.actor.id,
    ...(by.source !== '' && { source: by.source }),
    action: ACTION,
    target: targetOf(predictionId),
    model,
    version,
    detail,
  }
  await ledger.append([canonical(record)], 'power')
  return { id, at, reviewer: by.actor.id, ...said, ...(comment !== undefined && { comment }) }
}

function reviewedValue(
  { catalogue }: ReviewParts,
  { verdict, value }: GivenReview,
  { model, version }: PredictionRecord,
): Scalar | undefined {
  if (value === undefined) {
    if (verdict !== 'value') return undefined
    throw refusal('invalid', { field: 'value', problem: 'is missing, wanted with the verdict value' })
  }
  if (verdict === 'agree')
    throw refusal('invalid', { field: 'value', problem: 'is given, not wanted with the verdict agree' })
  const found = catalogue.version(model, version)
  if (found === undefined) {
    throw refusal('not_found', {
      field: 'predictionId',
      problem: `is of ${model}@${version}, which is not registered here`,
    })
  }
  const kept = outcomeValue(value, found)
  if (kept !== undefined) return kept
  throw refusal('invalid', { field: 'value', problem: `is ${typeOf(value)}, wanted ${wantedValue(found)}` })
}

function refusal(code: 'invalid' | 'not_found', fault: FieldProblem): Problem {
  return new Problem(code, `Cannot record the review: ${fault.field} ${fault.problem}`, { fields: [fault] })
}

/** Oldest first. */
export async function reviewsOf(
  { ledger, seals }: Pick<ReviewParts, 'ledger' | 'seals'>,
  { id: predictionId, subject }: Pick<PredictionRecord, 'id' | 'subject'>,
): Promise<Review[]> {
  const changes = await ledger.changesTo(targetOf(predictionId))
  const reviews = changes.filter(({ action }) => action === ACTION)
  return Promise.all(
    reviews.map(async ({ id, at, actor, detail }) => {
      const { sealedComment, ...said } = detail as ReviewDetail
      const record = { id, at, ...(subject !== undefined && { subject }) }
      return { id, at, reviewer: actor, ...said, ...(await openComment(seals, sealedComment, record)) }
    }),
  )
}

async function openComment(
  seals: Pick<SubjectKeys, 'unseal'>,
  sealed: string | undefined,
  record: Parameters<SubjectKeys['unseal']>[1],
): Promise<Pick<Review, 'comment' | 'erased'>> {
  if (sealed === undefined) return {}
  try {
    return JSON.parse(await seals.unseal(sealed, record)) as { comment: string }
  } catch (error) {
    if (error instanceof Problem && error.code === 'not_found') return { erased: true }
    throw error
  }
}

/**
 * The canonical text of a prediction's record (RFC 8785), put together by hand: it equals `canonical(record)`, for a small
 * part of the price. Members stand in the order of their names; what is the same for all rows of a call is made once.
 */

import { quote } from '../ledger/canonical.ts'
import { momentText } from '../platform/json-number.ts'
import type { Actor } from '../route.ts'
import type { CallContext } from './context.ts'
import type { Lane } from './lane.ts'
import { millisecondsText } from './milliseconds-text.ts'
import { quoteAgain } from './quote-again.ts'

/** What the records of one call have in common. */
export interface CallFacts {
  readonly actor: Pick<Actor, 'id'> | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly door: string
  /** Stands in JSON as it is: see `InvocationRequest`. */
  readonly requestId: string
  /** Whole microseconds, in milliseconds. */
  readonly latencyMs: number
  /** Empty where it is not known. */
  readonly source: string
  readonly context: CallContext | undefined
}

/** The pieces between which a row puts its explanation, its features, its id, its outputs and its sealed fields. */
export interface RecordFrame {
  readonly start: string
  readonly afterId: string
  readonly afterOutputs: string
  readonly end: string
}

/** Most calls come from the caller of the call before: what was quoted last is quoted already. */
const quoteActor = quoteAgain()
const quoteDoor = quoteAgain()
const quoteSource = quoteAgain()

export function recordFrame({ texts }: Pick<Lane, 'texts'>, facts: CallFacts): RecordFrame {
  const { purpose, subject, traceId, unit } = facts.context!
  const sourceText = facts.source === '' ? '' : `,"source":${quoteSource(facts.source)}`
  const purposeText = purpose === undefined ? '' : `,"purpose":${quote(purpose)}`
  const subjectText = subject === undefined ? '' : `,"subject":${quote(subject)}`
  const traceText = traceId === undefined ? '' : `,"traceId":${quote(traceId)}`
  const unitText = unit === undefined ? '' : `,"unit":${quote(unit)}`
  return {
    start: `{"actor":${quoteActor(facts.actor!.id)}${texts.arm},"at":${momentText(facts.at)},"door":${quoteDoor(facts.door)}`,
    afterId: `","kind":"prediction","latencyMs":${millisecondsText(facts.latencyMs)}${texts.model}`,
    afterOutputs: `${purposeText}${texts.release},"requestId":"${facts.requestId}"`,
    end: `${sourceText}${subjectText}${traceText}${unitText}${texts.version}`,
  }
}

/**
 * @param features canonical JSON of the features as served.
 * @param outputs canonical JSON of the outputs.
 * @param row which row of its call, from 0.
 * @param sealed the sensitive features, sealed, base64url.
 * @param explanation canonical JSON of what moved the answer.
 */
export function recordText(
  frame: RecordFrame,
  id: string,
  features: string,
  outputs: string,
  row: number,
  sealed: string | undefined,
  explanation?: string,
): string {
  const rowText = row === 0 ? '' : `,"row":${row}`
  const sealedText = sealed === undefined ? '' : `,"sealed":"${sealed}"`
  const explanationText = explanation === undefined ? '' : `,"explanation":${explanation}`
  return `${frame.start}${explanationText},"features":${features},"id":"${id}${frame.afterId}${outputs}${frame.afterOutputs}${rowText}${sealedText}${frame.end}`
}

/** The answer to one row, as JSON; what moved it only where that was asked. */
export function answerText(lane: Pick<Lane, 'texts'>, id: string, outputs: string, explanation?: string): string {
  const explanationText = explanation === undefined ? '' : `,"explanation":${explanation}`
  return `{"id":"${id}"${lane.texts.answer}${outputs}${explanationText}}`
}

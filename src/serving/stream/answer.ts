/** One message of the stream through the journey of every request, with the ids of its place. */
import { asProblem, Problem } from '../../errors.ts'
import { canonical } from '../../ledger/canonical.ts'
import type { PredictionRecord, RefusalRecord } from '../../ledger/record.ts'
import type { Actor, InvocationRequest } from '../../route.ts'
import { laneTexts } from '../lane.ts'
import { type Protocol, predict, type Serving } from '../predict.ts'
import { answerText } from '../prediction-text.ts'
import { rest } from '../rest.ts'
import type { Rows } from '../signature.ts'
import { headersOnward } from '../trace-call.ts'
import type { EncodeAnswer } from './avro-answers.ts'
import { type Answered, type Question, readMessage, type StreamMessage } from './envelope.ts'
import { type Place, placeId, placeText } from './place-id.ts'
import type { ReadValue } from './schema-registry.ts'

export interface Answering {
  readonly serving: Serving
  readonly append: (records: readonly string[]) => Promise<void>
  readonly actor: Actor
  /** Makes JSON of values whose schema a registry holds. */
  readonly readValue: ReadValue
  /** Where answers are not in JSON: how they are written. Known before anything is recorded. */
  readonly encoder?: () => Promise<EncodeAnswer>
  /** Hears of a refusal that was written. */
  readonly onRefused: (record: RefusalRecord) => void
}

/** A message with its place. */
export interface Placed {
  readonly place: Place
  readonly message: StreamMessage
}

export type Outcome = { readonly answered: Answered } | { readonly problem: Problem }

/** What the next attempt may find otherwise: such a message waits, and all behind it. */
const WAITING: ReadonlySet<string> = new Set([
  'not_found',
  'timeout',
  'rate_limited',
  'overloaded',
  'storage_full',
  'unavailable',
  'corrupt',
  'misconfigured',
])

const DOOR = 'stream'

const protocol: Protocol = {
  door: DOOR,
  read(body, model, rowsMax, journey): Rows {
    const rows = rest.read(body, model, rowsMax, journey)
    if (rows.single) return rows
    model.signature.release(rows)
    throw new Problem(
      'invalid',
      'Cannot read the features: the message is a list, wanted one row: send one message each',
    )
  },
  write: (journey, lane) => ({ text: answerText(lane, journey.ids[0]!, journey.outputTexts[0]!) }),
}

/**
 * Answers a message, or says why it never can be. What was recorded of it before, and whose answer did not arrive, is told
 * again as it was recorded. Throws a problem that may pass.
 *
 * @param recorded canonical texts of records by the id of their request.
 */
export async function answer(
  answering: Answering,
  { place, message }: Placed,
  recorded: ReadonlyMap<string, string>,
): Promise<Outcome> {
  const requestId = placeText(place)
  const encode = await answering.encoder?.()
  const text = recorded.get(requestId)
  if (text !== undefined) return outcomeOf(JSON.parse(text) as PredictionRecord | RefusalRecord, encode)
  const id = placeId(place)
  let model = ''
  let at = 0
  let trace: Answered['trace']
  let isRefused = false
  const serving: Serving = {
    ...answering.serving,
    rates: undefined,
    ids: { next: () => id },
    refusals: {
      // Each message has one record, with the id of its place: a refusal is not counted together with others.
      record: async refusal => {
        if (WAITING.has(refusal.code)) return
        const record: RefusalRecord = { ...refusal, kind: 'refusal', id, count: 1 }
        await answering.append([canonical(record)])
        isRefused = true
        answering.onRefused(record)
      },
    },
    observers: [
      ...answering.serving.observers,
      journey => {
        model = journey.model ?? ''
        at = journey.at
        trace = headersOnward(answering.serving, journey, journey.span?.id)
      },
    ],
  }
  const understood = await understand(answering.readValue, message)
  try {
    const { text: json } = await predict(serving, protocol, requestOf(answering.actor, place, understood, requestId))
    return { answered: { id, at, json: json!, model, trace, ...encoded(encode, json!) } }
  } catch (error) {
    const problem = asProblem(error)
    // What the ledger could not take is not given up: nothing may leave without a record.
    if (isRefused) return { problem }
    throw problem
  }
}

/** What the message asks, or why that cannot be told: the journey refuses it then, and writes that down. */
async function understand(readValue: ReadValue, message: StreamMessage): Promise<Question | Problem> {
  try {
    const value = await readValue(message.value)
    return readMessage({ ...message, value }, value !== message.value)
  } catch (error) {
    return asProblem(error)
  }
}

function requestOf(actor: Actor, place: Place, asked: Question | Problem, requestId: string): InvocationRequest {
  return {
    requestId,
    source: place.topic,
    route: place.topic,
    params: {},
    headers: asked instanceof Problem ? {} : asked.context,
    admit: () => actor,
    bytes(): Buffer {
      if (asked instanceof Problem) throw asked
      return asked.body
    },
  }
}

function encoded(encode: EncodeAnswer | undefined, json: string): Pick<Answered, 'avro'> {
  return encode === undefined ? {} : { avro: encode(json) }
}

/** The outcome that a record tells of. */
function outcomeOf(record: PredictionRecord | RefusalRecord, encode: EncodeAnswer | undefined): Outcome {
  if (record.kind === 'refusal') {
    const { code, fields = [] } = record
    const named = fields.map(field => ({ field, problem: 'was refused' }))
    const detail = 'Cannot answer: the message was refused before, and the answer to it did not arrive'
    return { problem: new Problem(code as Problem['code'], detail, { fields: named }) }
  }
  const { id, at, model, release = null, arm = null } = record
  const json = answerText({ texts: laneTexts(record, release, arm) }, id, canonical(record.outputs))
  return { answered: { id, at, json, model, ...encoded(encode, json) } }
}

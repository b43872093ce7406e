/**
 * What a message of the stream says, and how its answer is written: bare JSON, or a CloudEvent in either of the forms of
 * its Kafka binding (CloudEvents 1.0.2, Kafka protocol binding §3). An answer has the form of its question.
 */
import { Problem } from '../../errors.ts'
import { bodyText } from '../../platform/body-text.ts'
import { readJson } from '../json.ts'

/** A message as it is read, and as it is written. */
export interface StreamMessage {
  readonly key: Buffer | undefined
  readonly value: Buffer
  readonly headers: ReadonlyMap<string, string>
}

export type Form = 'json' | 'structured' | 'binary'

/** A message understood. */
export interface Question {
  /** The features: JSON. */
  readonly body: Buffer
  /** What the call says beside them, as the headers of an HTTP request would. */
  readonly context: Readonly<Record<string, string>>
  /** The event that asked, if it was one. */
  readonly eventId?: string
}

/** What answers an event: see `answerMessage`. */
export interface Answered {
  /** Id of the record. */
  readonly id: string
  /** When it was made, milliseconds since the epoch. */
  readonly at: number
  readonly json: string
  /** The same in Avro, where answers are to be. */
  readonly avro?: Buffer
  readonly model: string
  /** `traceparent` and `tracestate` that whoever reads the answer goes on with; without it, those of the message. */
  readonly trace?: Readonly<Record<string, string>> | undefined
}

const CONTEXT_HEADERS = ['bellwether-subject', 'bellwether-unit', 'bellwether-purpose', 'traceparent', 'tracestate']
/** Names of CloudEvents' attributes have letters and digits only. */
const CONTEXT_ATTRIBUTES: readonly (readonly [attribute: string, header: string])[] = CONTEXT_HEADERS.map(header => [
  header.replace('-', ''),
  header,
])
const STRUCTURED = /^application\/cloudevents\+json\s*(;|$)/i
const JSON_TYPE = /^[\w.-]+\/([\w.-]+\+)?json\s*(;|$)/i
const REQUIRED = ['specversion', 'id', 'source', 'type']

/** Binding §3.1: the content type decides, then whether there is a `ce_specversion`. */
export function formOf({ headers }: Pick<StreamMessage, 'headers'>): Form {
  if (STRUCTURED.test(headers.get('content-type') ?? '')) return 'structured'
  return headers.has('ce_specversion') ? 'binary' : 'json'
}

/**
 * Throws `malformed`, `invalid` or `unsupported_type`.
 *
 * @param isDecoded the value was in another encoding and is JSON now: the content type tells of what it was.
 */
export function readMessage(message: StreamMessage, isDecoded = false): Question {
  const form = formOf(message)
  if (form === 'structured') return readStructured(message)
  if (form === 'binary') return readBinary(message, isDecoded)
  return { body: message.value, context: contextOf(CONTEXT_HEADERS.map(name => [name, message.headers.get(name)])) }
}

function readBinary({ value, headers }: StreamMessage, isDecoded: boolean): Question {
  judgeAttributes(name => headers.get(`ce_${name}`))
  if (!isDecoded) judgeType(headers.get('content-type'), 'content-type')
  const attributes = CONTEXT_ATTRIBUTES.map(([name, header]) => [header, headers.get(`ce_${name}`)] as const)
  return { body: value, context: contextOf(attributes), eventId: headers.get('ce_id')! }
}

function readStructured({ value }: StreamMessage): Question {
  const event = readJson(bodyText(value))
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new Problem('malformed', 'Cannot read the event: it is no JSON object, wanted a CloudEvent')
  }
  const attribute = (name: string): string | undefined => {
    const found = (event as Readonly<Record<string, unknown>>)[name]
    return typeof found === 'string' ? found : undefined
  }
  judgeAttributes(attribute)
  judgeType(attribute('datacontenttype'), 'datacontenttype')
  if (!Object.hasOwn(event, 'data')) {
    const fields = [{ field: 'data', problem: 'is missing' }]
    throw new Problem('invalid', 'Cannot read the event: it has no data, wanted the features as JSON', { fields })
  }
  const body = Buffer.from(JSON.stringify((event as { data: unknown }).data))
  const attributes = CONTEXT_ATTRIBUTES.map(([name, header]) => [header, attribute(name)] as const)
  return { body, context: contextOf(attributes), eventId: attribute('id')! }
}

/** CloudEvents 1.0.2 §3.1. */
function judgeAttributes(attribute: (name: string) => string | undefined): void {
  const missing = REQUIRED.filter(name => (attribute(name) ?? '') === '')
  if (missing.length > 0) {
    const fields = missing.map(field => ({ field, problem: 'is missing' }))
    throw new Problem('invalid', `Cannot read the event: ${missing.join(', ')} missing`, { fields })
  }
  const version = attribute('specversion')!
  if (version !== '1.0') {
    throw new Problem('invalid', `Cannot read the event: specversion is ${quoted(version)}, wanted "1.0"`)
  }
}

/** Without a type, the data is JSON: CloudEvents 1.0.2, JSON format §3.1. */
function judgeType(type: string | undefined, where: string): void {
  if (type === undefined || JSON_TYPE.test(type)) return
  throw new Problem('unsupported_type', `Cannot read the event: ${where} is ${quoted(type)}, wanted application/json`)
}

function contextOf(entries: readonly (readonly [string, string | undefined])[]): Readonly<Record<string, string>> {
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function quoted(text: string): string {
  return JSON.stringify(text.length <= 80 ? text : `${text.slice(0, 80).toWellFormed()}…`)
}

const ANSWER_TYPE = 'dev.bellwether.prediction'
const JSON_MIME = 'application/json'
/** As the Kafka binding of CloudEvents has it for data in Avro. */
const AVRO_MIME = 'avro/binary'

/** The answer to a message, in the message's form and under its key: what belongs together stays in one partition. */
export function answerMessage(message: StreamMessage, answered: Answered): StreamMessage {
  const { key, headers } = message
  const form = formOf(message)
  const attributes = { ...eventOf(answered), ...traceOf(answered, headers, 'ce_') }
  if (form === 'structured') {
    const event = JSON.stringify({ ...attributes, datacontenttype: JSON_MIME }).slice(0, -1)
    const value = Buffer.from(`${event},"data":${answered.json}}`)
    return { key, value, headers: new Map([['content-type', 'application/cloudevents+json; charset=UTF-8']]) }
  }
  const value = answered.avro ?? Buffer.from(answered.json)
  const type = answered.avro === undefined ? JSON_MIME : AVRO_MIME
  if (form === 'json')
    return {
      key,
      value,
      headers: new Map([['content-type', type], ...Object.entries(traceOf(answered, headers, ''))]),
    }
  const named = Object.entries(attributes).map(([name, text]) => [`ce_${name}`, text] as const)
  return { key, value, headers: new Map([...named, ['content-type', type]]) }
}

function eventOf({ id, at, model }: Answered): Readonly<Record<string, string>> {
  const time = new Date(at).toISOString()
  return { specversion: '1.0', id, source: `/models/${encodeURIComponent(model)}`, type: ANSWER_TYPE, time }
}

/** CloudEvents' extension for distributed tracing, and W3C Trace Context: the answer belongs to the trace of its question. */
function traceOf(
  { trace }: Answered,
  headers: StreamMessage['headers'],
  prefix: string,
): Readonly<Record<string, string>> {
  if (trace !== undefined) return trace
  const traceparent = headers.get(`${prefix}traceparent`)
  return traceparent === undefined ? {} : { traceparent }
}

/** Headers of a dead letter that say why, where the message stood, and when it was given up. */
export function deadLetter(
  message: StreamMessage,
  place: { readonly topic: string; readonly partition: number; readonly offset: bigint },
  problem: Pick<Problem, 'code' | 'message' | 'fields'>,
  requestId: string,
): StreamMessage {
  const reason = { code: problem.code, detail: problem.message, requestId, errors: problem.fields }
  return {
    key: message.key,
    value: message.value,
    headers: new Map([
      ...message.headers,
      ['bellwether-problem-code', problem.code],
      ['bellwether-problem', JSON.stringify(reason)],
      ['bellwether-topic', place.topic],
      ['bellwether-partition', String(place.partition)],
      ['bellwether-offset', String(place.offset)],
    ]),
  }
}

/**
 * The journey of a request, top to bottom, whatever door it came through. Each step either goes on or throws; what is
 * thrown leaves a refusal and is thrown on, for the door to tell the caller in its own way.
 */
import type { Rates } from '../access/rates.ts'
import { asProblem, type Problem } from '../errors.ts'
import type { Pseudonyms } from '../ledger/pseudonyms.ts'
import type { Durability } from '../ledger/record.ts'
import type { Refusals } from '../ledger/refusals.ts'
import type { Seal, SubjectKeys } from '../ledger/subject-keys.ts'
import type { Clock } from '../platform/clock.ts'
import type { Ids } from '../platform/ids.ts'
import { readTrace } from '../platform/trace-context.ts'
import { isAwaited, type Predictor } from '../predictor/predictor.ts'
import type { Catalogue } from '../registry/catalogue.ts'
import type { Uses } from '../registry/version.ts'
import type { Answer, InvocationRequest } from '../route.ts'
import { type Choice, choose, defaultModel, type Releases } from './choose.ts'
import { readContext } from './context.ts'
import { type Explain, explainAsked } from './explain-rows.ts'
import { sealedExplanationId, withSealed } from './explanation-text.ts'
import type { Journey, Observer } from './journey.ts'
import type { Lane, LoadedModel } from './lane.ts'
import type { Models } from './models.ts'
import { type RecordFrame, recordFrame, recordText } from './prediction-text.ts'
import { refusalOf } from './refusal.ts'
import type { Rows } from './signature.ts'
import { limitStranger, takeTokens, withHeaders } from './take-tokens.ts'
import { mark, onward, STEP, type Tracing } from './trace-call.ts'

export interface Serving {
  readonly catalogue: Catalogue
  readonly models: Models
  readonly releases: Releases
  readonly pseudonyms: Pseudonyms
  readonly seals: Pick<SubjectKeys, 'open'>
  /** Why a use is not permitted, if it is not. */
  readonly permitUse: (uses: Uses, purpose: string | undefined) => Problem | undefined
  /** As `Ledger.append`, and hears of which journey the records are. */
  readonly ledger: {
    append(records: readonly string[], durability: Durability, journey: Journey): Promise<void>
  }
  readonly refusals: Pick<Refusals, 'record'>
  readonly observers: readonly Observer[]
  readonly clock: Clock
  /** Milliseconds of a timer that never goes back, with fractions. */
  readonly timer: () => number
  readonly ids: Ids
  /** The model that `/predict` means, if configured. */
  readonly defaultModel?: string
  readonly batchRowsMax: number
  /** Absent: anybody may ask as often as they like. */
  readonly rates?: Rates | undefined
  /** Absent: nothing is traced, and the caller's trace is only noted and handed on. */
  readonly tracing?: Tracing | undefined
}

/** How a door's protocol writes questions and answers. */
export interface Protocol {
  /** `PredictionRecord.door`. */
  readonly door: string
  /** Why a body with these headers cannot be read in this protocol, if so. */
  refuses?(headers: InvocationRequest['headers']): Problem | undefined
  /** Turns the body into rows; may leave in `journey.asked` what its answer needs to know. */
  read(
    body: Buffer,
    model: LoadedModel,
    rowsMax: number,
    journey: Journey,
    headers?: InvocationRequest['headers'],
  ): Rows
  write(journey: Journey, lane: Lane): Answer
  /** Explains the answers in a way of its own. Without it they are explained where the version or the caller wants it. */
  readonly explain?: Explain
}

export async function predict(serving: Serving, protocol: Protocol, request: InvocationRequest): Promise<Answer> {
  const journey = setOut(serving, protocol, request)
  try {
    journey.actor = request.admit('model:predict')
    if (serving.rates !== undefined) {
      const taking = takeTokens(serving, journey, request)
      if (taking !== undefined) await taking
    }
    mark(serving, journey, STEP.access)
    const context = readContext(request.headers, serving.pseudonyms, request.query, journey.trace)
    journey.context = context
    const choice = chooseVersion(serving, journey, request.params)
    const found = serving.models.get(choice.model, choice.version)
    const model = found instanceof Promise ? await found : found // loaded already, nearly always
    const lane = model.lane(choice.release, choice.arm)
    journey.lane = lane
    mark(serving, journey, STEP.version)

    const unreadable = protocol.refuses?.(request.headers)
    if (unreadable !== undefined) throw unreadable
    journey.body = request.bytes()
    const rows = protocol.read(journey.body, model, serving.batchRowsMax, journey, request.headers)
    journey.rows = rows
    mark(serving, journey, STEP.features)
    const forbidden = serving.permitUse(model.version.uses, context.purpose)
    if (forbidden !== undefined) throw forbidden
    mark(serving, journey, STEP.policy)

    const seal = model.signature.hasSensitive ? await serving.seals.open(context.subject) : undefined
    const { predictor } = model
    if (isAwaited(predictor)) await predictor.predict(rows.values, rows.count, rows.outputs, onward(serving, journey))
    else
      for (let from = 0; from < rows.count; from += SLICE_ROWS) {
        if (from > 0) await nextTurn()
        predictSlice(predictor, model.signature.width, rows, from)
      }
    mark(serving, journey, STEP.predictor)
    const explained = (protocol.explain ?? explainAsked)(model, rows, context, serving.timer)
    journey.explained = explained instanceof Promise ? await explained : explained
    mark(serving, journey, STEP.explain)
    journey.at = serving.clock.now()
    journey.latencyMs = sinceStart(serving, journey)
    const frame = recordFrame(lane, journey)
    const records = allocated(journey, rows.count)
    for (let from = 0; from < rows.count; from += SLICE_ROWS) {
      if (from > 0) await nextTurn()
      writeRecords(serving, journey, frame, rows, from, seal, records)
    }
    await serving.ledger.append(records, model.version.durability, journey)
    journey.isRecorded = true
    mark(serving, journey, STEP.ledger)
    tell(serving, journey)
    return withHeaders(withHeaders(protocol.write(journey, lane), model.notice), journey.rateHeaders)
  } catch (error) {
    throw await refuse(serving, journey, error)
  } finally {
    if (journey.rows !== undefined) journey.lane!.model.signature.release(journey.rows)
  }
}

function setOut({ timer, catalogue, tracing }: Serving, { door }: Protocol, request: InvocationRequest): Journey {
  const { requestId, source, route, params, headers } = request
  const trace = tracing === undefined ? readTrace(headers) : tracing.begin(headers)
  const name = params['name']
  return {
    door,
    requestId,
    source,
    route,
    arrivedMs: request.arrivedMs ?? 0,
    startedMs: timer(),
    trace,
    span: tracing !== undefined && trace!.isSampled ? tracing.span() : undefined,
    at: 0,
    actor: undefined,
    // Noted first, so that also a refusal at the door says which model it was about.
    model: name !== undefined && catalogue.has(name) ? name : undefined,
    version: undefined,
    lane: undefined,
    context: undefined,
    body: undefined,
    asked: undefined,
    rows: undefined,
    explained: undefined,
    ids: NONE,
    outputTexts: NONE,
    explanationTexts: NONE,
    latencyMs: 0,
    isRecorded: false,
    rateHeaders: undefined,
    problem: undefined,
    tookMs: 0,
  }
}

/** Only models and versions that exist are noted: callers may not write texts of their own into the ledger. */
function chooseVersion(serving: Serving, journey: Journey, params: InvocationRequest['params']): Choice {
  const { catalogue, releases } = serving
  const name = journey.model ?? params['name'] ?? defaultModel(catalogue, serving.defaultModel)
  if (catalogue.has(name)) journey.model = name
  const choice = choose(catalogue, releases, name, params['version'], journey.context?.unit)
  journey.version = choice.version
  return choice
}

const NONE: string[] = []

/** Rows of a batch that are answered in one go: about a millisecond, after which other requests have their turn. */
const SLICE_ROWS = 256

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function predictSlice(predictor: Predictor, width: number, { values, outputs, count }: Rows, from: number): void {
  if (count <= SLICE_ROWS) {
    predictor.predict(values, count, outputs)
    return
  }
  const slice = Math.min(SLICE_ROWS, count - from)
  const inputs = values.subarray(from * width, (from + slice) * width)
  const { outputCount } = predictor
  predictor.predict(inputs, slice, outputs.subarray(from * outputCount, (from + slice) * outputCount))
}

/** Room for the texts of all rows, and for nothing else: an array that grows begins with room for seventeen. */
function allocated(journey: Journey, count: number): string[] {
  journey.ids = new Array<string>(count)
  journey.outputTexts = new Array<string>(count)
  if (journey.context!.explain) journey.explanationTexts = new Array<string>(count)
  return new Array<string>(count)
}

/** The records of a slice; each row gets its id and the text of its outputs, which the answer repeats. */
function writeRecords(
  serving: Serving,
  journey: Journey,
  frame: RecordFrame,
  rows: Rows,
  from: number,
  seal: Seal | undefined,
  records: string[],
): void {
  const { signature, outputs } = journey.lane!.model
  const to = Math.min(from + SLICE_ROWS, rows.count)
  for (let row = from; row < to; row++) {
    const offset = row * signature.width
    const id = serving.ids.next(journey.at)
    const outputText = outputs.write(rows.outputs, row * outputs.count)
    const sensitive = seal && signature.writeSensitive(rows.values, offset)
    const sealed = sensitive && seal(sensitive, id)
    const explanation = journey.explained && explanationText(journey, row, id, seal)
    const features = signature.writeFeatures(rows.values, offset)
    records[row] = recordText(frame, id, features, outputText, row, sealed, explanation)
    journey.ids[row] = id
    journey.outputTexts[row] = outputText
  }
}

/** What the record says of a row's reasons; the caller, who sent the row, is told all of them. */
function explanationText(
  { explained, context, explanationTexts }: Journey,
  row: number,
  id: string,
  seal?: Seal,
): string {
  const { by, values } = explained!
  const offset = row * by.outputCount * by.featureCount
  const text = by.writer.write(values, offset)
  if (seal === undefined) {
    if (context!.explain) explanationTexts[row] = text
    return text
  }
  if (context!.explain) explanationTexts[row] = by.writer.writeAll(values, offset)
  return withSealed(text, seal(by.writer.writeSensitive(values, offset), sealedExplanationId(id)))
}

/** Milliseconds since the journey began, three decimals. */
function sinceStart({ timer }: Serving, { startedMs }: Journey): number {
  return Math.round((timer() - startedMs) * 1000) / 1000
}

function tell(serving: Serving, journey: Journey): void {
  journey.tookMs = sinceStart(serving, journey)
  for (const observe of serving.observers) observe(journey)
  if (journey.span !== undefined) serving.tracing!.keep(journey)
}

/** Writes the refusal and returns the problem that the caller is told. */
async function refuse(serving: Serving, journey: Journey, error: unknown): Promise<Problem> {
  journey.problem = asProblem(error)
  mark(serving, journey, STEP.refusal)
  // A fault after the record was written is told, but an invocation has one record.
  if (journey.isRecorded) return journey.problem
  journey.problem = await limitStranger(serving, journey, journey.problem)
  journey.at = serving.clock.now()
  try {
    await serving.refusals.record(refusalOf(journey, journey.problem))
  } catch (failure) {
    // Nothing may happen without a record: that it cannot be written is now what the caller has to know.
    journey.problem = asProblem(failure)
  }
  tell(serving, journey)
  return journey.problem
}

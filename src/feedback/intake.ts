/**
 * Takes outcomes in: finds what they are about, judges them, and writes those that say something new. What is told at the same
 * time is looked up and written together, group after group: so nobody can contradict what another is just writing.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Problem } from '../errors.ts'
import { canonical } from '../ledger/canonical.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { KnownOutcome, KnownPrediction, LookupAnswer } from '../ledger/lookup-question.ts'
import type { OpenedLedger } from '../ledger/open-ledger.ts'
import type { Pseudonyms } from '../ledger/pseudonyms.ts'
import type { OutcomeRecord } from '../ledger/record.ts'
import type { Clock } from '../platform/clock.ts'
import type { Ids } from '../platform/ids.ts'
import type { Catalogue } from '../registry/catalogue.ts'
import type { Actor } from '../route.ts'
import { type GivenOutcome, judgeOutcome, type OutcomeFault, type Verdict } from './outcome.ts'

/** Who tells. */
export interface Teller {
  readonly actor: Actor
  readonly source: string
}

/** What became of an outcome that was told. */
export interface Told {
  readonly status: 'recorded' | 'corrected' | 'repeated'
  /** Of the record: of the one that said it first, where it is repeated. */
  readonly id: string
  readonly predictionId: string
}

/** A prediction of whom more is known now. */
export interface Touched {
  readonly model: string
  readonly version: string
  /** Of the prediction. */
  readonly at: number
}

export interface IntakeParts {
  readonly ledger: Pick<Ledger, 'append'> & Pick<OpenedLedger, 'lookUp'>
  readonly catalogue: Pick<Catalogue, 'has' | 'version'>
  readonly pseudonyms: Pick<Pseudonyms, 'subject'>
  readonly clock: Clock
  readonly ids: Ids
  /** Called around each writing: `before` may keep it waiting, `after` follows whether it succeeded or not. */
  readonly around: { before(touched: readonly Touched[]): Promise<void>; after(touched: readonly Touched[]): void }
}

export interface Intake {
  /**
   * Takes all or none. Throws `not_found`, `conflict` or `invalid` (where there are several kinds of fault), naming each
   * outcome's field; with `isBatch`, by its place: `[3].value`.
   */
  takeAll(given: readonly GivenOutcome[], by: Teller, isBatch: boolean): Promise<readonly Told[]>
  /** Takes the good ones. Answers in the order given. */
  takeGood(given: readonly GivenOutcome[], by: Teller): Promise<readonly (Told | OutcomeFault)[]>
}

/** So many outcomes are looked up and written together; a batch is not divided. */
const GROUP_ROWS = 10_000
/** So many may wait. */
const WAITING_ROWS_MAX = 200_000
const FIELDS_MAX = 100

/** Rows judged and written without letting others have a turn. */
const JUDGED_AT_ONCE = 256
const WRITTEN_AT_ONCE = 1024

interface Batch {
  readonly given: readonly GivenOutcome[]
  readonly by: Teller
  /** Says what keeps the whole batch from being taken. */
  readonly refusal: ((results: readonly Result[]) => Problem | undefined) | undefined
  readonly resolve: (results: readonly Result[]) => void
  readonly reject: (error: unknown) => void
}

type Result = Told | OutcomeFault

export function openIntake(parts: IntakeParts): Intake {
  const waiting: Batch[] = []
  let waitingRows = 0
  let isRunning = false

  const run = async (): Promise<void> => {
    isRunning = true
    while (waiting.length > 0) {
      const group = nextGroup(waiting)
      for (const { given } of group) waitingRows -= given.length
      await takeGroup(parts, group)
    }
    isRunning = false
  }

  const take = (given: readonly GivenOutcome[], by: Teller, refusal: Batch['refusal']): Promise<readonly Result[]> => {
    if (waitingRows + given.length > WAITING_ROWS_MAX && waitingRows > 0) {
      const message = `Cannot take the outcomes: ${waitingRows} wait already`
      return Promise.reject(new Problem('overloaded', message, { retryAfterSeconds: 1 }))
    }
    return new Promise((resolve, reject) => {
      waiting.push({ given, by, refusal, resolve, reject })
      waitingRows += given.length
      if (!isRunning) void run()
    })
  }

  return {
    takeAll: (given, by, isBatch) =>
      take(given, by, results => refusalOf(results, isBatch)) as Promise<readonly Told[]>, // a fault refuses them all
    takeGood: (given, by) => take(given, by, undefined),
  }
}

function nextGroup(waiting: Batch[]): Batch[] {
  const group = [waiting.shift()!]
  let rows = group[0]!.given.length
  while (waiting.length > 0 && rows + waiting[0]!.given.length <= GROUP_ROWS) {
    rows += waiting[0]!.given.length
    group.push(waiting.shift()!)
  }
  return group
}

/** What is written of a group. */
interface Writing {
  /** Each in one go. */
  readonly texts: string[][]
  readonly touched: Touched[]
  /** Newest outcomes by prediction, as they will be. */
  readonly outcomes: Map<string, KnownOutcome>
}

async function takeGroup(parts: IntakeParts, group: readonly Batch[]): Promise<void> {
  try {
    const now = parts.clock.now()
    const found = await lookUp(parts, group, now)
    const writing: Writing = { texts: [], touched: [], outcomes: new Map() }
    const answers: (() => void)[] = []
    for (const batch of group) {
      const staged: Staged = { texts: [], touched: [], outcomes: new Map() }
      const results = await judgeBatch(parts, { batch, found, now, written: writing.outcomes, staged })
      const problem = batch.refusal?.(results)
      if (problem === undefined) {
        stage(writing, staged, batch.refusal !== undefined)
        answers.push(() => batch.resolve(results))
      } else answers.push(() => batch.reject(problem))
    }
    await write(parts, writing)
    for (const answer of answers) answer()
  } catch (error) {
    for (const { reject } of group) reject(error)
  }
}

/** What must be taken whole is written whole; else a little at a time, so that answers come in between. */
function stage(writing: Writing, { texts, touched, outcomes }: Staged, isWhole: boolean): void {
  const step = isWhole ? texts.length : WRITTEN_AT_ONCE
  for (let from = 0; from < texts.length; from += step) writing.texts.push(texts.slice(from, from + step))
  writing.touched.push(...touched)
  for (const [id, outcome] of outcomes) writing.outcomes.set(id, outcome)
}

async function write({ ledger, around }: IntakeParts, { texts, touched }: Writing): Promise<void> {
  if (texts.length === 0) return
  try {
    await around.before(touched)
    for (const some of texts) await ledger.append(some)
  } finally {
    around.after(touched)
  }
}

interface Found {
  readonly known: LookupAnswer
  readonly ofSubjects: ReadonlyMap<GivenOutcome, KnownPrediction | undefined>
}

async function lookUp({ ledger, pseudonyms }: IntakeParts, group: readonly Batch[], now: number): Promise<Found> {
  const all = group.flatMap(({ given }) => given)
  const predictionIds = all.flatMap(({ predictionId }) => predictionId ?? [])
  const asked = all.filter(({ predictionId }) => predictionId === undefined)
  const subjects = asked.map(({ subject = '', model = '', happenedAt = now, happenedUntil = happenedAt }) => {
    return { subject: pseudonyms.subject(subject), model, until: happenedUntil }
  })
  const known = await ledger.lookUp({ predictionIds, subjects })
  return { known, ofSubjects: new Map(asked.map((given, place) => [given, known.ofSubjects[place]])) }
}

/** What a batch would write. */
interface Staged {
  readonly texts: string[]
  readonly touched: Touched[]
  readonly outcomes: Map<string, KnownOutcome>
}

interface Case {
  readonly batch: Batch
  readonly found: Found
  readonly now: number
  /** By the batches before. */
  readonly written: ReadonlyMap<string, KnownOutcome>
  readonly staged: Staged
}

async function judgeBatch(parts: IntakeParts, one: Case): Promise<Result[]> {
  const results: Result[] = []
  for (const given of one.batch.given) {
    results.push(judge(parts, one, given))
    if (results.length % JUDGED_AT_ONCE === 0) await nextTurn()
  }
  return results
}

function judge(parts: IntakeParts, { batch, found, now, written, staged }: Case, given: GivenOutcome): Result {
  const { known, ofSubjects } = found
  const prediction =
    given.predictionId === undefined ? ofSubjects.get(given) : known.predictions.get(given.predictionId)
  if (prediction === undefined) return unknown(parts, given)
  const version = parts.catalogue.version(prediction.model, prediction.version)
  if (version === undefined) {
    const problem = `is of ${prediction.model}@${prediction.version}, which is not registered here`
    return { code: 'not_found', field: 'predictionId', problem }
  }
  const { id: predictionId, model, at } = prediction
  const current = staged.outcomes.get(predictionId) ?? written.get(predictionId) ?? known.outcomes.get(predictionId)
  const verdict = judgeOutcome(given, prediction, version, current, now)
  if (verdict.kind === 'fault') return verdict.fault
  if (verdict.kind === 'repeated') return { status: 'repeated', id: verdict.id, predictionId }
  const record = recordOf(parts, batch.by, given, prediction, verdict)
  staged.texts.push(canonical(record))
  staged.touched.push({ model, version: prediction.version, at })
  staged.outcomes.set(predictionId, record)
  return { status: verdict.kind, id: record.id, predictionId }
}

function unknown({ catalogue }: IntakeParts, { predictionId, model = '' }: GivenOutcome): OutcomeFault {
  const fault = (field: string, problem: string): OutcomeFault => ({ code: 'not_found', field, problem })
  if (predictionId !== undefined) return fault('predictionId', 'is no prediction of this ledger')
  if (!catalogue.has(model)) return fault('model', 'is not registered')
  return fault('subject', `has no prediction of ${model} from before this happened`)
}

function recordOf(
  { clock, ids }: IntakeParts,
  { actor, source }: Teller,
  { happenedAt, amount }: GivenOutcome,
  { id: predictionId, model, subject }: KnownPrediction,
  verdict: Extract<Verdict, { readonly kind: 'recorded' | 'corrected' }>,
): OutcomeRecord {
  return {
    kind: 'outcome',
    id: ids.next(),
    at: clock.now(),
    actor: actor.id,
    ...(source !== '' && { source }),
    model,
    predictionId,
    ...(subject !== undefined && { subject }),
    value: verdict.value,
    ...(happenedAt !== undefined && { happenedAt }),
    ...(amount !== undefined && { amount }),
    ...(verdict.kind === 'corrected' && { corrects: verdict.corrects }),
  }
}

/** Of one kind of fault, its own code. */
function refusalOf(results: readonly Result[], isBatch: boolean): Problem | undefined {
  const faults = results.flatMap((result, place) => ('code' in result ? [{ ...result, place }] : []))
  if (faults.length === 0) return undefined
  const codes = new Set(faults.map(({ code }) => code))
  const code = codes.size === 1 ? faults[0]!.code : 'invalid'
  const fields = faults.map(({ place, field, problem }) => ({
    field: isBatch ? `[${place}].${field}` : field,
    problem,
  }))
  const first = `${fields[0]!.field} ${fields[0]!.problem}`
  const more = faults.length === 1 ? '' : `; and ${faults.length - 1} more`
  const none = isBatch ? '; none of the batch was taken' : ''
  return new Problem(code, `Cannot take the outcome: ${first}${more}${none}`, { fields: fields.slice(0, FIELDS_MAX) })
}

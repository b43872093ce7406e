/**
 * The stream: reads messages, has them answered, and writes answers and positions in one transaction, batch by batch
 * (docs/adr/0021). Whatever fails, it begins again at the last commit.
 */
import { Problem } from '../../errors.ts'
import type { StreamConfig } from '../../platform/config-stream.ts'
import type { Log } from '../../platform/log.ts'
import type { Timers } from '../../platform/timers.ts'
import { type Answering, answer, type Outcome, type Placed } from './answer.ts'
import { answerMessage, deadLetter, type StreamMessage } from './envelope.ts'
import { type Intake, openIntake } from './intake.ts'
import { type Clients, type KafkaMessage, lagOf, openClients, positionsOf } from './kafka.ts'
import { placeText } from './place-id.ts'
import type { StreamProgress } from './progress.ts'
import type { Recorded } from './recorded.ts'

export interface StreamParts {
  readonly config: StreamConfig
  /** Names this data folder among the members of the group. */
  readonly instance: string
  readonly answering: Answering
  readonly recorded: Recorded
  readonly progress: StreamProgress
  readonly timers: Timers
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** After a failure; doubled with each that follows, up to the longest. */
const PAUSE_MS = 250
const PAUSE_MS_MAX = 10_000
/** How often it is looked how far behind the stream is. */
const LAG_MS = 2_000

/** Runs until `stop` is called; then the batch in hand is finished. */
export function runStream(parts: StreamParts): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const ended = run(parts, stopping.signal)
  return {
    async stop(): Promise<void> {
      stopping.abort()
      await ended
    },
  }
}

async function run(parts: StreamParts, signal: AbortSignal): Promise<void> {
  const { progress, log } = parts
  let failures = 0
  while (!signal.aborted) {
    const before = progress.commits
    const clients = openClients(parts.config, parts.instance)
    try {
      await serve(parts, clients, signal)
    } catch (error) {
      failures = progress.commits > before ? 1 : failures + 1
      progress.failures++
      log.warn({ error: told(error) }, 'The stream is begun again at its last commit')
    } finally {
      progress.isRunning = false
      await clients.close()
    }
    if (failures > 0) await pause(parts.timers, Math.min(PAUSE_MS * 2 ** (failures - 1), PAUSE_MS_MAX), signal)
  }
}

/** The outermost sentence of a failure and the innermost: clients wrap what brokers say. */
function told(error: unknown): string {
  let inner = error
  for (let depth = 0; depth < 8 && inner instanceof Error; depth++) {
    const next: unknown = inner instanceof AggregateError ? inner.errors[0] : inner.cause
    if (next === undefined) break
    inner = next
  }
  return inner === error ? String(error) : `${String(error)}: ${String(inner)}`
}

function pause(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const done = (): void => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = timers.after(ms, done)
    signal.addEventListener('abort', done)
  })
}

/** One membership in the group, through all its assignments. */
async function serve(parts: StreamParts, clients: Clients, signal: AbortSignal): Promise<void> {
  const { config, progress, log } = parts
  const { consumer } = clients
  await endFormerTransactions(clients)
  let generation = 0
  consumer.on('consumer:group:join', () => generation++)
  consumer.on('consumer:group:rebalance', () => generation++)
  consumer.topics.track(config.input) // for as long as we are: streams come and go with the assignments
  await consumer.joinGroup({})
  while (!signal.aborted) {
    const mine = generation
    const isMine = (): boolean => mine === generation && !signal.aborted
    const { next, committed } = await positionsOf(clients, config)
    if (!isMine()) continue
    const unsettled = pruned(await parts.recorded.unsettled(), config.input, committed)
    const offsets = [...next].map(([partition, offset]) => ({ topic: config.input, partition, offset }))
    log.info({ topic: config.input, partitions: [...next.keys()], replays: unsettled.size }, 'The stream is answered')
    progress.isRunning = true
    progress.lag = new Map()
    const intake = await openIntake(consumer, offsets, { topic: config.input, batchMax: config.batchMax })
    try {
      await answerAll({ ...parts, clients, unsettled, next: new Map(next), isMine, signal }, intake)
    } finally {
      progress.isRunning = false
      await intake.close()
    }
  }
}

/** A producer that comes in puts an end to what another of its name left open; only then are positions certain. */
async function endFormerTransactions({ producer }: Clients): Promise<void> {
  // "No id yet" (KIP-360): with the client's default of 0 a broker that knows the name finds the producer fenced.
  const transaction = await producer.beginTransaction({ producerId: -1n, producerEpoch: -1 })
  await transaction.cancel()
}

/** Without the messages that are committed: a process can die between the commit and its note. */
function pruned(
  found: Map<string, string>,
  input: string,
  committed: ReadonlyMap<number, bigint>,
): Map<string, string> {
  for (const place of found.keys()) {
    const [topic, partition, offset] = place.split('/')
    if (topic !== input || BigInt(offset!) < (committed.get(Number(partition)) ?? 0n)) found.delete(place)
  }
  return found
}

interface Assignment extends StreamParts {
  readonly clients: Clients
  readonly unsettled: Map<string, string>
  readonly next: Map<number, bigint>
  readonly isMine: () => boolean
  readonly signal: AbortSignal
}

async function answerAll(assignment: Assignment, intake: Intake): Promise<void> {
  const { clients, config, next, progress, recorded, unsettled, isMine, timers } = assignment
  let isLagDue = true
  const cancelLag = every(timers, LAG_MS, () => {
    isLagDue = true
    intake.wake()
  })
  try {
    while (isMine()) {
      const batch = intake.take()
      if (batch.length > 0) await answerBatch(assignment, batch)
      else if (!isLagDue) await intake.more()
      // What was recorded before and waits for its turn keeps the note where it is.
      if (unsettled.size === 0) recorded.settle()
      if (!isLagDue || !isMine()) continue
      isLagDue = false
      progress.lag = await lagOf(clients, config.input, next)
    }
  } finally {
    cancelLag()
  }
}

function every(timers: Timers, ms: number, run: () => void): () => void {
  let cancel = timers.after(ms, function again() {
    run()
    cancel = timers.after(ms, again)
  })
  return () => cancel()
}

/** Answers messages and commits them, all or none. */
async function answerBatch(assignment: Assignment, batch: readonly KafkaMessage[]): Promise<void> {
  const { clients, next, unsettled, progress, isMine } = assignment
  const placed = batch.map(message => placedOf(assignment.config.group, message))
  const replays = placed.filter(({ place }) => unsettled.has(placeText(place))).length
  const outcomes = await outcomesOf(assignment, placed)
  if (outcomes === undefined) return
  const messages = placed.map((one, at) => toProduce(assignment.config, one, outcomes[at]!))
  if (!isMine()) return
  const transaction = await clients.producer.beginTransaction()
  try {
    await transaction.addConsumer(clients.consumer)
    await transaction.send({ messages })
    const last = new Map(batch.map(message => [message.partition, message]))
    for (const message of last.values()) await transaction.addOffset(message)
    await transaction.commit()
    for (const [partition, { offset }] of last) next.set(partition, offset + 1n)
  } catch (error) {
    await transaction.abort().catch(() => undefined) // the next producer of this name ends it
    throw error
  }
  for (const { place } of placed) unsettled.delete(placeText(place))
  const dead = outcomes.filter(outcome => 'problem' in outcome).length
  progress.commits++
  progress.dead += dead
  progress.answered += outcomes.length - dead
  progress.replayed += replays
}

/** What became of each message; undefined where the partitions are gone, or the stream ends, before that is known. */
async function outcomesOf(
  { answering, unsettled, isMine, timers, log, signal }: Assignment,
  placed: readonly Placed[],
): Promise<Outcome[] | undefined> {
  const known = new Map<Placed, Outcome>()
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    const open = placed.filter(one => !known.has(one))
    const found = await Promise.allSettled(open.map(one => answer(answering, one, unsettled)))
    let waiting: unknown
    for (const [at, result] of found.entries()) {
      if (result.status === 'fulfilled') known.set(open[at]!, result.value)
      else waiting ??= result.reason
    }
    if (waiting === undefined) return placed.map(one => known.get(one)!)
    if (!(waiting instanceof Problem)) throw waiting
    log.warn({ problem: waiting.message, code: waiting.code }, 'The stream waits: a message cannot be answered now')
    await pause(timers, pauseMs, signal)
    if (!isMine()) return undefined
  }
}

function placedOf(group: string, message: KafkaMessage): Placed {
  const { topic, partition, offset, timestamp, key, value, headers } = message
  const known = new Map([...headers].map(([name, text]) => [name.toLowerCase(), text]))
  return {
    place: { group, topic, partition, offset, timestamp },
    message: { key: key ?? undefined, value: value ?? Buffer.alloc(0), headers: known },
  }
}

function toProduce({ output, deadLetters, input }: StreamConfig, { place, message }: Placed, outcome: Outcome) {
  const isDead = 'problem' in outcome
  const made: StreamMessage = isDead
    ? deadLetter(message, place, outcome.problem, placeText(place))
    : answerMessage(message, outcome.answered)
  const topic = isDead ? (deadLetters === '' ? `${input}.dead-letters` : deadLetters) : output
  const { key, value, headers } = made
  return { topic, value, headers: new Map(headers), ...(key !== undefined && { key }) }
}

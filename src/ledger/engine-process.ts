/**
 * The engine process (see `engine.ts`): DuckDB, and all reading and writing of Parquet files. It ends when its owner does.
 */
import { constants, setPriority } from 'node:os'
import { Problem, type ProblemCode } from '../errors.ts'
import { buildSegment } from './build-segment.ts'
import { callersOf } from './callers.ts'
import { openCatalogue } from './catalogue.ts'
import { countRecords, seenVersions } from './counts.ts'
import { type Duck, openDuck } from './duck.ts'
import {
  BATCHES_AHEAD,
  type EngineCalls,
  type EngineStart,
  type EngineStreams,
  type EngineWhat,
  type FromEngine,
  type ToEngine,
} from './engine-protocol.ts'
import { explained } from './explained.ts'
import { journalIndex } from './journal-index.ts'
import { judgeWindows } from './judge-windows.ts'
import { journalLeaves, segmentLeaves } from './leaves.ts'
import { type Emit, readLines } from './lines.ts'
import { lookUp } from './lookup.ts'
import { searchRecords } from './query.ts'

const start = JSON.parse(process.argv[2]!) as EngineStart
const catalogue = openCatalogue(start.folder)
const journal = journalIndex()
let opened: Promise<Duck> | undefined
const duck = (): Promise<Duck> => {
  opened ??= openDuck(start)
  return opened
}

type Calls = { readonly [What in keyof EngineCalls]: (question: EngineCalls[What]['question']) => Promise<unknown> }

const CALLS: Calls = {
  build: async question => buildSegment(await duck(), question),
  search: async question => searchRecords(await duck(), catalogue, question),
  counts: async question => countRecords(await duck(), catalogue, question),
  seenVersions: question => seenVersions(catalogue, question),
  lookUp: async question => lookUp(await duck(), catalogue, journal, question),
  explained: async question => explained(await duck(), catalogue, question),
  judgeWindows: async question => judgeWindows(await duck(), catalogue, journal, question),
  callers: async question => callersOf(await duck(), catalogue, question),
  segmentLeaves: async ({ segment }) => segmentLeaves(await duck(), start.folder, segment),
  journalLeaves: ({ path, first }) => journalLeaves(path, first),
}

type Streams = {
  readonly [What in keyof EngineStreams]: (
    question: EngineStreams[What]['question'],
    emit: Emit<EngineStreams[What]['batch']>,
  ) => Promise<void>
}

const STREAMS: Streams = {
  lines: async (question, emit) => readLines(await duck(), catalogue, question, emit),
}

/** A stream that is being read: how many batches are on their way, and who waits for room. */
interface Reading {
  ahead: number
  stopped: boolean
  room: (() => void) | undefined
}

const readings = new Map<number, Reading>()

/** An owner who is gone hears nothing; without the callback, that would be told on standard error. */
function send(message: FromEngine): void {
  process.send?.(message, error => {
    if (error !== null) process.exit()
  })
}

function emitter(number: number, reading: Reading): Emit<unknown> {
  return async batch => {
    if (reading.stopped) return false
    send({ say: 'batch', number, batch })
    reading.ahead++
    if (reading.ahead >= BATCHES_AHEAD) {
      await new Promise<void>(resolve => {
        reading.room = resolve
      })
    }
    return !reading.stopped
  }
}

async function answer(number: number, what: EngineWhat, question: unknown): Promise<unknown> {
  if (!(what in STREAMS)) return (CALLS[what as keyof EngineCalls] as (question: unknown) => Promise<unknown>)(question)
  const reading: Reading = { ahead: 0, stopped: false, room: undefined }
  readings.set(number, reading)
  try {
    const stream = STREAMS[what as keyof EngineStreams] as (question: unknown, emit: Emit<unknown>) => Promise<void>
    return await stream(question, emitter(number, reading))
  } finally {
    readings.delete(number)
  }
}

function refusal(error: unknown): { code: ProblemCode; message: string } {
  if (error instanceof Problem) return { code: error.code, message: error.message }
  const message = error instanceof Error ? error.message : String(error)
  return /no space left|ENOSPC/i.test(message)
    ? { code: 'storage_full', message: `Cannot go on: the disk is full (${message})` }
    : { code: 'failed', message: `Cannot read or write the sealed ledger: ${message}` }
}

function hear(message: ToEngine): void {
  if (message.say === 'ask') {
    const { number, what, question } = message
    answer(number, what, question).then(
      given => send({ say: 'answer', number, answer: given }),
      error => send({ say: 'refusal', number, ...refusal(error) }),
    )
    return
  }
  const reading = readings.get(message.number)
  if (reading === undefined) return
  if (message.say === 'stop') reading.stopped = true
  else reading.ahead--
  reading.room?.()
  reading.room = undefined
}

try {
  if (start.isNice) setPriority(constants.priority.PRIORITY_LOW)
} catch {
  // Not allowed everywhere; then it competes as an equal.
}
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => undefined) // a terminal sends it to the whole group: our owner says when we end
process.on('SIGTERM', () => undefined)
process.on('message', hear)

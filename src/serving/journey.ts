/** What is known of an invocation while it is on its way, and what those hear who watch. */
import type { Problem } from '../errors.ts'
import type { TraceContext } from '../platform/trace-context.ts'
import type { Actor } from '../route.ts'
import type { CallContext } from './context.ts'
import type { Explained } from './explain-rows.ts'
import type { Lane } from './lane.ts'
import type { Rows } from './signature.ts'
import type { CallSpan } from './trace-call.ts'

/** Filled from top to bottom by `predict`; what was not reached is `undefined`. */
export interface Journey {
  readonly door: string
  readonly requestId: string
  readonly source: string
  /** Where it came to: `InvocationRequest.route`. */
  readonly route: string | undefined
  /** When it came to the door, where that is noted; else 0. By the steady timer, milliseconds, as `startedMs`. */
  readonly arrivedMs: number
  readonly startedMs: number
  /** Which trace it belongs to: the caller's, or one that began here. */
  readonly trace: TraceContext | undefined
  /** What is noted on its way for the trace, where that is kept. */
  readonly span: CallSpan | undefined
  /** When its rows were answered, the same for all of a batch, or when it was refused: milliseconds since the epoch. */
  at: number
  actor: Actor | undefined
  /** Only a model that exists. */
  model: string | undefined
  version: string | undefined
  lane: Lane | undefined
  context: CallContext | undefined
  /** The body as it came; for its hash, not to be kept. */
  body: Buffer | undefined
  /** What the protocol remembers of the question for its answer. */
  asked: unknown
  rows: Rows | undefined
  /** What moved the answers, where it was asked for or the version always says it. */
  explained: Explained | undefined
  /** Row by row: id of the prediction, canonical JSON of its outputs, and of what its record says of their reasons. */
  ids: string[]
  outputTexts: string[]
  explanationTexts: string[]
  /** As the records have it, the same for all rows of a batch: from the door to the last prediction, milliseconds. */
  latencyMs: number
  /** Whether its records are in the journal: then whatever fails later leaves no second one. */
  isRecorded: boolean
  /** What the answer says of limits of rate, where there are any. */
  rateHeaders: Readonly<Record<string, string>> | undefined
  /** Why it was refused, if it was. */
  problem: Problem | undefined
  /** From the door to the end, milliseconds. */
  tookMs: number
}

/**
 * Hears of every invocation, once, after its record was written. Must not throw, must not wait, and must not keep the
 * journey or its rows, which are used again.
 */
export type Observer = (journey: Journey) => void

/** What the ledger and its engine process say to each other. */
import type { ProblemCode } from '../errors.ts'
import type { SegmentRequest } from './build-segment.ts'
import type { CallersQuestion, VersionCaller } from './caller-question.ts'
import type { CountedWindow, CountsQuestion, CountsRange, SeenVersion } from './count-question.ts'
import type { ExplainedQuestion, ExplainedSummary } from './explained-question.ts'
import type { JournalLeaves, SegmentLeaves } from './leaves.ts'
import type { Range } from './lines.ts'
import type { LookupAnswer, LookupQuestion } from './lookup-question.ts'
import type { JudgedWindow, QualityQuestion } from './quality-question.ts'
import type { Search, SearchResult, Snapshot } from './query.ts'
import type { SegmentContent } from './segments.ts'

/** Answered once. */
export interface EngineCalls {
  build: { readonly question: SegmentRequest; readonly answer: SegmentContent }
  search: { readonly question: Search; readonly answer: SearchResult }
  counts: { readonly question: CountsQuestion; readonly answer: CountedWindow[] }
  seenVersions: { readonly question: CountsRange & { readonly snapshot: Snapshot }; readonly answer: SeenVersion[] }
  lookUp: { readonly question: LookupQuestion; readonly answer: LookupAnswer }
  explained: { readonly question: ExplainedQuestion; readonly answer: ExplainedSummary }
  judgeWindows: { readonly question: QualityQuestion; readonly answer: JudgedWindow[] }
  callers: { readonly question: CallersQuestion; readonly answer: VersionCaller[] }
  segmentLeaves: { readonly question: { readonly segment: number }; readonly answer: SegmentLeaves }
  journalLeaves: {
    readonly question: { readonly path: string; readonly first: number }
    readonly answer: JournalLeaves | undefined
  }
}

/** Answered in batches. */
export interface EngineStreams {
  lines: { readonly question: Range; readonly batch: string[] }
}

export interface EngineStart {
  /** The ledger's folder. */
  readonly folder: string
  readonly memory: string
  readonly threads: number
  /** Gives way to whoever answers. */
  readonly isNice: boolean
}

export type EngineWhat = keyof EngineCalls | keyof EngineStreams

export type ToEngine =
  | { readonly say: 'ask'; readonly number: number; readonly what: EngineWhat; readonly question: unknown }
  /** A batch was taken: there is room for another. */
  | { readonly say: 'more'; readonly number: number }
  /** No more is wanted. */
  | { readonly say: 'stop'; readonly number: number }

export type FromEngine =
  | { readonly say: 'batch'; readonly number: number; readonly batch: unknown }
  | { readonly say: 'answer'; readonly number: number; readonly answer: unknown }
  | { readonly say: 'refusal'; readonly number: number; readonly code: ProblemCode; readonly message: string }

/** So many batches may be on their way to a reader that has not taken them. */
export const BATCHES_AHEAD = 3

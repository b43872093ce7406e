/** The ledger put together: journal, notary, sealer and engine. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Signer } from '../platform/crypto.ts'
import { isUuid7 } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Timers } from '../platform/timers.ts'
import type { CallersQuestion, VersionCaller } from './caller-question.ts'
import { undoHalfSeals } from './commit-segment.ts'
import type { CountedWindow, CountsQuestion, CountsRange, SeenVersion } from './count-question.ts'
import { type Engine, openEngine } from './engine.ts'
import type { SignedHead } from './evidence.ts'
import type { ExplainedQuestion, ExplainedSummary } from './explained-question.ts'
import { type Journal, openJournal } from './journal.ts'
import type { Ledger, LedgerQuery } from './ledger.ts'
import { ledgerReader } from './ledger-reader.ts'
import type { LookupAnswer, LookupQuestion } from './lookup-question.ts'
import { type Notary, openNotary } from './notary.ts'
import type { JudgedWindow, QualityQuestion } from './quality-question.ts'
import type { Found, SearchPlan } from './query.ts'
import type { ChangeRecord, Durability, LedgerRecord } from './record.ts'
import { openSealer, type Sealer, type SealerEvents } from './seal.ts'
import { countSegments, readManifest } from './segments.ts'

/** `ledger.*` of the configuration. */
export interface LedgerOptions {
  readonly segmentBytesMax: number
  readonly segmentAgeMsMax: number
  readonly flushMs: number
  readonly engineMemory: string
  readonly engineThreads: number
}

export interface LedgerParts {
  /** `ledger` in the data folder. */
  readonly folder: string
  readonly signer: Signer
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  readonly metrics?: Pick<Metrics, 'family'>
  readonly options: LedgerOptions
  readonly timers?: Timers
}

/** A page of canonical texts, in the order asked for. */
export interface TextPage {
  readonly found: readonly Found[]
  /** Absent on the last page. */
  readonly next?: string
  readonly plan?: SearchPlan
}

/** What a program that owns the ledger can do beyond `Ledger`. */
export interface OpenedLedger extends Ledger {
  /** Number of records. */
  readonly size: number
  readonly publicKey: string
  readonly keyId: string
  /** `heads.jsonl`, which is only appended to. */
  readonly headsPath: string
  /** As `append`, of records that another process of this server has made lines of: see `Journal.appendLines`. */
  appendLines(lines: Uint8Array, count: number, durability?: Durability): Promise<void>
  /** Throws the problem that keeps the journal from taking records. */
  readonly requireWritable: () => void
  /** As `query`, as canonical texts; with `explain`, also how they were found. */
  search(query: LedgerQuery, explain?: boolean): Promise<TextPage>
  /** The canonical text of a record. */
  findText(id: string): Promise<string | undefined>
  /** Outcomes of a prediction, oldest first; at most 1,000. */
  outcomesOf(predictionId: string): Promise<LedgerRecord[]>
  /** Changes of something, oldest first; at most 1,000. */
  changesTo(target: string): Promise<ChangeRecord[]>
  /** Counts records of versions by time window and bin: see `counts.ts`. */
  counts(question: Omit<CountsQuestion, 'snapshot'>): Promise<CountedWindow[]>
  /** Which versions have predictions or refusals in a range; may name one that has none. */
  seenVersions(range: CountsRange): Promise<SeenVersion[]>
  /** Finds many predictions and what is known of their outcomes: see `lookup.ts`. */
  lookUp(question: Omit<LookupQuestion, 'snapshot'>): Promise<LookupAnswer>
  /** How good predictions were, by window: see `judge-windows.ts`. */
  judgeWindows(question: Omit<QualityQuestion, 'snapshot'>): Promise<JudgedWindow[]>
  /** What the kept explanations of a version say together: see `explained.ts`. */
  explained(question: Omit<ExplainedQuestion, 'snapshot'>): Promise<ExplainedSummary>
  /** Who was answered by a version: see `callers.ts`. */
  callers(question: Omit<CallersQuestion, 'snapshot'>): Promise<VersionCaller[]>
  /** The canonical texts from one index in the log up to, not including, another, in batches. */
  lines(from?: number, to?: number): AsyncGenerator<string[], void, undefined>
}

/**
 * Opens a ledger, or begins one. What a crash left half done is finished or taken back; a torn tail of the journal is
 * cut and logged. Throws `corrupt` for damage that no crash explains.
 */
export async function openLedger(parts: LedgerParts): Promise<OpenedLedger> {
  const { folder, signer, clock, log, options, timers } = parts
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await undoHalfSeals(folder)
  const segments = await countSegments(folder)
  const last = segments === 0 ? undefined : await readManifest(folder, segments - 1)
  const sealed = last === undefined ? 0 : last.first + last.count

  let trouble: Problem | undefined
  const journal = openJournal(join(folder, 'journal'), {
    flushMs: options.flushMs,
    bytesMax: options.segmentBytesMax,
    ageMsMax: options.segmentAgeMsMax,
    clock,
    firstIndex: sealed,
    ...(timers !== undefined && { timers }),
    onClosed: () => sealer.wake(),
    onTrouble: problem => {
      trouble = problem
      if (problem === undefined) log.info({}, 'The journal can be written again')
      else log.error({ problem: problem.message, code: problem.code }, 'The journal cannot be written')
    },
  })
  for (const tail of journal.cut) log.warn({ ...tail }, 'A torn tail of the journal was cut')
  const engine = openEngine({
    folder,
    memory: options.engineMemory,
    threads: options.engineThreads,
    isNice: true,
    ...(timers !== undefined && { timers }),
  })
  const headsPath = join(folder, 'heads.jsonl')
  const notary = openNotary({
    journalFolder: join(folder, 'journal'),
    treeFolder: join(folder, 'tree'),
    headsPath,
    journal,
    sealed,
    signer,
    clock,
    readSealed: (from, to) => engine.read('lines', { snapshot: { segments, journal: [] }, from, to }),
    onTrouble: problem => log.error({ problem: problem.message, code: problem.code }, 'The notary met trouble'),
  })
  const events = sealerEvents(log)
  const sealer = openSealer({ folder, journal, notary, engine, segments, sealed, events, ...(timers && { timers }) })
  if (journal.closedFiles().length > 0) sealer.wake()
  parts.metrics?.family(() => render(journal, sealer, events))
  return new WholeLedger({ journal, notary, sealer, engine, signer, headsPath, log, trouble: () => trouble })
}

interface Whole {
  readonly journal: Journal
  readonly notary: Notary
  readonly sealer: Sealer
  readonly engine: Engine
  readonly signer: Signer
  readonly headsPath: string
  readonly log: LedgerParts['log']
  readonly trouble: () => Problem | undefined
}

class WholeLedger implements OpenedLedger {
  readonly requireWritable: () => void
  readonly publicKey: string
  readonly keyId: string
  readonly headsPath: string
  readonly #parts: Whole
  readonly #reader
  #closing: Promise<void> | undefined

  constructor(parts: Whole) {
    this.#parts = parts
    this.#reader = ledgerReader(parts)
    this.publicKey = parts.signer.publicKey
    this.keyId = parts.signer.keyId
    this.headsPath = parts.headsPath
    this.requireWritable = () => {
      const trouble = parts.trouble()
      if (trouble !== undefined) throw trouble
    }
  }

  get size(): number {
    return this.#parts.journal.size
  }

  append(...args: Parameters<Ledger['append']>): Promise<void> {
    return this.#parts.journal.append(...args)
  }

  appendLines(...args: Parameters<Journal['appendLines']>): Promise<void> {
    return this.#parts.journal.appendLines(...args)
  }

  async find(id: string): Promise<LedgerRecord | undefined> {
    const text = await this.findText(id)
    return text === undefined ? undefined : (JSON.parse(text) as LedgerRecord)
  }

  async findText(id: string): Promise<string | undefined> {
    return isUuid7(id) ? this.#reader.findText(id) : undefined
  }

  query(query: LedgerQuery): ReturnType<Ledger['query']> {
    return this.#reader.query(query)
  }

  search(query: LedgerQuery, explain = false): Promise<TextPage> {
    return this.#reader.search(query, explain)
  }

  outcomesOf(predictionId: string): Promise<LedgerRecord[]> {
    return this.#reader.outcomesOf(predictionId)
  }

  changesTo(target: string): Promise<ChangeRecord[]> {
    return this.#reader.changesTo(target)
  }

  counts(question: Omit<CountsQuestion, 'snapshot'>): Promise<CountedWindow[]> {
    const { sealer, engine } = this.#parts
    return sealer.withSnapshot(snapshot => engine.ask('counts', { ...question, snapshot }))
  }

  seenVersions(range: CountsRange): Promise<SeenVersion[]> {
    const { sealer, engine } = this.#parts
    return sealer.withSnapshot(snapshot => engine.ask('seenVersions', { ...range, snapshot }))
  }

  lookUp(question: Omit<LookupQuestion, 'snapshot'>): Promise<LookupAnswer> {
    const { sealer, engine } = this.#parts
    return sealer.withSnapshot(snapshot => engine.ask('lookUp', { ...question, snapshot }))
  }

  judgeWindows(question: Omit<QualityQuestion, 'snapshot'>): Promise<JudgedWindow[]> {
    const { sealer, engine } = this.#parts
    return sealer.withSnapshot(snapshot => engine.ask('judgeWindows', { ...question, snapshot }))
  }

  explained(question: Omit<ExplainedQuestion, 'snapshot'>): Promise<ExplainedSummary> {
    const { sealer, engine } = this.#parts
    return sealer.withSnapshot(snapshot => engine.ask('explained', { ...question, snapshot }))
  }

  callers(question: Omit<CallersQuestion, 'snapshot'>): Promise<VersionCaller[]> {
    const { sealer, engine } = this.#parts
    return sealer.withSnapshot(snapshot => engine.ask('callers', { ...question, snapshot }))
  }

  lines(from = 0, to: number = Number.MAX_SAFE_INTEGER): AsyncGenerator<string[], void, undefined> {
    const { sealer, engine } = this.#parts
    return sealer.readBits(snapshot => engine.read('lines', { snapshot, from, to }))
  }

  head(): Promise<SignedHead> {
    return this.#parts.notary.head()
  }

  async prove(id: string): ReturnType<Ledger['prove']> {
    const { notary } = this.#parts
    const found = isUuid7(id) ? await this.#reader.locate(id) : undefined
    if (found === undefined) throw new Problem('not_found', `Cannot prove ${id}: no record has this id`)
    const head = await notary.head()
    const path = await notary.path(found.position, head.size)
    const { publicKey } = this
    return { format: 'bellwether-inclusion-proof/1', record: found.text, index: found.position, path, head, publicKey }
  }

  async seal(): Promise<void> {
    await this.#parts.journal.roll()
    await this.#parts.sealer.sealFinished()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** A seal that runs is given up: its journal file is still there, and sealed after the next start. */
  async #close(): Promise<void> {
    const { sealer, engine, notary, journal, log } = this.#parts
    const sealed = sealer.close()
    await engine.close()
    await sealed
    await notary.head().catch((error: Problem) => log.error({ problem: error.message }, 'No last head could be signed'))
    await notary.close()
    await journal.close()
  }
}

interface CountedEvents extends SealerEvents {
  readonly counts: { seals: number; failures: number; lastMs: number }
}

function sealerEvents(log: LedgerParts['log']): CountedEvents {
  const counts = { seals: 0, failures: 0, lastMs: 0 }
  return {
    counts,
    sealed(segment, records, elapsedMs) {
      counts.seals++
      counts.lastMs = elapsedMs
      log.info({ segment, records, elapsedMs: Math.round(elapsedMs) }, 'A segment was sealed')
    },
    failed(problem, file) {
      counts.failures++
      const fields = { problem: problem.message, code: problem.code, path: file.path }
      log.error(fields, 'A journal file could not be sealed; it stays and is tried again')
    },
  }
}

function render(journal: Journal, sealer: Sealer, { counts }: CountedEvents): string {
  const family = (name: string, type: string, help: string, value: number): string =>
    `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`
  return (
    family('ledger_records', 'gauge', 'Records in the ledger.', journal.size) +
    family('ledger_sealed_records', 'gauge', 'Records of the ledger that are in sealed segments.', sealer.sealed) +
    family('ledger_segments', 'gauge', 'Sealed segments of the ledger.', sealer.segments) +
    family('ledger_seals_total', 'counter', 'Segments sealed by this process.', counts.seals) +
    family('ledger_seal_failures_total', 'counter', 'Attempts to seal that failed.', counts.failures) +
    family('ledger_last_seal_seconds', 'gauge', 'How long the latest seal took.', counts.lastMs / 1000)
  )
}

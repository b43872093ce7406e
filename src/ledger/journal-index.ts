/**
 * What the journal has of predictions and outcomes, in the engine process. Each line is read once: a question after the first
 * reads only what came since, so that telling an outcome costs no look through the whole journal.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseRecord } from './columns.ts'
import { type JournalFile, readJournalFile } from './journal-files.ts'
import { LINE_EXTRA_BYTES } from './journal-line.ts'
import type { KnownOutcome, KnownPrediction } from './lookup-question.ts'
import type { Money } from './record.ts'

export interface IndexedPrediction extends KnownPrediction {
  readonly position: number
  readonly outputs: Readonly<Record<string, unknown>>
}

export interface IndexedOutcome extends KnownOutcome {
  readonly position: number
  readonly predictionId: string
  readonly model?: string
}

/** Of one file of the journal; all in the order of the log. */
export interface IndexedFile {
  readonly predictions: readonly IndexedPrediction[]
  readonly byId: ReadonlyMap<string, IndexedPrediction>
  readonly bySubject: ReadonlyMap<string, readonly IndexedPrediction[]>
  readonly outcomes: readonly IndexedOutcome[]
  /** By prediction. */
  readonly newest: ReadonlyMap<string, IndexedOutcome>
}

export interface JournalIndex {
  /** The files with at least the records that they are said to have. Others are forgotten: they are sealed by now. */
  read(files: readonly JournalFile[]): Promise<readonly IndexedFile[]>
}

const KINDS = [Buffer.from('"kind":"prediction"'), Buffer.from('"kind":"outcome"')]

export function journalIndex(): JournalIndex {
  const known = new Map<string, GrowingFile>()
  let reading: Promise<unknown> = Promise.resolve()
  return {
    read(files) {
      const mine = reading.then(async () => {
        const paths = new Set(files.map(({ path }) => path))
        for (const path of known.keys()) if (!paths.has(path)) known.delete(path)
        const found: GrowingFile[] = []
        for (const file of files) {
          const growing = known.get(file.path) ?? new GrowingFile()
          known.set(file.path, growing)
          found.push(growing)
          await growing.readUpTo(file)
        }
        return found
      })
      reading = mine.catch(() => undefined) // told to whom it concerns
      return mine
    },
  }
}

class GrowingFile implements IndexedFile {
  readonly predictions: IndexedPrediction[] = []
  readonly byId = new Map<string, IndexedPrediction>()
  readonly bySubject = new Map<string, IndexedPrediction[]>()
  readonly outcomes: IndexedOutcome[] = []
  readonly newest = new Map<string, IndexedOutcome>()
  /** Texts that many records share, kept once. */
  readonly #texts = new Map<string, string>()
  #read = 0
  #bytes = 0

  async readUpTo(file: JournalFile): Promise<void> {
    if (this.#read >= file.count) return
    for (const lines of readJournalFile(file, { index: this.#read, bytes: this.#bytes })) {
      for (const line of lines) {
        if (KINDS.some(kind => line.includes(kind))) this.#take(parseRecord(line.toString()), file.first + this.#read)
        this.#read++
        this.#bytes += line.length + LINE_EXTRA_BYTES
      }
      await nextTurn()
    }
  }

  #take(record: Readonly<Record<string, unknown>> | undefined, position: number): void {
    if (record?.['kind'] === 'prediction') this.#takePrediction(record, position)
    else if (record?.['kind'] === 'outcome') this.#takeOutcome(record, position)
  }

  #takePrediction(record: Readonly<Record<string, unknown>>, position: number): void {
    const { id, at, model, version, subject, outputs } = record
    if (typeof id !== 'string' || typeof at !== 'number' || typeof model !== 'string' || typeof version !== 'string')
      return
    const prediction = {
      ...{ id, at, position, model: this.#shared(model), version: this.#shared(version) },
      ...(typeof subject === 'string' && { subject }),
      outputs: (outputs ?? {}) as IndexedPrediction['outputs'],
    }
    this.predictions.push(prediction)
    this.byId.set(id, prediction)
    if (typeof subject !== 'string') return
    const others = this.bySubject.get(subject)
    if (others === undefined) this.bySubject.set(subject, [prediction])
    else others.push(prediction)
  }

  #takeOutcome(record: Readonly<Record<string, unknown>>, position: number): void {
    const { id, predictionId, model, value, happenedAt, amount } = record
    if (typeof predictionId !== 'string') return
    if (typeof value !== 'number' && typeof value !== 'boolean' && typeof value !== 'string') return
    const outcome = {
      ...{ id: id as string, position, predictionId, value },
      ...(typeof model === 'string' && { model: this.#shared(model) }),
      ...(happenedAt !== undefined && { happenedAt: happenedAt as number }),
      ...(amount !== undefined && { amount: amount as Money }),
    }
    this.outcomes.push(outcome)
    this.newest.set(predictionId, outcome)
  }

  #shared(text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    this.#texts.set(text, text)
    return text
  }
}

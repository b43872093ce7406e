/** The two files of `bellwether predict`: rows with their answers, and rows that were refused with the reason. */
import { createWriteStream } from 'node:fs'
import { rename, unlink } from 'node:fs/promises'
import { Problem } from '../errors.ts'
import type { RowResult } from './predict-file.ts'
import { csvLine, type RowFormat, type RowSource, type SourceRow } from './predict-rows.ts'

type Answered = Extract<RowResult, { prediction: unknown }>

/** The output appears under its name only when it is whole; the refused rows as they are met. */
export class ResultFiles {
  /** Where the answers are until all are there. */
  readonly partial: string
  readonly #output: string
  readonly #rejectedPath: string
  readonly #source: RowSource
  readonly #answers: LineFile
  #refusals: LineFile | undefined
  #columns: readonly string[] | undefined
  #predicted = 0
  #rejected = 0

  constructor(output: string, rejectedPath: string, source: RowSource) {
    this.partial = `${output}.partial`
    this.#output = output
    this.#rejectedPath = rejectedPath
    this.#source = source
    this.#answers = lineFile(this.partial)
  }

  get predicted(): number {
    return this.#predicted
  }

  get rejected(): number {
    return this.#rejected
  }

  async write(rows: readonly SourceRow[], results: readonly RowResult[]): Promise<void> {
    for (const [i, row] of rows.entries()) {
      const result = results[i]!
      await ('prediction' in result ? this.#answered(row, result) : this.#refused(row, result.fault))
    }
  }

  async finish(): Promise<void> {
    await this.#answers.close()
    await this.#refusals?.close()
    await rename(this.partial, this.#output)
  }

  /** What ended the work is told; what these may add to it is not. */
  async stop(): Promise<void> {
    await Promise.allSettled([this.#answers.close(), this.#refusals?.close()])
    if (this.#predicted === 0) await unlink(this.partial).catch(() => {})
  }

  async #answered(row: SourceRow, { prediction }: Answered): Promise<void> {
    const { format, header } = this.#source
    if (this.#columns === undefined) {
      this.#columns = Object.keys(prediction.outputs)
      if (format === 'csv') await this.#answers.write(csvLine([...header, ...newColumns(header, this.#columns)]))
    }
    const outputs = this.#columns.map(name => prediction.outputs[name])
    await this.#answers.write(
      format === 'csv'
        ? csvLine([...row.cells, ...outputs, prediction.id, prediction.version])
        : `${JSON.stringify({ ...(JSON.parse(row.cells[0]!) as object), prediction })}\n`,
    )
    this.#predicted++
  }

  async #refused(row: SourceRow, fault: string): Promise<void> {
    const { format, header } = this.#source
    if (this.#refusals === undefined) {
      this.#refusals = lineFile(this.#rejectedPath)
      if (format === 'csv') await this.#refusals.write(csvLine(['line', 'reason', ...header]))
    }
    await this.#refusals.write(refusalLine(format, row, fault))
    this.#rejected++
  }
}

function refusalLine(format: RowFormat, { line, cells }: SourceRow, reason: string): string {
  return format === 'csv' ? csvLine([line, reason, ...cells]) : `${JSON.stringify({ line, reason, row: cells[0] })}\n`
}

function newColumns(header: readonly string[], outputs: readonly string[]): readonly string[] {
  const added = [...outputs, 'prediction_id', 'model_version']
  const twice = added.find(name => header.includes(name))
  if (twice === undefined) return added
  throw new Problem('conflict', `Cannot write the answers: the input has a column ${twice} already`)
}

interface LineFile {
  write(text: string): Promise<void>
  close(): Promise<void>
}

/** Writes with back-pressure; a failure is met by the next write or the close. */
function lineFile(path: string): LineFile {
  const stream = createWriteStream(path)
  let failure: Error | undefined
  stream.on('error', error => {
    failure = new Problem('storage_full', `Cannot write ${path}: ${error.message}`, { cause: error })
  })
  const check = (): void => {
    if (failure !== undefined) throw failure
  }
  return {
    async write(text): Promise<void> {
      check()
      if (!stream.write(text)) {
        await new Promise<void>(resolve => {
          stream.once('drain', resolve)
          stream.once('error', () => resolve())
        })
      }
      check()
    },
    async close(): Promise<void> {
      await new Promise<void>(resolve => {
        if (stream.destroyed) resolve()
        else {
          stream.once('close', () => resolve())
          stream.end()
        }
      })
      check()
    },
  }
}

/** What reading a block of a file gives, whatever the format: rows ready for the model, and rows with what is wrong with them. */
import type { Predictor } from '../../predictor/predictor.ts'
import type { Feature } from '../../registry/signature.ts'
import type { CompiledSignature } from '../signature.ts'

/** What a thread needs to score rows. */
export interface Scorer {
  readonly signature: CompiledSignature
  /** Absent where somebody else answers. */
  readonly predictor?: Predictor
  /** Names of the outputs, in the predictor's order. */
  readonly outputs: readonly string[]
}

export interface RowFault {
  /** Of the file, from 1; of Parquet, the row. */
  readonly line: number
  readonly reason: string
  /** The row as it stands in the file; of Parquet, as JSON. */
  readonly row: string
}

/** A column of the file that is no feature, as it is. */
export interface ExtraColumn {
  readonly name: string
  readonly values: readonly unknown[]
}

export interface ParsedRows {
  /** Good rows. */
  readonly count: number
  /** `count` × `signature.width`, perhaps with room left over. */
  readonly values: Float64Array
  /** Line of each good row. */
  readonly lines: Int32Array
  /** Where each good row stands in the bytes of a text block, without its line end. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** Only those that were asked for. */
  readonly extras: readonly ExtraColumn[]
  readonly faults: readonly RowFault[]
}

const FAULTS_TOLD_MAX = 5

/** Cells that stand for a missing value, in small letters. */
const MISSING: ReadonlySet<string> = new Set(['', 'na', 'n/a', 'nan', 'null', 'none', '<na>'])
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** A cell as the value it stands for. What does not fit the type stays a text, so that it is named as what it is. */
export function cellValue({ type }: Feature, text: string): number | boolean | string | null {
  const lower = text.toLowerCase()
  if (MISSING.has(lower)) return null
  if (type === 'string') return text
  if ((type === 'boolean' || type === 'numeric') && (lower === 'true' || lower === 'false')) return lower === 'true'
  return NUMBER.test(text) && Number.isFinite(Number(text)) ? Number(text) : text
}

/** What is wrong with a row of named values, in a sentence. */
export function reasonOf({ signature }: Scorer, row: Readonly<Record<string, unknown>>): string {
  const { fields } = signature.faults(row, '', FAULTS_TOLD_MAX)
  return fields.map(({ field, problem }) => `${field} ${problem}`).join('; ')
}

/** The features of a row as JSON, in the words that the model's door takes. */
export function rowJson({ inputs, columns, width }: CompiledSignature, values: Float64Array, row: number): string {
  const members = inputs.map(({ name, type, categories }, input) => {
    const value = values[row * width + columns[input]!]!
    let text = 'null'
    if (type === 'string') text = JSON.stringify(categories?.[value] ?? null)
    else if (type === 'boolean' && !Number.isNaN(value)) text = value === 1 ? 'true' : 'false'
    else if (!Number.isNaN(value)) text = String(value)
    return `${JSON.stringify(name)}:${text}`
  })
  return `{${members.join(',')}}`
}

/** Collects the good rows of a block. */
export class RowsBuilder {
  readonly #width: number
  #values: Float64Array
  #lines: Int32Array
  #starts: Int32Array
  #ends: Int32Array
  readonly #faults: RowFault[] = []
  #count = 0

  constructor(width: number, rowsExpected: number) {
    this.#width = width
    this.#values = new Float64Array(rowsExpected * width)
    this.#lines = new Int32Array(rowsExpected)
    this.#starts = new Int32Array(rowsExpected)
    this.#ends = new Int32Array(rowsExpected)
  }

  /** Where the next row's values go; `add` makes it a row. */
  get values(): Float64Array {
    if (this.#count === this.#lines.length) this.#grow()
    return this.#values
  }

  get offset(): number {
    return this.#count * this.#width
  }

  add(line: number, start: number, end: number): void {
    this.#lines[this.#count] = line
    this.#starts[this.#count] = start
    this.#ends[this.#count] = end
    this.#count++
  }

  fault(fault: RowFault): void {
    this.#faults.push(fault)
  }

  finish(extras: readonly ExtraColumn[] = []): ParsedRows {
    return {
      count: this.#count,
      values: this.#values,
      lines: this.#lines,
      starts: this.#starts,
      ends: this.#ends,
      extras,
      faults: this.#faults,
    }
  }

  #grow(): void {
    const rows = Math.max(1024, this.#lines.length * 2)
    this.#values = enlarged(this.#values, new Float64Array(rows * this.#width))
    this.#lines = enlarged(this.#lines, new Int32Array(rows))
    this.#starts = enlarged(this.#starts, new Int32Array(rows))
    this.#ends = enlarged(this.#ends, new Int32Array(rows))
  }
}

function enlarged<A extends Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from)
  return to
}

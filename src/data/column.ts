/** One column of a data set: what its cells turned out to be. */

/** Cells that stand for a missing value, beside the empty one; what pandas takes for one, too. */
export const MISSING: ReadonlySet<string> = new Set([
  '',
  'NA',
  'N/A',
  'n/a',
  'NaN',
  'nan',
  'null',
  'NULL',
  'None',
  '<NA>',
])

/** Past this many distinct texts a column is no category. */
export const DISTINCT_TEXTS_MAX = 10_000
/** Past this many distinct numbers their spelling is no longer kept. */
const DISTINCT_SPELLINGS_MAX = 2048

interface Seen {
  readonly name: string
  readonly missing: number
}

export type Column =
  /** Numbers; NaN is missing. */
  | (Seen & { readonly kind: 'number'; readonly values: Float64Array })
  /** The words true and false, in any case, as 1 and 0; NaN is missing. */
  | (Seen & { readonly kind: 'boolean'; readonly values: Float64Array })
  /** Texts, as numbers of `texts` in the order they were first seen; −1 is missing. */
  | (Seen & {
      readonly kind: 'string'
      readonly texts: readonly string[]
      readonly codes: Int32Array
      /** Where the first cell that is no number stands. */
      readonly example: { readonly text: string; readonly line: number }
    })
  /** Too many distinct texts to keep, or numbers and texts together in such number. */
  | (Seen & { readonly kind: 'text'; readonly example: { readonly text: string; readonly line: number } })

const NUMBER = 1
const BOOLEAN = 2
const TEXT = 4

/** Takes the cells of a column one after the other. */
export class ColumnBuilder {
  readonly name: string
  readonly #asText: boolean
  /** While texts are kept: the number of each distinct one. */
  #codes: Map<string, number> | undefined = new Map()
  #texts: string[] = []
  /** Of each distinct text, once. */
  #meaning: number[] = []
  /** A number of a text, or, once texts are no longer kept, the value. */
  #cells = new Float64Array(1024)
  #count = 0
  #missing = 0
  #kinds = 0
  #example: { text: string; line: number } | undefined
  #dropped = false

  constructor(name: string, asText = false) {
    this.name = name
    this.#asText = asText
  }

  add(cell: string, line: number): void {
    const text = cell.trim()
    const isMissing = MISSING.has(text)
    if (isMissing) this.#missing++
    if (this.#dropped) return
    if (this.#count === this.#cells.length) this.#grow()
    let value: number
    if (this.#codes === undefined) value = isMissing ? Number.NaN : this.#number(text, line)
    else value = isMissing ? -1 : this.#code(text, line)
    this.#cells[this.#count++] = value
  }

  finish(): Column {
    const seen = { name: this.name, missing: this.#missing }
    if (this.#dropped) return { ...seen, kind: 'text', example: this.#example! }
    if (this.#codes === undefined) return { ...seen, kind: 'number', values: this.#cells.slice(0, this.#count) }
    const cells = this.#cells.subarray(0, this.#count)
    const kind = this.#kinds === NUMBER || this.#kinds === 0 ? 'number' : this.#kinds === BOOLEAN ? 'boolean' : 'string'
    if (kind === 'string') {
      return { ...seen, kind, texts: this.#texts, codes: Int32Array.from(cells), example: this.#example! }
    }
    return { ...seen, kind, values: cells.map(code => (code < 0 ? Number.NaN : this.#meaning[code]!)) }
  }

  #code(text: string, line: number): number {
    const codes = this.#codes!
    const known = codes.get(text)
    if (known !== undefined) return known
    const kind = this.#asText ? TEXT : kindOf(text)
    this.#kinds |= kind
    if (kind !== NUMBER && this.#example === undefined) this.#example = { text, line }
    if (this.#kinds === NUMBER && codes.size === DISTINCT_SPELLINGS_MAX) {
      this.#forgetSpelling()
      return Number(text)
    }
    if (codes.size === DISTINCT_TEXTS_MAX) {
      this.#drop()
      return 0
    }
    codes.set(text, codes.size)
    this.#texts.push(text)
    this.#meaning.push(kind === BOOLEAN ? Number(text.toLowerCase() === 'true') : Number(text))
    return codes.size - 1
  }

  #number(text: string, line: number): number {
    if (kindOf(text) === NUMBER) return Number(text)
    this.#example ??= { text, line }
    this.#drop()
    return 0
  }

  /** Too many distinct numbers for a dictionary: from here on the cells are the values. */
  #forgetSpelling(): void {
    const cells = this.#cells
    for (let row = 0; row < this.#count; row++) cells[row] = cells[row]! < 0 ? Number.NaN : this.#meaning[cells[row]!]!
    this.#codes = undefined
    this.#texts = []
    this.#meaning = []
  }

  #drop(): void {
    this.#dropped = true
    this.#codes = undefined
    this.#texts = []
    this.#meaning = []
    this.#cells = new Float64Array(0)
    this.#count = 0
  }

  #grow(): void {
    const larger = new Float64Array(Math.max(1024, this.#cells.length * 2))
    larger.set(this.#cells)
    this.#cells = larger
  }
}

/** Takes the cells of a column as numbers that somebody else makes of them. */
export class NumbersBuilder {
  readonly name: string
  readonly #read: (cell: string) => number
  #cells = new Float64Array(1024)
  #count = 0
  #missing = 0

  constructor(name: string, read: (cell: string) => number) {
    this.name = name
    this.#read = read
  }

  add(cell: string): void {
    const text = cell.trim()
    const value = MISSING.has(text) ? Number.NaN : this.#read(text)
    if (Number.isNaN(value)) this.#missing++
    if (this.#count === this.#cells.length) {
      const larger = new Float64Array(this.#count * 2)
      larger.set(this.#cells)
      this.#cells = larger
    }
    this.#cells[this.#count++] = value
  }

  finish(): Column {
    return { name: this.name, missing: this.#missing, kind: 'number', values: this.#cells.slice(0, this.#count) }
  }
}

function kindOf(text: string): number {
  const value = Number(text)
  // Number() also takes 0x1f, 0b1, 0o7 and Infinity, which are no numbers in a CSV file.
  if (Number.isFinite(value) && !/^[+-]?0[xXbBoO]/.test(text)) return NUMBER
  const lower = text.length <= 5 ? text.toLowerCase() : ''
  return lower === 'true' || lower === 'false' ? BOOLEAN : TEXT
}

/** From rows of numbers to the columns that a Python worker takes. */
import type { ExternalColumn } from '../predictor/external.ts'

/** What a column of a batch holds: float64, int64, one byte of 0 or 1, int32 codes of texts (−1: missing). */
type Kind = 'f' | 'i' | 'b' | 't'

const BYTES: Readonly<Record<Kind, number>> = { f: 8, i: 8, b: 1, t: 4 }
const KINDS = { float: 'f', int: 'i', bool: 'b', text: 't' } as const

export interface Batch {
  readonly rows: number
  /** One letter for each column. */
  readonly types: string
  /** One column after the other, each from a multiple of eight bytes on; little-endian. */
  readonly body: Uint8Array
}

/** How a made-up row is told: see `Batch.types`. */
export function typesOf(columns: readonly ExternalColumn[]): string {
  return columns.map(({ type }) => KINDS[type]).join('')
}

/** @param calls rows of each call, row-major, `count` together. */
export function encodeBatch(columns: readonly ExternalColumn[], calls: readonly Float64Array[], count: number): Batch {
  const width = columns.length
  const kinds = columns.map(({ type }, column): Kind => {
    const kind = KINDS[type]
    return (kind === 'i' || kind === 'b') && !isWhole(calls, column, width) ? 'f' : kind
  })
  const bytes = kinds.map(kind => Math.ceil((count * BYTES[kind]) / 8) * 8)
  const body = new Uint8Array(bytes.reduce((sum, each) => sum + each, 0))
  let offset = 0
  for (let column = 0; column < width; column++) {
    fill(body, offset, kinds[column]!, calls, column, width)
    offset += bytes[column]!
  }
  return { rows: count, types: kinds.join(''), body }
}

/** Whether a column has no gap and nothing that int64 cannot hold. */
function isWhole(calls: readonly Float64Array[], column: number, width: number): boolean {
  return calls.every(rows => {
    for (let at = column; at < rows.length; at += width) if (!Number.isSafeInteger(rows[at]!)) return false
    return true
  })
}

function fill(
  body: Uint8Array,
  offset: number,
  kind: Kind,
  calls: readonly Float64Array[],
  column: number,
  width: number,
): void {
  const view = new DataView(body.buffer, offset)
  let row = 0
  for (const rows of calls) {
    for (let at = column; at < rows.length; at += width) {
      const value = rows[at]!
      if (kind === 'f') view.setFloat64(row * 8, value, true)
      else if (kind === 'i') view.setBigInt64(row * 8, BigInt(value), true)
      else if (kind === 'b') view.setUint8(row, value === 0 ? 0 : 1)
      else view.setInt32(row * 4, Number.isNaN(value) ? -1 : value, true)
      row++
    }
  }
}

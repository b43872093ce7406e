/** Ways to make numbers of cells that need not be understood as values: `CsvReading.numbers`. */

/**
 * A number of 53 bits by which texts are told apart: the same for the same text, and for two others with a chance of 10⁻¹⁶
 * (two rounds of 32-bit multiplication and shifts, after Bryc's cyrb53).
 */
export function keyOf(text: string): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57]
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    a = Math.imul(a ^ unit, 2654435761)
    b = Math.imul(b ^ unit, 1597334677)
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return 4294967296 * (2097151 & b) + (a >>> 0)
}

const DATE =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/**
 * A moment: a date of ISO 8601 (without an offset taken as UTC) as milliseconds since the epoch, or a number as it is. NaN where
 * it is neither, as of a day that there is not.
 */
export function momentOf(text: string): number {
  const found = DATE.exec(text)
  if (found === null) return text === '' ? Number.NaN : Number(text)
  const [year, month, day, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(part => Number(part ?? 0))
  const at = Date.UTC(year!, month! - 1, day, hour, minute, second)
  const back = new Date(at)
  const isDay = back.getUTCMonth() === month! - 1 && back.getUTCDate() === (hour === 24 ? day! + 1 : day)
  if (!isDay || hour > 24 || minute > 59 || second > 60) return Number.NaN
  return at + Math.trunc(Number(`0.${found[7] ?? 0}`) * 1000) - offsetMs(found[8])
}

function offsetMs(offset: string | undefined): number {
  if (offset === undefined || offset === 'Z') return 0
  const sign = offset.startsWith('-') ? -1 : 1
  const digits = offset.slice(1).replace(':', '')
  return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0)) * 60_000
}

/** Numbers and times as people read them. Times are UTC everywhere, because the ledger's are. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Shown where a number is not known: a dash of the width of a figure. */
export const UNKNOWN = '–'
/** Between a number and its unit: no line breaks there. */
const THIN = '\u202f'

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const digitFormats = new Map<number, Intl.NumberFormat>()

/** A count, with thousands apart: `12,345`. */
export function count(value: number | undefined): string {
  return value === undefined ? UNKNOWN : whole.format(value)
}

/** A count where there is little room: `12.3k`. */
export function shortCount(value: number): string {
  if (value < 10_000) return whole.format(value)
  const [size, letter] = value < 1e6 ? [1e3, 'k'] : value < 1e9 ? [1e6, 'M'] : [1e9, 'G']
  const scaled = value / size
  return `${scaled < 100 ? scaled.toFixed(1) : scaled.toFixed(0)}${letter}`
}

/** With so many decimals, always: figures below each other stay aligned. */
export function decimals(value: number | undefined, places: number): string {
  if (value === undefined || !Number.isFinite(value)) return UNKNOWN
  let format = digitFormats.get(places)
  if (format === undefined) {
    format = new Intl.NumberFormat('en', { minimumFractionDigits: places, maximumFractionDigits: places })
    digitFormats.set(places, format)
  }
  return format.format(value).replace('-', '−')
}

/** A number of unknown size, in three significant digits at least. */
export function plain(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return UNKNOWN
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(2).replace('-', '−')
  const places = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4
  const text = new Intl.NumberFormat('en', { maximumFractionDigits: places }).format(value)
  return text.replace('-', '−')
}

/** A model's answer: three decimals where it has any, so that figures below each other are aligned. */
export function answerText(value: number | boolean | string): string {
  if (typeof value !== 'number') return String(value)
  return Number.isInteger(value) || Math.abs(value) >= 1000 || Math.abs(value) < 0.001
    ? plain(value)
    : decimals(value, 3)
}

/** A fraction of 1 as a percentage; what is not nothing is never shown as 0. */
export function percent(value: number | undefined, places = 1): string {
  if (value === undefined || !Number.isFinite(value)) return UNKNOWN
  const least = 10 ** -(places + 2)
  if (value > 0 && value < least) return `<${THIN}${decimals(least * 100, places)}${THIN}%`
  return `${decimals(value * 100, places)}${THIN}%`
}

/** Milliseconds, in the unit that suits them. */
export function milliseconds(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return UNKNOWN
  if (value >= 10_000) return `${decimals(value / 1000, 1)}${THIN}s`
  return `${decimals(value, value >= 100 ? 0 : value >= 10 ? 1 : 2)}${THIN}ms`
}

/** Requests a second. */
export function perSecond(value: number | undefined): string {
  if (value === undefined) return UNKNOWN
  return `${value >= 100 ? count(value) : decimals(value, value >= 10 ? 1 : value === 0 ? 0 : 2)}${THIN}/s`
}

/** `2026-11-22 14:05:09`; the page says once that times are UTC. */
export function dateTime(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ')
}

export function date(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

/** @param length of what is shown, milliseconds: of a few minutes, seconds count. */
export function timeOfDay(at: number, length: number = HOUR): string {
  return new Date(at).toISOString().slice(11, countsSeconds(length) ? 19 : 16)
}

/** Whether times within so long a span are told with their seconds. */
export function countsSeconds(length: number): boolean {
  return length < 10 * MINUTE
}

/** A span of time as one says it: `Nov 22, 14:00–15:00`. */
export function span(from: number, to: number): string {
  const day = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', timeZone: 'UTC' })
  const [first, last] = [timeOfDay(from, to - from), timeOfDay(to, to - from)]
  const start = `${day.format(from)}, ${first}`
  return date(from) === date(to) ? `${start}–${last}` : `${start} – ${day.format(to)}, ${last}`
}

/** How long ago: `3 min ago`. */
export function ago(at: number, now: number): string {
  const past = Math.max(0, now - at)
  if (past < 5_000) return 'just now'
  if (past < MINUTE) return `${Math.floor(past / 1000)} s ago`
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min ago`
  if (past < 2 * DAY) return `${Math.floor(past / HOUR)} h ago`
  return `${Math.floor(past / DAY)} days ago`
}

/** How long: `45 min`, `6 h`, `7 days`. */
export function duration(ms: number): string {
  if (ms < MINUTE) return `${Math.round(ms / 1000)} s`
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`
  if (ms < 2 * DAY) return `${Math.round(ms / HOUR)} h`
  return `${Math.round(ms / DAY)} days`
}

/** The word for so many: `plural(1, 'model')`. */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`
}

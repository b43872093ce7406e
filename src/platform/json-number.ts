/** Texts of so small whole numbers are few: they stay. */
const SMALL = 1_000

/**
 * A finite number as JSON and ECMAScript write it.
 *
 * V8 keeps the text that `String(number)` makes in a cache, and makes it in the old generation for that
 * (`Factory::NumberToString`). A server that writes thousands of different numbers a second fills the old generation with
 * them, and callers feel its collections; `JSON.stringify` makes the same text where texts of a moment belong.
 */
export function jsonNumber(value: number): string {
  return value >= 0 && value < SMALL && Number.isInteger(value) ? String(value) : JSON.stringify(value)
}

let latestMs = Number.NaN
let latestText = ''

/** Milliseconds since the epoch, as `jsonNumber`: under load many requests share one. */
export function momentText(ms: number): string {
  if (ms !== latestMs) {
    latestText = jsonNumber(ms)
    latestMs = ms
  }
  return latestText
}

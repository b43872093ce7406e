/** What contributions have in common in charts: how they are written, and on which side of nothing they lie. */

const THIN_MINUS = '−'

/** With its sign, in three significant digits at most: `+0.36`, `−0.004`. */
export function signed(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  const places = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : size >= 0.01 ? 3 : 4
  const rounded = Number(size.toFixed(places))
  if (rounded === 0) return value > 0 ? '+0' : `${THIN_MINUS}0`
  const text = new Intl.NumberFormat('en', { maximumFractionDigits: places }).format(rounded)
  return `${value > 0 ? '+' : THIN_MINUS}${text}`
}

/** As a class of marks. */
export function sideOf(value: number): 'raises' | 'lowers' {
  return value < 0 ? 'lowers' : 'raises'
}

/** Cuts a label to a number of letters. */
export function cut(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`
}

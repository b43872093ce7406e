/** `.001` … `.999`, without trailing zeros; nothing for 0. */
const FRACTIONS: readonly string[] = Array.from({ length: 1000 }, (_, thousandths) =>
  thousandths === 0 ? '' : `.${String(thousandths).padStart(3, '0').replace(/0+$/, '')}`,
)
/** From here on a whole number of microseconds is no small integer any more. */
const SMALL_MS = 1e6

/**
 * A number of milliseconds with at most three decimals as `String` writes it, but without the search for the shortest digits
 * that are only this double: here they are known.
 */
export function millisecondsText(ms: number): string {
  if (!(ms >= 0 && ms < SMALL_MS)) return String(ms)
  const microseconds = Math.round(ms * 1000)
  const whole = Math.floor(microseconds / 1000)
  return whole + FRACTIONS[microseconds - whole * 1000]!
}

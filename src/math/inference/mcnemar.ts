/** Two classifiers on the same rows: only the rows on which one is right and the other wrong tell them apart. */
import { betaTails } from '../distributions/beta.ts'
import { normalQuantile } from '../distributions/normal.ts'
import { type Estimate, LEVEL, requireLevel } from './estimate.ts'

/** How often each was right alone. */
export interface Discordant {
  readonly onlyFirst: number
  readonly onlySecond: number
}

export function discordant(firstIsRight: ArrayLike<number>, secondIsRight: ArrayLike<number>): Discordant {
  if (firstIsRight.length !== secondIsRight.length) {
    throw new RangeError(`Cannot compare: ${firstIsRight.length} rows of one, but ${secondIsRight.length} of the other`)
  }
  let [onlyFirst, onlySecond] = [0, 0]
  for (let row = 0; row < firstIsRight.length; row++) {
    if (firstIsRight[row]! > secondIsRight[row]!) onlyFirst++
    else if (firstIsRight[row]! < secondIsRight[row]!) onlySecond++
  }
  return { onlyFirst, onlySecond }
}

/**
 * McNemar's test (1947, doi:10.1007/BF02295996) of whether both are right equally often.
 *
 * @returns the exact binomial p-value, which keeps its level for few rows; and the mid-p, which is nearer to it (Fagerland,
 * Lydersen and Laake 2013, doi:10.1186/1471-2288-13-91). Both are 1 where no row tells them apart.
 */
export function mcnemar({ onlyFirst, onlySecond }: Discordant): { readonly exact: number; readonly midP: number } {
  const apart = onlyFirst + onlySecond
  if (apart === 0) return { exact: 1, midP: 1 }
  const fewer = Math.min(onlyFirst, onlySecond)
  // P(X ≤ k) of n fair coins is the incomplete beta function at ½ of n − k and k + 1.
  const atMost = (k: number): number => (k < 0 ? 0 : k >= apart ? 1 : betaTails(apart - k, k + 1, 0.5).lower)
  const exact = Math.min(1, 2 * atMost(fewer))
  const here = atMost(fewer) - atMost(fewer - 1)
  return { exact, midP: onlyFirst === onlySecond ? 1 - here : exact - here }
}

/**
 * By how much the first is right more often than the second, with Tango's score interval for shares of the same rows (1998,
 * doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B): the differences that are less than z of their own
 * standard errors from what was seen. Holds its level where few rows tell the two apart.
 *
 * @param rows all of them, concordant ones included.
 * @returns undefined for no rows.
 */
export function pairedShareDifference(
  { onlyFirst, onlySecond }: Discordant,
  rows: number,
  level: number = LEVEL,
): Estimate | undefined {
  requireLevel(level)
  if (onlyFirst + onlySecond > rows) {
    throw new RangeError(`Cannot compare: ${onlyFirst} + ${onlySecond} rows differ, of ${rows}`)
  }
  if (!(rows > 0)) return undefined
  const value = (onlyFirst - onlySecond) / rows
  const z = normalQuantile((1 + level) / 2)
  const distance = (difference: number): number => score(onlyFirst, onlySecond, rows, difference)
  return {
    value,
    low: crossing(value, -1, difference => distance(difference) < z),
    high: crossing(value, 1, difference => distance(difference) > -z),
    level,
    method: 'Tango score',
    n: rows,
  }
}

/** The distance of what was seen from a true difference, in standard errors under that difference (Tango 1998, §2). */
function score(onlyFirst: number, onlySecond: number, rows: number, difference: number): number {
  const off = onlyFirst - onlySecond - rows * difference
  if (off === 0) return 0
  const linear = -onlyFirst - onlySecond + (2 * rows - onlyFirst + onlySecond) * difference
  const constant = -onlySecond * difference * (1 - difference)
  const share = (Math.sqrt(Math.max(0, linear ** 2 - 8 * rows * constant)) - linear) / (4 * rows)
  const variance = rows * (2 * share + difference * (1 - difference))
  return variance > 0 ? off / Math.sqrt(variance) : off * Infinity
}

/** By halving, from a point within towards an end that may be within itself. */
function crossing(within: number, end: number, isWithin: (difference: number) => boolean): number {
  let [inner, outer] = [within, end]
  if (within === end) return end
  for (let round = 0; round < 60; round++) {
    const middle = (inner + outer) / 2
    if (isWithin(middle)) inner = middle
    else outer = middle
  }
  return inner
}

/** P-values of many tests, made larger so that each may be held against the level meant for all of them. */

/** Each times their number (Bonferroni 1936): keeps the chance of any false alarm. Holm's is never worse. */
export function bonferroni(pValues: readonly number[]): number[] {
  requireProbabilities(pValues)
  return pValues.map(p => Math.min(1, p * pValues.length))
}

/** Step-down Bonferroni (Holm 1979): keeps the chance of any false alarm, whatever the tests have to do with each other. */
export function holm(pValues: readonly number[]): number[] {
  const order = ascending(pValues)
  return adjusted(pValues, order, rank => pValues.length - rank, Math.max)
}

/**
 * Keeps the expected share of false ones among the alarms, where the tests are independent or rise together (Benjamini and
 * Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x).
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const order = ascending(pValues).reverse()
  return adjusted(pValues, order, rank => pValues.length / (pValues.length - rank), Math.min)
}

/** The same for tests of any dependence (Benjamini and Yekutieli 2001, doi:10.1214/aos/1013699998). */
export function benjaminiYekutieli(pValues: readonly number[]): number[] {
  const order = ascending(pValues).reverse()
  const harmonic = pValues.reduce((sum, _, index) => sum + 1 / (index + 1), 0)
  return adjusted(pValues, order, rank => (harmonic * pValues.length) / (pValues.length - rank), Math.min)
}

function ascending(pValues: readonly number[]): number[] {
  requireProbabilities(pValues)
  return pValues.map((_, index) => index).sort((i, j) => pValues[i]! - pValues[j]!)
}

/** Each p-value by the factor of its rank in the order, and never past the one before it. */
function adjusted(
  pValues: readonly number[],
  order: readonly number[],
  factor: (rank: number) => number,
  further: (before: number, now: number) => number,
): number[] {
  const result = new Array<number>(pValues.length).fill(1)
  let before = further === Math.max ? 0 : 1
  for (const [rank, index] of order.entries()) {
    before = further(before, Math.min(1, pValues[index]! * factor(rank)))
    result[index] = before
  }
  return result
}

function requireProbabilities(pValues: readonly number[]): void {
  const wrong = pValues.find(p => !(p >= 0 && p <= 1))
  if (wrong !== undefined) throw new RangeError(`Cannot adjust p-values: one is ${wrong}, wanted 0 … 1`)
}

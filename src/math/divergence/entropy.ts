import { requireAligned, total } from './shares.ts'

/** The unit of information: `e` gives nats, 2 bits. */
export type LogBase = 'e' | 2

/**
 * Kullback–Leibler divergence of `reference` from `current`, Σ p ln(p / q): the information lost when `current` is taken for
 * `reference` (Kullback and Leibler 1951, doi:10.1214/aoms/1177729694). Not symmetric.
 *
 * @param reference counts or shares by bin (p). @param current by the same bins (q).
 * @returns 0 or more; ∞ where a bin with rows in `reference` is empty in `current`; NaN where a side has no rows.
 */
export function kullbackLeibler(reference: readonly number[], current: readonly number[], base: LogBase = 'e'): number {
  requireAligned('the Kullback–Leibler divergence', reference, current)
  const [rows, rowsNow] = [total(reference), total(current)]
  if (rows === 0 || rowsNow === 0) return Number.NaN
  let sum = 0
  for (let bin = 0; bin < reference.length; bin++) sum += relative(reference[bin]! / rows, current[bin]! / rowsNow)
  return inBase(Math.max(0, sum), base)
}

/**
 * Jensen–Shannon divergence, ½ KL(P‖M) + ½ KL(Q‖M) with M = ½ (P + Q) (Lin 1991, doi:10.1109/18.61115). Symmetric, and finite
 * where bins are empty. Its square root is a metric: `jensenShannonDistance`.
 *
 * @returns 0 … ln 2 (base e) or 0 … 1 (base 2); NaN where a side has no rows.
 */
export function jensenShannon(reference: readonly number[], current: readonly number[], base: LogBase = 'e'): number {
  requireAligned('the Jensen–Shannon divergence', reference, current)
  const [rows, rowsNow] = [total(reference), total(current)]
  if (rows === 0 || rowsNow === 0) return Number.NaN
  let sum = 0
  for (let bin = 0; bin < reference.length; bin++) {
    const [p, q] = [reference[bin]! / rows, current[bin]! / rowsNow]
    const middle = (p + q) / 2
    sum += relative(p, middle) + relative(q, middle)
  }
  return inBase(Math.min(Math.max(0, sum / 2), Math.LN2), base)
}

/** Square root of the Jensen–Shannon divergence: a metric (Endres and Schindelin 2003, doi:10.1109/TIT.2003.813506). */
export function jensenShannonDistance(
  reference: readonly number[],
  current: readonly number[],
  base: LogBase = 'e',
): number {
  return Math.sqrt(jensenShannon(reference, current, base))
}

/** Shannon's entropy, −Σ p ln p (Shannon 1948): 0 where one bin holds all, the logarithm of the bins where all hold the same. */
export function entropy(counts: readonly number[], base: LogBase = 'e'): number {
  requireAligned('the entropy', counts, counts)
  const rows = total(counts)
  if (rows === 0) return Number.NaN
  let sum = 0
  for (const count of counts) sum -= relative(count / rows, 1)
  return inBase(sum, base)
}

function relative(p: number, q: number): number {
  return p === 0 ? 0 : p * Math.log(p / q)
}

function inBase(nats: number, base: LogBase): number {
  return base === 2 ? nats / Math.LN2 : nats
}

import { pooledRanks } from './ranks.ts'

export interface CramerVonMisesResult {
  readonly statistic: number
  readonly pValue: number
  readonly method: 'exact' | 'asymptotic'
}

/** Up to here every order of the values is counted. */
const EXACT_MAX = 20

/**
 * Two-sample Cramér–von Mises test: the area between two distribution functions, squared, where Kolmogorov–Smirnov takes
 * the greatest distance (Anderson 1962, doi:10.1214/aoms/1177704477). The p-value is exact (without ties) for up to 20 values a
 * sample, where nothing else is asked for (Xiao, Gordon and Yakovlev 2006, doi:10.18637/jss.v017.i08), else that of the limit.
 *
 * @throws RangeError where a sample has fewer than two values, or a value is NaN.
 */
export function cramerVonMises(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: { readonly method?: 'auto' | 'exact' | 'asymptotic' } = {},
): CramerVonMisesResult {
  const { method = 'auto' } = options
  const [n, m] = [a.length, b.length]
  if (n < 2 || m < 2) throw new RangeError(`Cannot compare samples of ${n} and ${m} values: wanted two each`)
  const ranks = pooledRanks(a, b)
  const spread = n * offSquares(ranks.a) + m * offSquares(ranks.b)
  const [pairs, all] = [n * m, n + m]
  const statistic = spread / (pairs * all) - (4 * pairs - 1) / (6 * all)
  if (method === 'exact' || (method === 'auto' && Math.max(n, m) <= EXACT_MAX)) {
    return { statistic, pValue: exact(spread, n, m), method: 'exact' }
  }
  const mean = (1 + 1 / all) / 6
  const variance = ((all + 1) * (4 * pairs * all - 3 * (n * n + m * m) - 2 * pairs)) / (45 * all * all * 4 * pairs)
  return { statistic, pValue: limitUpper(1 / 6 + (statistic - mean) / Math.sqrt(45 * variance)), method: 'asymptotic' }
}

/** Σ (rank − place)² */
function offSquares(ranks: Float64Array): number {
  return ranks.reduce((sum, rank, at) => sum + (rank - at - 1) ** 2, 0)
}

/** Counts, path by path of the two samples' counts, how often each sum of squared distances comes about. */
function exact(spread: number, n: number, m: number): number {
  const multiple = (n / greatestDivisor(n, m)) * m
  const [stepOfN, stepOfM] = [multiple / n, multiple / m]
  const pairs = n * m
  const seen = Math.floor((multiple ** 2 * (n + m) * (6 * spread - pairs * (4 * pairs - 1))) / (6 * pairs ** 2))
  // Of the paths to (i, j), by their sum.
  let row: Map<number, number>[] = []
  for (let j = 0; j <= m; j++) {
    const next: Map<number, number>[] = []
    for (let i = 0; i <= n; i++) {
      const off = (stepOfN * i - stepOfM * j) ** 2
      const sums = new Map<number, number>()
      for (const before of [next[i - 1], row[i]]) {
        for (const [sum, paths] of before ?? []) sums.set(sum + off, (sums.get(sum + off) ?? 0) + paths)
      }
      if (i === 0 && j === 0) sums.set(0, 1)
      next.push(sums)
    }
    row = next
  }
  let [far, all] = [0, 0]
  for (const [sum, paths] of row[n]!) {
    all += paths
    if (sum >= seen) far += paths
  }
  return far / all
}

function greatestDivisor(n: number, m: number): number {
  return m === 0 ? n : greatestDivisor(m, n % m)
}

/**
 * Upper tail of the limit, by Smirnov's alternating integrals (Anderson and Darling 1952, doi:10.1214/aoms/1177729437), each of
 * which the substitution of Takahasi and Mori (1974) takes care of at its two infinite ends: it keeps its digits in the far tail.
 */
function limitUpper(x: number): number {
  if (x < 0.003) return 1
  let sum = 0
  for (let term = 1; ; term += 2) {
    const integral = integralFrom(term * Math.PI, x)
    sum += term % 4 === 1 ? integral : -integral
    if (integral < 1e-17 * sum) return Math.min(1, Math.max(0, sum / Math.PI))
  }
}

/** ∫ 2 e^(−x v² / 2) / √(v sin(v − start)) dv from `start` to `start` + π */
function integralFrom(start: number, x: number): number {
  const step = 1 / 16
  let sum = 0
  for (let at = -64; at <= 64; at++) {
    const t = at * step
    const reach = (Math.PI / 2) * Math.sinh(t)
    // The distance from the nearer end, which subtraction would lose.
    const near = Math.PI / (1 + Math.exp(2 * Math.abs(reach)))
    const v = start + (at <= 0 ? near : Math.PI - near)
    const weight = ((Math.PI / 2) ** 2 * Math.cosh(t)) / Math.cosh(reach) ** 2
    sum += (weight * 2 * Math.exp((-x * v * v) / 2)) / Math.sqrt(v * Math.sin(near))
  }
  return sum * step
}

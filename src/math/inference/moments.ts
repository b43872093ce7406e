/** Mean and variance of a sample. */
export interface Moments {
  readonly n: number
  readonly mean: number
  /** Of the sample, divided by n − 1: 0 for a single value. */
  readonly variance: number
}

/** In one pass that does not cancel (Welford 1962, doi:10.2307/1266577). @param value of each index from 0 to `n` − 1. */
export function momentsOf(n: number, value: (index: number) => number): Moments {
  let mean = 0
  let squares = 0
  for (let index = 0; index < n; index++) {
    const x = value(index)
    const off = x - mean
    mean += off / (index + 1)
    squares += off * (x - mean)
  }
  return { n, mean: n === 0 ? Number.NaN : mean, variance: n > 1 ? squares / (n - 1) : 0 }
}

/**
 * The arithmetic of the steps. Every function computes in float64; what a float32 graph rounds on the way, inside sums, is
 * rounded by `round`. Formulas of scores are those of ONNX Runtime's `core/providers/cpu/ml/ml_common.h`.
 */
import type { BinaryName, ReduceName, Rounding, SpreadName, UnaryName } from './pipeline.ts'

type Round = (value: number) => number
export type Unary = (x: number) => number
export type Binary = (a: number, b: number) => number
export type Reduce = (group: Float64Array, round: Round) => number
export type Spread = (group: Float64Array, round: Round) => void

export const ROUND: Readonly<Record<Rounding, Round>> = {
  float32: Math.fround,
  float64: value => value,
  whole: value => Math.trunc(value) + 0,
}

export const UNARY: Readonly<Record<UnaryName, Unary>> = {
  copy: x => x,
  abs: Math.abs,
  neg: x => -x,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  reciprocal: x => 1 / x,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundToEven,
  sign: Math.sign,
  not: x => (x === 0 ? 1 : 0),
  'is-nan': x => (Number.isNaN(x) ? 1 : 0),
  truth: x => (x === 0 ? 0 : 1),
  sigmoid: x => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
  tanh: Math.tanh,
  erf,
  softplus: x => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x))),
}

export const BINARY: Readonly<Record<BinaryName, Binary>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  power: (a, b) => a ** b,
  remainder: (a, b) => a - b * Math.floor(a / b),
  min: Math.min,
  max: Math.max,
  equal: (a, b) => (a === b ? 1 : 0),
  less: (a, b) => (a < b ? 1 : 0),
  'less-or-equal': (a, b) => (a <= b ? 1 : 0),
  greater: (a, b) => (a > b ? 1 : 0),
  'greater-or-equal': (a, b) => (a >= b ? 1 : 0),
  and: (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
  or: (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
  xor: (a, b) => ((a !== 0) !== (b !== 0) ? 1 : 0),
}

export const REDUCE: Readonly<Record<ReduceName, Reduce>> = {
  sum: group => sumOf(group, x => x),
  mean: group => sumOf(group, x => x) / group.length,
  min: group => group.reduce((a, b) => Math.min(a, b)),
  max: group => group.reduce((a, b) => Math.max(a, b)),
  product: group => group.reduce((a, b) => a * b),
  l1: group => sumOf(group, Math.abs),
  l2: group => Math.sqrt(sumOf(group, x => x * x)),
  'sum-square': group => sumOf(group, x => x * x),
  'log-sum-exp': group => {
    const largest = group.reduce((a, b) => Math.max(a, b))
    const from = Number.isFinite(largest) ? largest : 0
    return from + Math.log(sumOf(group, x => Math.exp(x - from)))
  },
  argmax: group => firstBest(group, (a, b) => a > b),
  argmin: group => firstBest(group, (a, b) => a < b),
}

export const SPREAD: Readonly<Record<SpreadName, Spread>> = {
  softmax: (group, round) => {
    const largest = group.reduce((a, b) => (b > a ? b : a))
    let sum = 0
    for (let k = 0; k < group.length; k++) {
      group[k] = round(Math.exp(group[k]! - largest))
      sum += group[k]!
    }
    divideAll(group, sum, round)
  },
  'log-softmax': (group, round) => {
    const total = REDUCE['log-sum-exp'](group, round)
    for (let k = 0; k < group.length; k++) group[k] = round(group[k]! - total)
  },
  'softmax-zero': softmaxZero,
  'divide-by-max': (group, round) => {
    // NaN is passed over, as std::max passes over it.
    const largest = group.reduce((a, b) => (a < b ? b : a), -3.4028234663852886e38)
    if (largest !== 0) divideAll(group, largest, round)
  },
  'divide-by-l1': (group, round) => {
    const sum = round(sumOf(group, Math.abs))
    if (sum !== 0) divideAll(group, sum, round)
  },
  'divide-by-l2': (group, round) => {
    const sum = round(sumOf(group, x => round(x * x)))
    if (sum === 0) return
    for (let k = 0; k < group.length; k++) {
      const share = round(Math.sqrt(round(round(group[k]! * group[k]!) / sum)))
      group[k] = group[k]! < 0 ? -share : share
    }
  },
}

function sumOf(group: Float64Array, of: Unary): number {
  let sum = 0
  for (let k = 0; k < group.length; k++) sum += of(group[k]!)
  return sum
}

function divideAll(group: Float64Array, by: number, round: Round): void {
  for (let k = 0; k < group.length; k++) group[k] = round(group[k]! / by)
}

/** Where the first of the best stands. */
function firstBest(group: Float64Array, better: (a: number, b: number) => boolean): number {
  let best = 0
  for (let k = 1; k < group.length; k++) if (better(group[k]!, group[best]!)) best = k
  return best
}

/** Zeros stay (nearly) zeros. */
function softmaxZero(group: Float64Array, round: Round): void {
  const largest = group.reduce((a, b) => (b > a ? b : a))
  const atZero = round(Math.exp(-largest))
  let sum = 0
  for (let k = 0; k < group.length; k++) {
    const value = group[k]!
    if (value > 0.0000001 || value < -0.0000001) {
      group[k] = round(Math.exp(value - largest))
      sum += group[k]!
    } else {
      group[k] = round(value * atZero)
    }
  }
  divideAll(group, sum, round)
}

function roundToEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  if (rest !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

/** By the series near zero and by the continued fraction far from it (Abramowitz & Stegun 7.1.6, 7.1.14): to about 1e−15. */
function erf(x: number): number {
  const z = Math.abs(x)
  if (Number.isNaN(z)) return Number.NaN
  if (z > 6) return Math.sign(x)
  if (z < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1)
      sum += term
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
  }
  let fraction = z
  for (let n = 60; n >= 1; n--) fraction = z + n / 2 / fraction
  return Math.sign(x) * (1 - Math.exp(-z * z) / (fraction * Math.sqrt(Math.PI)))
}

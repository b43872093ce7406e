/**
 * The tree-structured Parzen estimator: a density of the good points and one of the others, and the candidate drawn from the
 * first that is most likely good rather than not (Bergstra et al. 2011, NeurIPS 24; all dimensions in one kernel: Falkner et al.
 * 2018, arXiv:1807.01774; bandwidths and weights as examined by Watanabe 2023, arXiv:2304.11127).
 */
import { normalQuantile } from '../distributions/normal.ts'
import { normalLowerFast } from '../distributions/normal-fast.ts'
import type { Random } from '../random.ts'
import { axisOf, type Dimension, fromAxis, type RangeDimension, toAxis } from './dimension.ts'

export interface TpeRequest {
  readonly dimensions: readonly Dimension[]
  /** The best points, oldest first: a value for each dimension. */
  readonly good: readonly ArrayLike<number>[]
  /** All others, oldest first. */
  readonly bad: readonly ArrayLike<number>[]
  /** How many points are drawn, of which one is taken; 24 is usual. */
  readonly candidates: number
  readonly random: Random
}

/** Points that count in full; those before count the less the older they are. */
const RECENT = 25
/**
 * A kernel of n is not narrower than the range divided by (n + 1) to this power. The good ones may be narrower than is usual: over
 * many seeds that finds better points of smooth and of rugged functions alike, while the others stay broad (docs/studies.md).
 */
const SHARPNESS = { good: 1.5, bad: 1 }
/** And never narrower than the range divided by this. */
const NARROWEST = 100

/** The next point to try: a value for each dimension. */
export function tpePoint({ dimensions, good, bad, candidates, random }: TpeRequest): Float64Array {
  const likely = parzenEstimator(dimensions, good, SHARPNESS.good)
  const unlikely = parzenEstimator(dimensions, bad, SHARPNESS.bad)
  let best: Float64Array | undefined
  let bestRatio = -Infinity
  for (let n = 0; n < candidates; n++) {
    const point = likely.draw(random)
    const ratio = likely.logDensity(point) - unlikely.logDensity(point)
    if (best === undefined || ratio > bestRatio) {
      best = point
      bestRatio = ratio
    }
  }
  return best ?? likely.draw(random)
}

export interface ParzenEstimator {
  draw(random: Random): Float64Array
  /** Natural logarithm; of dimensions with steps and of choices, of the probability. */
  logDensity(point: ArrayLike<number>): number
}

/** One dimension of all kernels. The last kernel is the prior: the whole range. */
interface Kernels {
  draw(kernel: number, random: Random): number
  /** Adds the logarithm of the density at `value` to the sum of each kernel. */
  addLogDensity(value: number, sums: Float64Array): void
}

/** A mixture of one kernel for each point, and the prior. */
export function parzenEstimator(
  dimensions: readonly Dimension[],
  points: readonly ArrayLike<number>[],
  sharpness: number,
): ParzenEstimator {
  const count = points.length
  const weights = normalised([...recencyWeights(count), 1])
  const logWeights = weights.map(Math.log)
  const kernels = dimensions.map((dimension, d) => {
    const values = Float64Array.from(points, point => point[d]!)
    return dimension.kind === 'choice'
      ? choiceKernels(dimension.count, values)
      : rangeKernels(dimension, values, sharpness)
  })
  const sums = new Float64Array(count + 1)
  return {
    draw(random) {
      const kernel = drawn(weights, random())
      return Float64Array.from(kernels, dimension => dimension.draw(kernel, random))
    },
    logDensity(point) {
      sums.set(logWeights)
      for (let d = 0; d < kernels.length; d++) kernels[d]!.addLogDensity(point[d]!, sums)
      return logSumExp(sums)
    },
  }
}

/** 1 for the newest, and from 1/n up to 1 in even steps for those before. */
function recencyWeights(count: number): number[] {
  const old = Math.max(0, count - RECENT)
  return Array.from({ length: count }, (_, i) => {
    if (i >= old) return 1
    return old === 1 ? 1 / count : 1 / count + ((1 - 1 / count) * i) / (old - 1)
  })
}

function normalised(weights: readonly number[]): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return Float64Array.from(weights, weight => weight / total)
}

function drawn(weights: Float64Array, chance: number): number {
  let sum = 0
  for (let i = 0; i < weights.length - 1; i++) {
    sum += weights[i]!
    if (chance < sum) return i
  }
  return weights.length - 1
}

function logSumExp(values: Float64Array): number {
  let max = -Infinity
  for (const value of values) if (value > max) max = value
  if (max === -Infinity) return max
  let sum = 0
  for (const value of values) sum += Math.exp(value - max)
  return max + Math.log(sum)
}

/** Each kernel prefers its own choice; the more kernels there are, the more. */
function choiceKernels(count: number, values: Float64Array): Kernels {
  const rest = 1 / (values.length + 1)
  const total = 1 + rest * count
  const logOwn = Math.log((1 + rest) / total)
  const logOther = Math.log(rest / total)
  return {
    draw(kernel, random) {
      const chance = random()
      if (kernel === values.length) return Math.floor(chance * count)
      const own = values[kernel]!
      // What is left of a draw above the part that is the own choice's alone is even over all of them.
      return chance < 1 / total ? own : Math.min(count - 1, Math.floor(((chance * total - 1) / (total - 1)) * count))
    },
    addLogDensity(value, sums) {
      for (let k = 0; k < values.length; k++) sums[k]! += values[k] === value ? logOwn : logOther
      sums[values.length]! -= Math.log(count)
    },
  }
}

/** Normal distributions cut off at the ends of the axis. */
function rangeKernels(range: RangeDimension, values: Float64Array, sharpness: number): Kernels {
  const { from, to } = axisOf(range)
  if (range.low === range.high) return { draw: () => range.low, addLogDensity: () => undefined }
  const means = values.map(value => toAxis(range, value))
  const widths = bandwidths(means, from, to, sharpness)
  const count = values.length + 1
  const all = new Float64Array(count)
  all.set(means)
  all[count - 1] = (from + to) / 2
  const lowest = all.map((mean, k) => normalLowerFast((from - mean) / widths[k]!))
  const masses = all.map((mean, k) => normalLowerFast((to - mean) / widths[k]!) - lowest[k]!)
  const isSmooth = range.step === undefined
  const logScales = masses.map((mass, k) => -Math.log(isSmooth ? mass * widths[k]! * Math.sqrt(2 * Math.PI) : mass))
  const narrowness = widths.map(width => Math.SQRT1_2 / width)
  return {
    draw(kernel, random) {
      const z = normalQuantile(lowest[kernel]! + random() * masses[kernel]!)
      return fromAxis(range, Math.min(to, Math.max(from, all[kernel]! + z * widths[kernel]!)))
    },
    addLogDensity(value, sums) {
      if (range.step !== undefined) {
        const [left, right] = cell(range, range.step, value)
        for (let k = 0; k < count; k++) {
          const mass = between((left - all[k]!) / widths[k]!, (right - all[k]!) / widths[k]!)
          sums[k]! += Math.log(mass) + logScales[k]!
        }
        return
      }
      const place = toAxis(range, value)
      for (let k = 0; k < count; k++) {
        const z = (place - all[k]!) * narrowness[k]!
        sums[k]! += logScales[k]! - z * z
      }
    },
  }
}

/** The part of the axis that belongs to a value of a range with steps. */
function cell({ log }: RangeDimension, step: number, value: number): [number, number] {
  const [left, right] = [value - step / 2, value + step / 2]
  return log ? [Math.log(left), Math.log(right)] : [left, right]
}

/** Mass of the standard normal between two places, taken from the tail in which it does not vanish. */
function between(a: number, b: number): number {
  return a > 0 ? normalLowerFast(-a) - normalLowerFast(-b) : normalLowerFast(b) - normalLowerFast(a)
}

/**
 * To the farther neighbour, within limits that keep a kernel from being a needle or wider than the range. The outermost points
 * look inwards only; the prior has the width of the range.
 */
function bandwidths(means: Float64Array, from: number, to: number, sharpness: number): Float64Array {
  const n = means.length
  const widest = to - from
  const narrowest = widest / Math.min(NARROWEST, (n + 2) ** sharpness)
  const widths = new Float64Array(n + 1).fill(widest)
  const order = Array.from(means.keys()).sort((a, b) => means[a]! - means[b]!)
  for (let i = 0; i < n; i++) {
    const here = means[order[i]!]!
    const below = i === 0 ? from : means[order[i - 1]!]!
    const above = i === n - 1 ? to : means[order[i + 1]!]!
    let width = Math.max(here - below, above - here)
    if (n > 1 && i === 0) width = above - here
    if (n > 1 && i === n - 1) width = here - below
    widths[order[i]!] = Math.min(widest, Math.max(narrowest, width))
  }
  return widths
}

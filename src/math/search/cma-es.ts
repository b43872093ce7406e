/**
 * Evolution by adaptation of the covariance matrix (Hansen 2016, "The CMA evolution strategy: a tutorial", arXiv:1604.00772,
 * with its default constants; only positive weights) within the unit cube, begun again with twice the population where it has come to rest (Auger and Hansen 2005, IPOP).
 */
import { normalQuantile } from '../distributions/normal.ts'
import { symmetricEigen } from '../linear/symmetric-eigen.ts'
import type { Random } from '../random.ts'

export interface CmaEs {
  /** Counts the updates; a point belongs to the generation in which it was drawn. */
  readonly generation: number
  /** Points that an update wants. */
  readonly population: number
  draw(random: Random): Float64Array
  /** Learns from as many points as `population` says, best first. */
  update(points: readonly ArrayLike<number>[]): void
}

/** How wide the first generation is, of the cube's edge. */
const SIGMA = 0.25
/** Draws until one lies within the cube; then it is moved to the nearest face. */
const DRAWS_MAX = 100
/** Where a generation is not wider than this anywhere, nothing more is found here. */
const REST = 1e-9
/** Nor where the covariance has become so lopsided that rounding decides. */
const CONDITION_MAX = 1e14

interface Distribution {
  mean: Float64Array
  sigma: number
  covariance: Float64Array
  /** The ellipsoid: its axes one after the other, and how long each is. */
  axes: Float64Array
  lengths: Float64Array
  pathOfCovariance: Float64Array
  pathOfSigma: Float64Array
  updates: number
}

/** @param random where evolution begins again; the same for everybody who replays the same updates. */
export function cmaEs(dimensions: number, firstPopulation: number, random: Random): CmaEs {
  let population = firstPopulation
  let state = begun(new Float64Array(dimensions).fill(0.5))
  let generation = 0
  return {
    get generation(): number {
      return generation
    },
    get population(): number {
      return population
    },
    draw: chance => draw(state, chance),
    update(points): void {
      generation++
      learn(state, points.slice(0, population))
      if (!isAtRest(state)) return
      population *= 2
      state = begun(Float64Array.from({ length: dimensions }, () => random()))
    },
  }
}

function begun(mean: Float64Array): Distribution {
  const n = mean.length
  const identity = new Float64Array(n * n)
  for (let i = 0; i < n; i++) identity[i * n + i] = 1
  return {
    mean,
    sigma: SIGMA,
    covariance: identity,
    axes: identity.slice(),
    lengths: new Float64Array(n).fill(1),
    pathOfCovariance: new Float64Array(n),
    pathOfSigma: new Float64Array(n),
    updates: 0,
  }
}

function draw(state: Distribution, random: Random): Float64Array {
  let point = drawOnce(state, random)
  for (let n = 1; n < DRAWS_MAX && !point.every(x => x >= 0 && x <= 1); n++) point = drawOnce(state, random)
  return point.map(x => Math.min(1, Math.max(0, x)))
}

function drawOnce({ mean, sigma, axes, lengths }: Distribution, random: Random): Float64Array {
  const n = mean.length
  // A chance of exactly 0 would be a point infinitely far away.
  const z = lengths.map(length => length * normalQuantile(random() || 0.5))
  return mean.map((middle, i) => {
    let sum = 0
    for (let k = 0; k < n; k++) sum += axes[k * n + i]! * z[k]!
    return middle + sigma * sum
  })
}

/** The constants of the tutorial's table 1, for `n` dimensions and the better half of `count` points. */
function constants(n: number, count: number) {
  const half = Math.floor(count / 2)
  const raw = Array.from({ length: half }, (_, i) => Math.log((count + 1) / 2) - Math.log(i + 1))
  const total = raw.reduce((sum, weight) => sum + weight, 0)
  const weights = raw.map(weight => weight / total)
  const mass = 1 / weights.reduce((sum, weight) => sum + weight * weight, 0)
  const ofSigma = (mass + 2) / (n + mass + 5)
  const damping = 1 + 2 * Math.max(0, Math.sqrt((mass - 1) / (n + 1)) - 1) + ofSigma
  const ofPath = (4 + mass / n) / (n + 4 + (2 * mass) / n)
  const ofOne = 2 / ((n + 1.3) ** 2 + mass)
  const ofMany = Math.min(1 - ofOne, (2 * (0.25 + mass + 1 / mass - 2)) / ((n + 2) ** 2 + mass))
  const expectedLength = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
  return { weights, mass, ofSigma, damping, ofPath, ofOne, ofMany, expectedLength }
}

function learn(state: Distribution, points: readonly ArrayLike<number>[]): void {
  const { mean, sigma, covariance, pathOfCovariance, pathOfSigma } = state
  const n = mean.length
  const c = constants(n, points.length)
  const steps = c.weights.map((_, k) => mean.map((middle, i) => (points[k]![i]! - middle) / sigma))
  const step = new Float64Array(n)
  for (const [k, weight] of c.weights.entries()) for (let i = 0; i < n; i++) step[i]! += weight * steps[k]![i]!

  const white = whitened(state, step)
  const pull = Math.sqrt(c.ofSigma * (2 - c.ofSigma) * c.mass)
  for (let i = 0; i < n; i++) pathOfSigma[i] = (1 - c.ofSigma) * pathOfSigma[i]! + pull * white[i]!
  const length = Math.hypot(...pathOfSigma)
  state.updates++
  const still = Math.sqrt(1 - (1 - c.ofSigma) ** (2 * state.updates))
  const isMoving = length / still < (1.4 + 2 / (n + 1)) * c.expectedLength
  const push = isMoving ? Math.sqrt(c.ofPath * (2 - c.ofPath) * c.mass) : 0
  for (let i = 0; i < n; i++) pathOfCovariance[i] = (1 - c.ofPath) * pathOfCovariance[i]! + push * step[i]!

  const lost = isMoving ? 0 : c.ofPath * (2 - c.ofPath)
  const kept = 1 - c.ofOne - c.ofMany + c.ofOne * lost
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let many = 0
      for (const [k, weight] of c.weights.entries()) many += weight * steps[k]![i]! * steps[k]![j]!
      const one = pathOfCovariance[i]! * pathOfCovariance[j]!
      const entry = kept * covariance[i * n + j]! + c.ofOne * one + c.ofMany * many
      covariance[i * n + j] = entry
      covariance[j * n + i] = entry
    }
  }
  for (let i = 0; i < n; i++) mean[i]! += sigma * step[i]!
  state.sigma *= Math.exp(Math.min(1, (c.ofSigma / c.damping) * (length / c.expectedLength - 1)))
  const { values, vectors } = symmetricEigen(covariance, n)
  state.axes = vectors
  state.lengths = values.map(value => Math.sqrt(Math.max(value, 1e-30)))
}

/** C^(−1/2) times a step. */
function whitened({ axes, lengths }: Distribution, step: Float64Array): Float64Array {
  const n = step.length
  const along = lengths.map((length, k) => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += axes[k * n + i]! * step[i]!
    return sum / length
  })
  return step.map((_, i) => {
    let sum = 0
    for (let k = 0; k < n; k++) sum += axes[k * n + i]! * along[k]!
    return sum
  })
}

function isAtRest({ sigma, lengths }: Distribution): boolean {
  const longest = Math.max(...lengths)
  const condition = (longest / Math.min(...lengths)) ** 2
  return !(sigma * longest > REST && condition < CONDITION_MAX)
}

/** Distances of two samples, value by value. Where there are only counts, see `share-distances.ts`. */

/**
 * First Wasserstein distance, ∫ |F − G|: how far a value must move on average, in the values' own unit (Vallender 1974,
 * doi:10.1137/1118101).
 *
 * @param weights of the values of `a` and `b`, 0 or more; all alike unless they are given.
 * @returns 0 or more; NaN where a sample is empty or weighs nothing.
 */
export function wasserstein(a: ArrayLike<number>, b: ArrayLike<number>, weights: SampleWeights = {}): number {
  return integral(a, b, weights, difference => Math.abs(difference))
}

/**
 * Energy distance, √(2 ∫ (F − G)²) = √(2 E|X − Y| − E|X − X′| − E|Y − Y′|) (Székely and Rizzo 2013,
 * doi:10.1016/j.jspi.2013.03.018).
 *
 * @returns 0 or more, in the square root of the unit; NaN where a sample is empty or weighs nothing.
 */
export function energyDistance(a: ArrayLike<number>, b: ArrayLike<number>, weights: SampleWeights = {}): number {
  return Math.sqrt(2 * integral(a, b, weights, difference => difference * difference))
}

export interface SampleWeights {
  readonly a?: ArrayLike<number>
  readonly b?: ArrayLike<number>
}

/** ∫ of a function of F − G over all values. */
function integral(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  weights: SampleWeights,
  of: (difference: number) => number,
): number {
  const [x, y] = [weighted(a, weights.a), weighted(b, weights.b)]
  if (!(x.all > 0 && y.all > 0)) return Number.NaN
  let sum = 0
  let [i, j, below, belowOther] = [0, 0, 0, 0]
  let from = Math.min(x.values[0]!, y.values[0]!)
  while (i < x.values.length || j < y.values.length) {
    const to = Math.min(x.values[i] ?? Infinity, y.values[j] ?? Infinity)
    if (to > from) sum += of(below / x.all - belowOther / y.all) * (to - from)
    while (i < x.values.length && x.values[i] === to) below += x.weightOf(i++)
    while (j < y.values.length && y.values[j] === to) belowOther += y.weightOf(j++)
    from = to
  }
  return sum
}

interface Weighted {
  /** Ascending. */
  readonly values: Float64Array
  readonly all: number
  readonly weightOf: (index: number) => number
}

function weighted(values: ArrayLike<number>, weights: ArrayLike<number> | undefined): Weighted {
  if (weights === undefined) {
    const sorted = Float64Array.from(values).sort()
    requireNumber(sorted.at(-1))
    return { values: sorted, all: sorted.length, weightOf: () => 1 }
  }
  if (weights.length !== values.length) {
    throw new RangeError(`Cannot compare samples: ${values.length} values, but ${weights.length} weights`)
  }
  const order = Uint32Array.from(values, (_, index) => index).sort((i, j) => values[i]! - values[j]!)
  let all = 0
  for (let index = 0; index < weights.length; index++) {
    requireNumber(values[index])
    if (!(weights[index]! >= 0 && weights[index]! < Infinity)) {
      throw new RangeError(`Cannot compare samples: a weight is ${weights[index]}, wanted 0 or more`)
    }
    all += weights[index]!
  }
  return { values: Float64Array.from(order, at => values[at]!), all, weightOf: index => weights[order[index]!]! }
}

function requireNumber(value: number | undefined): void {
  if (Number.isNaN(value)) throw new RangeError('Cannot compare samples: a value is NaN, wanted numbers')
}

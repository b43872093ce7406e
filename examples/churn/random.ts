/** Seeded randomness: the same seed gives the same bank, on any machine. */

export interface Random {
  /** Uniform on [0, 1). */
  uniform(): number
  /** Normal. */
  normal(mean: number, deviation: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** A key of `weights`, as often as its weight says. Weights add up to 1. */
  pick<K extends string>(weights: Readonly<Record<K, number>>): K
}

/** SFC32 of Chris Doty-Humphrey (PractRand), 32-bit words seeded from the text by FNV-1a. */
export function seededRandom(seed: string): Random {
  let hash = 0x811c9dc5
  for (const character of seed) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193)
  let a = hash | 0
  let b = Math.imul(hash, 0x9e3779b1) | 0
  let c = hash ^ 0x5bd1e995
  let counter = 1
  const uniform = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return (sum >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 15; i++) uniform() // the seed reaches every bit of the state
  return {
    uniform,
    normal(mean, deviation): number {
      // Box & Muller (1958); 1 − u keeps zero out of the logarithm.
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
      return mean + deviation * radius * Math.cos(2 * Math.PI * uniform())
    },
    chance: probability => uniform() < probability,
    pick<K extends string>(weights: Readonly<Record<K, number>>): K {
      const keys = Object.keys(weights) as K[]
      let left = uniform()
      for (const key of keys) {
        left -= weights[key]
        if (left < 0) return key
      }
      return keys.at(-1)!
    },
  }
}

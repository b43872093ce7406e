/**
 * The numbers of NumPy's `RandomState(seed)`, for results that are to be those of a Python library: MT19937 (Matsumoto and
 * Nishimura 1998, doi:10.1145/272991.272995). For everything else there is `seededRandom`.
 */

const WORDS = 624
const AHEAD = 397

/** Shuffles in place, as `RandomState(seed).shuffle` does; each call goes on with the same numbers. */
export type Shuffle = (values: { length: number; [at: number]: number }) => void

/**
 * @param seed whole number 0 … 2³² − 1.
 * @throws RangeError where the seed is another.
 */
export function numpyShuffle(seed: number): Shuffle {
  const word = mersenneTwister(seed)
  return values => {
    for (let last = values.length - 1; last > 0; last--) {
      const other = upTo(last, word)
      const kept = values[last]!
      values[last] = values[other]!
      values[other] = kept
    }
  }
}

/** Words of 32 bits, unsigned. */
export function mersenneTwister(seed: number): () => number {
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new RangeError(`Cannot seed the Mersenne twister: the seed is ${seed}, wanted a whole number 0 … 2³² − 1`)
  }
  const state = new Uint32Array(WORDS)
  state[0] = seed
  for (let at = 1; at < WORDS; at++) {
    const before = state[at - 1]!
    state[at] = Math.imul(1812433253, before ^ (before >>> 30)) + at
  }
  let next = WORDS
  return () => {
    if (next === WORDS) {
      renew(state)
      next = 0
    }
    let word = state[next++]!
    word ^= word >>> 11
    word ^= (word << 7) & 0x9d2c5680
    word ^= (word << 15) & 0xefc60000
    return (word ^ (word >>> 18)) >>> 0
  }
}

function renew(state: Uint32Array): void {
  for (let at = 0; at < WORDS; at++) {
    const mixed = (state[at]! & 0x80000000) | (state[(at + 1) % WORDS]! & 0x7fffffff)
    state[at] = state[(at + AHEAD) % WORDS]! ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0)
  }
}

/** Uniform in 0 … most: words under the smallest mask that holds it, until one fits (NumPy's legacy `random_interval`). */
function upTo(most: number, word: () => number): number {
  const mask = 2 ** (32 - Math.clz32(most)) - 1
  for (;;) {
    const value = (word() & mask) >>> 0
    if (value <= most) return value
  }
}

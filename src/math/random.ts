/** A source of numbers that are uniform in 0 ≤ u < 1. */
export type Random = () => number

/**
 * The same numbers for the same seed, everywhere: SFC32 of Chris Doty-Humphrey (PractRand), two of its 32-bit words for the 53
 * bits of a number. Not for secrets.
 *
 * @param seed any number; what is behind its lowest 32 bits does not count.
 */
export function seededRandom(seed: number): Random {
  let [a, b, c, counter] = [0, seed | 0, 0x9e3779b9 | 0, 1]
  const word = (): number => {
    const sum = (a + b + counter++) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  // Neighbouring seeds begin with words that are alike.
  for (let round = 0; round < 15; round++) word()
  return () => (word() * 2 ** 21 + (word() >>> 11)) / 2 ** 53
}

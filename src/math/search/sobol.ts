/**
 * Points that fill a cube evenly: Sobol' sequence with the direction numbers of Joe and Kuo (2008, "Constructing Sobol
 * sequences with better two-dimensional projections", doi:10.1137/070709359, their file new-joe-kuo-6.21201), scrambled after
 * Owen by hashing (Burley 2020, "Practical hash-based Owen scrambling", JCGT 9(4)), so that another seed is another even
 * filling and no point lies on the cube's faces.
 */

const BITS = 32

/** As many dimensions as there are direction numbers here. */
export const SOBOL_DIMENSIONS_MAX = 64

/**
 * @param index of the point, 0 … 2³² − 1. A power of two of points from 0 on is the best filling.
 * @param dimensions how many coordinates, at most `SOBOL_DIMENSIONS_MAX`.
 * @param seed its lowest 32 bits choose the scrambling.
 * @returns coordinates in 0 ≤ x < 1.
 * @throws RangeError beyond `SOBOL_DIMENSIONS_MAX`.
 */
export function sobolPoint(index: number, dimensions: number, seed: number): Float64Array {
  if (dimensions > SOBOL_DIMENSIONS_MAX) {
    throw new RangeError(`Cannot make a Sobol' point: ${dimensions} dimensions, at most ${SOBOL_DIMENSIONS_MAX}`)
  }
  const point = new Float64Array(dimensions)
  for (let dimension = 0; dimension < dimensions; dimension++) {
    const directions = directionsOf(dimension)
    let bits = 0
    for (let rest = index >>> 0, place = 0; rest !== 0; rest >>>= 1, place++) {
      if ((rest & 1) === 1) bits ^= directions[place]!
    }
    // The half keeps a point off the lower faces, as scrambling to all bits would.
    point[dimension] = (scrambled(bits, hashed(seed, dimension)) + 0.5) / 2 ** BITS
  }
  return point
}

/** Owen's nested scrambling: which way a bit is turned depends on the bits above it alone. */
function scrambled(bits: number, seed: number): number {
  let x = reversed(bits)
  x ^= Math.imul(x, 0x3d20adea)
  x = (x + seed) | 0
  x = Math.imul(x, (seed >>> 16) | 1)
  x ^= Math.imul(x, 0x05526c56)
  x ^= Math.imul(x, 0x53a22864)
  return reversed(x) >>> 0
}

function reversed(bits: number): number {
  let x = bits
  x = ((x >>> 1) & 0x55555555) | ((x & 0x55555555) << 1)
  x = ((x >>> 2) & 0x33333333) | ((x & 0x33333333) << 2)
  x = ((x >>> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4)
  x = ((x >>> 8) & 0x00ff00ff) | ((x & 0x00ff00ff) << 8)
  return (x >>> 16) | (x << 16)
}

/** 32 bits that look like chance, of a seed and a number beside it. */
export function hashed(seed: number, number: number): number {
  let x = (Math.imul(seed | 0, 0x9e3779b1) + Math.imul(number | 0, 0x85ebca77) + 0x165667b1) | 0
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return (x ^ (x >>> 16)) >>> 0
}

const known: Int32Array[] = []

function directionsOf(dimension: number): Int32Array {
  known[dimension] ??= dimension === 0 ? firstDirections() : madeDirections(ROWS[dimension - 1]!)
  return known[dimension]
}

function firstDirections(): Int32Array {
  return Int32Array.from({ length: BITS }, (_, place) => 1 << (BITS - 1 - place))
}

/** The recurrence of Sobol' with the coefficients of a primitive polynomial, given with its highest and lowest bit. */
function madeDirections([polynomial, ...initial]: readonly [number, ...number[]]): Int32Array {
  const degree = initial.length
  const directions = new Int32Array(BITS)
  for (let place = 0; place < BITS; place++) {
    if (place < degree) {
      directions[place] = initial[place]! << (BITS - 1 - place)
      continue
    }
    let next = directions[place - degree]! ^ (directions[place - degree]! >>> degree)
    for (let back = 1; back < degree; back++) {
      if (((polynomial >>> (degree - back)) & 1) === 1) next ^= directions[place - back]!
    }
    directions[place] = next
  }
  return directions
}

/** Of each dimension from the second on: the polynomial, and the first direction numbers. */
const TABLE = `
3 1
7 1 3
11 1 3 1
13 1 1 1
19 1 1 3 3
25 1 3 5 13
37 1 1 5 5 17
41 1 1 5 5 5
47 1 1 7 11 19
55 1 1 5 1 1
59 1 1 1 3 11
61 1 3 5 5 31
67 1 3 3 9 7 49
91 1 1 1 15 21 21
97 1 3 1 13 27 49
103 1 1 1 15 7 5
109 1 3 1 15 13 25
115 1 1 5 5 19 61
131 1 3 7 11 23 15 103
137 1 3 7 13 13 15 69
143 1 1 3 13 7 35 63
145 1 3 5 9 1 25 53
157 1 3 1 13 9 35 107
167 1 3 1 5 27 61 31
171 1 1 5 11 19 41 61
185 1 3 5 3 3 13 69
191 1 1 7 13 1 19 1
193 1 3 7 5 13 19 59
203 1 1 3 9 25 29 41
211 1 3 5 13 23 1 55
213 1 3 7 3 13 59 17
229 1 3 1 3 5 53 69
239 1 1 5 5 23 33 13
241 1 1 7 7 1 61 123
247 1 1 7 9 13 61 49
253 1 3 3 5 3 55 33
285 1 3 1 15 31 13 49 245
299 1 3 5 15 31 59 63 97
301 1 3 1 11 11 11 77 249
333 1 3 1 11 27 43 71 9
351 1 1 7 15 21 11 81 45
355 1 3 7 3 25 31 65 79
357 1 3 1 1 19 11 3 205
361 1 1 5 9 19 21 29 157
369 1 3 7 11 1 33 89 185
391 1 3 3 3 15 9 79 71
397 1 3 7 11 15 39 119 27
425 1 1 3 1 11 31 97 225
451 1 1 1 3 23 43 57 177
463 1 3 7 7 17 17 37 71
487 1 3 1 5 27 63 123 213
501 1 1 3 5 11 43 53 133
529 1 3 5 5 29 17 47 173 479
539 1 3 3 11 3 1 109 9 69
545 1 1 1 5 17 39 23 5 343
557 1 3 1 5 25 15 31 103 499
563 1 1 1 11 11 17 63 105 183
601 1 1 5 11 9 29 97 231 363
607 1 1 5 15 19 45 41 7 383
617 1 3 7 7 31 19 83 137 221
623 1 1 1 3 23 15 111 223 83
631 1 1 5 13 31 15 55 25 161
637 1 1 3 13 25 47 39 87 257`

const ROWS = TABLE.trim()
  .split('\n')
  .map(line => line.split(' ').map(Number) as [number, ...number[]])

/**
 * Counters as bytes: a window of many bins, most of them small or empty, in a byte or two for each that is not. A number
 * stands in groups of seven bits, lowest first, a set high bit says that another follows (LEB128); a zero is followed by
 * how many more zeros come.
 */

export function counterBytes(counters: Float64Array): Uint8Array {
  const bytes: number[] = []
  for (let index = 0; index < counters.length; index++) {
    const count = counters[index]!
    pushNumber(bytes, count)
    if (count !== 0) continue
    const first = index
    while (counters[index + 1] === 0) index++
    pushNumber(bytes, index - first)
  }
  return Uint8Array.from(bytes)
}

/** Undefined where the bytes do not say exactly `length` counters. */
export function countersOf(bytes: Uint8Array, length: number): Float64Array | undefined {
  const { counters, isEnd, next } = read(bytes, length)
  return isEnd && next === length ? counters : undefined
}

/** The first `length` counters; undefined where the bytes say fewer. */
export function firstCountersOf(bytes: Uint8Array, length: number): Float64Array | undefined {
  const { counters, next } = read(bytes, length)
  return next >= length ? counters : undefined
}

/** What the bytes say, up to `length`: whether that is all of them, and the index of the counter that would come next. */
function read(
  bytes: Uint8Array,
  length: number,
): { readonly counters: Float64Array; readonly isEnd: boolean; readonly next: number } {
  const counters = new Float64Array(length)
  let at = 0
  let index = 0
  const number = (): number => {
    let value = 0
    for (let scale = 1; at < bytes.length; scale *= 128) {
      const byte = bytes[at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    return Number.NaN
  }
  while (at < bytes.length && index < length) {
    const count = number()
    counters[index++] = count
    if (count === 0) index += number()
  }
  return { counters, isEnd: at === bytes.length, next: index }
}

function pushNumber(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}

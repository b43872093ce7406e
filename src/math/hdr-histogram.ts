/**
 * Counts of whole numbers over a wide range in little memory, with a bounded relative error: bins that grow by powers of two,
 * each divided into equally many (HdrHistogram, Gil Tene, 2012). A value costs two shifts and an addition.
 */

/** Largest value that has a bin of its own width: 2³² − 1. As microseconds, 71 minutes. */
const HIGHEST = 2 ** 32 - 1
const DIGITS_MAX = 5

export interface HdrBin {
  /** Smallest value of the bin. */
  readonly low: number
  /** Largest value of the bin. */
  readonly high: number
  readonly count: number
}

/** A histogram as plain data, which can go to another thread. */
export interface HdrData {
  readonly digits: number
  readonly counts: Uint32Array
  readonly sum: number
  /** Infinite without values. */
  readonly minimum: number
  readonly maximum: number
}

export class HdrHistogram {
  readonly #digits: number
  /** A power of two: values below it are counted exactly; above it, half as many bins for each doubling. */
  readonly #exact: number
  readonly #bits: number
  readonly #counts: Uint32Array
  #total = 0
  #sum = 0
  #minimum = Number.POSITIVE_INFINITY
  #maximum = Number.NEGATIVE_INFINITY

  /** @param digits significant decimal digits that are kept, 1 to 5: a value is off by a share of 10^−digits at most. */
  constructor(digits: number) {
    if (!(Number.isInteger(digits) && digits >= 1 && digits <= DIGITS_MAX)) {
      throw new RangeError(`Cannot keep ${digits} significant digits: wanted a whole number from 1 to ${DIGITS_MAX}`)
    }
    this.#digits = digits
    this.#bits = Math.ceil(Math.log2(2 * 10 ** digits))
    this.#exact = 2 ** this.#bits
    this.#counts = new Uint32Array((33 - this.#bits) * (this.#exact / 2) + this.#exact / 2)
  }

  /** How many values were counted. */
  get total(): number {
    return this.#total
  }

  /** Exact. NaN without values. */
  get minimum(): number {
    return this.#total === 0 ? Number.NaN : this.#minimum
  }

  /** Exact. NaN without values. */
  get maximum(): number {
    return this.#total === 0 ? Number.NaN : this.#maximum
  }

  /** Exact. NaN without values. */
  get mean(): number {
    return this.#sum / this.#total
  }

  /** Counts a value ≥ 0; a fraction is cut off, and what is above 2³² − 1 is in the last bin. NaN is a programmer's error. */
  add(value: number): void {
    if (!(value >= 0)) throw new RangeError(`Cannot count ${value}: wanted a number that is not negative`)
    this.#counts[this.#indexOf(value > HIGHEST ? HIGHEST : Math.floor(value))]!++
    this.#total++
    this.#sum += value
    if (value < this.#minimum) this.#minimum = value
    if (value > this.#maximum) this.#maximum = value
  }

  /**
   * The value that this share of all does not exceed: the upper end of its bin, so that it is never too low, and never more
   * than the maximum. @param share 0 to 1. @returns NaN without values.
   */
  quantile(share: number): number {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`Cannot tell the quantile ${share}: wanted 0 to 1`)
    if (this.#total === 0) return Number.NaN
    // 0.99 × 100 is a little more than 99 in binary: without the rounding, the 99th of 100 would be the 100th.
    let left = Math.max(1, Math.ceil(Number((share * this.#total).toPrecision(15))))
    for (let index = 0; index < this.#counts.length; index++) {
      left -= this.#counts[index]!
      if (left <= 0) return Math.min(this.#maximum, this.#highOf(index))
    }
    return this.#maximum
  }

  /** A copy. */
  get data(): HdrData {
    const [digits, counts, sum] = [this.#digits, this.#counts.slice(), this.#sum]
    return { digits, counts, sum, minimum: this.#minimum, maximum: this.#maximum }
  }

  /** Counts what another counted, as if its values had been added here. Throws `RangeError` where that keeps other digits. */
  merge({ digits, counts, sum, minimum, maximum }: HdrData): void {
    if (digits !== this.#digits) {
      throw new RangeError(`Cannot merge a histogram of ${digits} digits: wanted ${this.#digits}`)
    }
    for (const [index, count] of counts.entries()) {
      this.#counts[index]! += count
      this.#total += count
    }
    this.#sum += sum
    this.#minimum = Math.min(this.#minimum, minimum)
    this.#maximum = Math.max(this.#maximum, maximum)
  }

  /** The bins that hold something, ascending. */
  *bins(): Generator<HdrBin> {
    for (let index = 0; index < this.#counts.length; index++) {
      const count = this.#counts[index]!
      if (count > 0) yield { low: this.#lowOf(index), high: this.#highOf(index), count }
    }
  }

  #indexOf(value: number): number {
    if (value < this.#exact) return value
    const shift = 32 - Math.clz32(value) - this.#bits
    return shift * (this.#exact / 2) + (value >>> shift)
  }

  #lowOf(index: number): number {
    if (index < this.#exact) return index
    const shift = this.#shiftOf(index)
    return (index - shift * (this.#exact / 2)) * 2 ** shift
  }

  #highOf(index: number): number {
    return index < this.#exact ? index : this.#lowOf(index) + 2 ** this.#shiftOf(index) - 1
  }

  #shiftOf(index: number): number {
    return Math.floor(index / (this.#exact / 2)) - 1
  }
}

/**
 * From sums (margins) to answers, as the libraries that models come from compute them: in float32 or float64, in their order
 * of operations.
 */

/**
 * Of each margin m alone: itself; 1/(1 + e^−sm), s being the steepness; e^m; 1 where m > 0, else 0; log(1 + e^m); m² with
 * the sign of m. Of all margins of a row: their softmax; the number of the largest, the first of equals.
 */
export type Link = 'identity' | 'sigmoid' | 'exp' | 'step' | 'log1pexp' | 'signed-square' | 'softmax' | 'argmax'

export interface Linked {
  readonly link: Link
  /** Of the sigmoid; 1 where absent (LightGBM's parameter `sigmoid`). */
  readonly steepness?: number
  /** Margins are divided by it before anything else: LightGBM's random forests answer the average of their trees. */
  readonly divisor?: number
}

export interface Answering {
  /** Numbers a row answers. */
  readonly outputCount: number
  /** Writes the answers of `count` rows whose margins the first function writes. */
  predict(
    margin: (rows: Float64Array, count: number, out: Float64Array) => void,
    rows: Float64Array,
    count: number,
    out: Float64Array,
  ): void
}

type Precision = 'float32' | 'float64'
/** Turns the margins of `count` rows into answers, in place. */
type Convert = (out: Float64Array, count: number) => void

const f32 = Math.fround
const BLOCK = 256

/** @param width columns of a row, @param margins sums of a row. */
export function answering(linked: Linked, precision: Precision, width: number, margins: number): Answering {
  const { link } = linked
  if (link === 'argmax') return likeliest(width, margins)
  const convert = conversion({ ...linked, link }, precision, margins)
  return {
    outputCount: margins,
    predict(margin, rows, count, out) {
      margin(rows, count, out)
      convert?.(out, count)
    },
  }
}

function conversion(
  { link, steepness = 1, divisor }: Linked & { link: Exclude<Link, 'argmax'> },
  precision: Precision,
  margins: number,
): Convert | undefined {
  const then = link === 'softmax' ? softmax(precision, margins) : one(LINKS[precision](steepness)[link], margins)
  if (divisor === undefined) return then
  return (out, count) => {
    for (let index = 0; index < count * margins; index++) out[index] = out[index]! / divisor
    then?.(out, count)
  }
}

type OfOne = Exclude<Link, 'softmax' | 'argmax'>
type Number1 = ((margin: number) => number) | undefined

function one(link: Number1, margins: number): Convert | undefined {
  if (link === undefined) return undefined
  return (out, count) => {
    for (let index = 0; index < count * margins; index++) out[index] = link(out[index]!)
  }
}

/** XGBoost's `Sigmoid`: the exponent is capped so that e^x stays finite in float32. */
function sigmoid32(margin: number): number {
  return f32(1 / f32(f32(Math.exp(Math.min(-margin, f32(88.7)))) + 1))
}

const shared = {
  identity: undefined,
  step: (margin: number) => (margin > 0 ? 1 : 0),
} as const

const LINKS: Readonly<Record<Precision, (steepness: number) => Record<OfOne, Number1>>> = {
  float32: () => ({
    ...shared,
    sigmoid: sigmoid32,
    exp: margin => f32(Math.exp(margin)),
    log1pexp: margin => f32(Math.log1p(f32(Math.exp(margin)))),
    'signed-square': margin => f32(Math.sign(margin) * f32(margin * margin)),
  }),
  float64: steepness => ({
    ...shared,
    sigmoid: margin => 1 / (1 + Math.exp(-steepness * margin)),
    exp: Math.exp,
    log1pexp: margin => Math.log1p(Math.exp(margin)),
    'signed-square': margin => Math.sign(margin) * margin * margin,
  }),
}

/** The largest is subtracted first. XGBoost sums float32 terms in float64, and rounds the sum. */
function softmax(precision: Precision, margins: number): Convert {
  const round = precision === 'float32' ? f32 : (value: number): number => value
  return (out, count) => {
    for (let from = 0; from < count * margins; from += margins) {
      let largest = out[from]!
      for (let at = from + 1; at < from + margins; at++) if (out[at]! > largest) largest = out[at]!
      let sum = 0
      for (let at = from; at < from + margins; at++) {
        out[at] = round(Math.exp(round(out[at]! - largest)))
        sum += out[at]!
      }
      sum = round(sum)
      for (let at = from; at < from + margins; at++) out[at] = round(out[at]! / sum)
    }
  }
}

/** In blocks, since a row has more margins than answers. */
function likeliest(width: number, margins: number): Answering {
  const sums = new Float64Array(BLOCK * margins)
  return {
    outputCount: 1,
    predict(margin, rows, count, out) {
      for (let start = 0; start < count; start += BLOCK) {
        const size = Math.min(BLOCK, count - start)
        margin(rows.subarray(start * width, (start + size) * width), size, sums)
        for (let row = 0; row < size; row++) out[start + row] = largestOf(sums, row * margins, margins)
      }
    },
  }
}

function largestOf(sums: Float64Array, from: number, length: number): number {
  let best = 0
  for (let index = 1; index < length; index++) if (sums[from + index]! > sums[from + best]!) best = index
  return best
}

/**
 * What contributions to a margin mean in the units of the answer. A probability is no sum: its parts are an approximation,
 * and are told as one.
 */

/** Units of a margin: the answer's own, log-odds, the logarithm of the answer, one log-odds for each class; or none known. */
export type MarginScale = 'output' | 'log-odds' | 'log' | 'class-log-odds' | 'margin'

/** A margin as near to the answer as this is what the answer was made of; answers of float32 models are rounded. */
const TOLERANCE = 1e-5

/** Which link function turns these margins into these answers. */
export function scaleOf(margins: ArrayLike<number>, answers: ArrayLike<number>): MarginScale {
  if (margins.length !== answers.length) return 'margin'
  const found = (Object.keys(LINKS) as (keyof typeof LINKS)[]).find(scale => areNear(LINKS[scale](margins), answers))
  return found ?? 'margin'
}

const LINKS = {
  output: (margins: ArrayLike<number>) => Array.from(margins),
  'log-odds': (margins: ArrayLike<number>) => Array.from(margins, margin => 1 / (1 + Math.exp(-margin))),
  log: (margins: ArrayLike<number>) => Array.from(margins, Math.exp),
  'class-log-odds': softmax,
} as const satisfies Record<string, (margins: ArrayLike<number>) => number[]>

function softmax(margins: ArrayLike<number>): number[] {
  const all = Array.from(margins)
  const largest = Math.max(...all)
  const powers = all.map(margin => Math.exp(margin - largest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map(power => power / sum)
}

function areNear(a: readonly number[], b: ArrayLike<number>): boolean {
  return a.every((value, at) => Math.abs(value - b[at]!) <= TOLERANCE * Math.max(1, Math.abs(b[at]!)))
}

/**
 * The parts of each answer: they sum to what the answer is more than the answer to the bias, and are in proportion to the
 * contributions (of several classes: to the first-order effect of all margins on the class's probability).
 *
 * @param contributions `margin × features + feature`.
 * @returns the same shape; undefined where the link function is not known.
 */
export function effectsOf(
  scale: MarginScale,
  bias: ArrayLike<number>,
  contributions: Float64Array,
): Float64Array | undefined {
  if (scale === 'margin') return undefined
  if (scale === 'output') return contributions
  const link = LINKS[scale]
  const count = bias.length
  const width = contributions.length / count
  const margins = Array.from(bias, (start, margin) => start + total(contributions, margin * width, width))
  const [from, to] = [link(bias), link(margins)]
  const effects = new Float64Array(contributions.length)
  for (let margin = 0; margin < count; margin++) {
    const first = firstOrder(scale, contributions, width, count, margin, to)
    const wanted = to[margin]! - from[margin]!
    const sum = total(first, 0, width)
    // Where the parts cancel there is nothing to be in proportion to: each is told as it stands.
    const factor = Math.abs(sum) > 1e-9 ? wanted / sum : 1
    for (let feature = 0; feature < width; feature++) effects[margin * width + feature] = first[feature]! * factor
  }
  return effects
}

/** What each feature would do to the answer if the answer went on as it goes at the margin. */
function firstOrder(
  scale: MarginScale,
  contributions: Float64Array,
  width: number,
  count: number,
  margin: number,
  answers: readonly number[],
): Float64Array {
  const own = contributions.subarray(margin * width, (margin + 1) * width)
  const answer = answers[margin]!
  if (scale === 'log') return own.map(value => answer * value)
  if (scale === 'log-odds') return own.map(value => answer * (1 - answer) * value)
  return own.map((value, feature) => {
    let mean = 0
    for (let other = 0; other < count; other++) mean += answers[other]! * contributions[other * width + feature]!
    return answer * (value - mean)
  })
}

function total(values: ArrayLike<number>, from: number, count: number): number {
  let sum = 0
  for (let at = 0; at < count; at++) sum += values[from + at]!
  return sum
}

/** Which features matter to a model over many rows. */
import type { Random } from '../../math/random.ts'
import type { Background, Explainer } from '../explainer.ts'
import { requireBackground } from '../shap/rows.ts'
import { type Answering, answerEach, type SampledEffort } from './answering.ts'

/**
 * Mean of the absolute contributions over rows: `output × features + feature`, in the units of the margin. Says how much a
 * feature moves answers, not whether it makes them better.
 */
export function meanAbsoluteContributions(explainer: Explainer, { rows, count }: Background): Float64Array {
  const { outputCount, featureCount: width } = explainer
  requireBackground({ rows, count }, width)
  const means = new Float64Array(outputCount * width)
  const one = new Float64Array(outputCount * width)
  for (let row = 0; row < count; row++) {
    explainer.explain(rows.subarray(row * width, (row + 1) * width), 1, one)
    for (let at = 0; at < one.length; at++) means[at]! += Math.abs(one[at]!) / count
  }
  return means
}

export interface PermutationOptions extends SampledEffort {
  /** Times that each feature is shuffled; 5 unless it is said. */
  readonly repeats?: number
  /** Features to shuffle together, such as those that go together; each alone unless it is said. */
  readonly groups?: readonly (readonly number[])[]
}

export interface PermutationImportance {
  /** What the model scores on the rows as they are. */
  readonly score: number
  /** How much less it scores where a group is shuffled: `group × repeats + repeat`. */
  readonly drops: Float64Array
  /** By group. */
  readonly means: Float64Array
  /** Of the drops of a group, each being one of `repeats`; 0 for one repeat. As scikit-learn, divided by `repeats`. */
  readonly standardDeviations: Float64Array
  readonly rowsAsked: number
}

/**
 * How much worse a model scores where the values of a feature are shuffled among the rows (Breiman 2001; Fisher, Rudin and
 * Dominici 2019). Features that go together stand in for each other, so that each alone may seem not to matter.
 *
 * @param score of the answers to all rows (`row × outputs + output`), larger being better: e.g. AUC, or the error times −1.
 * Rejects with a `RangeError` where there are no rows, or a group names no feature.
 */
export async function permutationImportance(
  model: Answering,
  data: Background,
  score: (answers: Float64Array) => number,
  options: PermutationOptions,
): Promise<PermutationImportance> {
  const [width, outputs, { rows, count }] = [model.features.length, model.outputCount, data]
  requireBackground(data, width)
  const { repeats = 5, random, groups = model.features.map((_, feature) => [feature]) } = options
  requireGroups(groups, width, repeats)
  const answers = new Float64Array(count * outputs)
  const scores = new Float64Array(groups.length * repeats + 1)
  let order = new Uint32Array(count)
  await answerEach(
    model,
    scores.length * count,
    (index, row) => {
      const [round, at] = [Math.floor(index / count), index % count]
      row.set(rows.subarray(at * width, (at + 1) * width))
      if (round === 0) return
      if (at === 0) order = shuffled(count, random)
      for (const feature of groups[Math.floor((round - 1) / repeats)]!)
        row[feature] = rows[order[at]! * width + feature]!
    },
    (index, answer) => {
      answers.set(answer, (index % count) * outputs)
      if (index % count === count - 1) scores[Math.floor(index / count)] = score(answers)
    },
    options,
  )
  const drops = scores.slice(1).map(dropped => scores[0]! - dropped)
  const each = groups.map((_, group) => drops.subarray(group * repeats, (group + 1) * repeats))
  const means = Float64Array.from(each, all => all.reduce((sum, drop) => sum + drop, 0) / repeats)
  const standardDeviations = Float64Array.from(each, (all, group) =>
    Math.sqrt(all.reduce((sum, drop) => sum + (drop - means[group]!) ** 2, 0) / repeats),
  )
  return { score: scores[0]!, drops, means, standardDeviations, rowsAsked: scores.length * count }
}

function requireGroups(groups: readonly (readonly number[])[], width: number, repeats: number): void {
  if (!(Number.isInteger(repeats) && repeats >= 1)) {
    throw new RangeError(`Cannot measure importance: ${repeats} repeats, wanted at least 1`)
  }
  for (const feature of groups.flat()) {
    if (Number.isInteger(feature) && feature >= 0 && feature < width) continue
    throw new RangeError(`Cannot measure importance: there is no feature ${feature}, wanted 0 … ${width - 1}`)
  }
}

/** Fisher and Yates. */
function shuffled(count: number, random: Random): Uint32Array<ArrayBuffer> {
  const order = Uint32Array.from({ length: count }, (_, row) => row)
  for (let at = count - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const row = order[at]!
    order[at] = order[other]!
    order[other] = row
  }
  return order
}

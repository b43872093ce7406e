/** What two features move only together. */
import { Problem } from '../errors.ts'
import type { Forest } from '../predictor/forest.ts'
import { hasCover } from '../predictor/shap/cover-shares.ts'
import { type InteractionExplainer, treeInteractions } from '../predictor/shap/tree-interactions.ts'
import { columnsOf, marginNames } from '../serving/explaining.ts'
import type { LoadedModel } from '../serving/lane.ts'
import type { Method } from './question.ts'

/** Every pair of features is told: more of either would be an answer of many megabytes. */
const FEATURES_MAX = 200
const ROWS_MAX = 100

/** Throws `invalid` or `too_large` where the interactions of so many rows cannot be told. */
export function requireInteractions({ artifact, version, signature }: LoadedModel, method: Method, rows: number): void {
  const name = `${version.model}@${version.version}`
  const isTree = artifact?.kind === 'forest' && hasCover(artifact)
  if (!isTree || (method !== 'auto' && method !== 'exact')) {
    const why = 'they need a forest that knows how many training rows reached each node, and the exact method'
    throw new Problem('invalid', `Cannot tell interactions of ${name}: ${why}`, {
      fields: [{ field: 'interactions', problem: why }],
    })
  }
  if (signature.width <= FEATURES_MAX && rows <= ROWS_MAX) return
  const found = `there are ${signature.width} features and ${rows} rows`
  throw new Problem(
    'too_large',
    `Cannot tell interactions of ${name}: ${found}, wanted at most ${FEATURES_MAX} and ${ROWS_MAX}`,
  )
}

const interacting = new WeakMap<Forest, InteractionExplainer>()

/** By pair of features, once each, and each with itself; those that are nothing are left out. */
export function interactionsOf(model: LoadedModel, row: Float64Array): object {
  const forest = model.artifact as Forest
  let explainer = interacting.get(forest)
  if (explainer === undefined) {
    explainer = treeInteractions(forest)
    interacting.set(forest, explainer)
  }
  const { outputCount, featureCount: width } = explainer
  const out = new Float64Array(outputCount * width * width)
  explainer.explain(row, 1, out)
  const { names } = columnsOf(model.signature)
  const margins = marginNames(outputCount, model.version, model.predictor)
  const of = (margin: number): object[] => {
    const pairs: { features: string[]; contribution: number }[] = []
    for (let a = 0; a < width; a++) {
      for (let b = a; b < width; b++) {
        // The two cells of a pair have half of it each.
        const contribution = out[(margin * width + a) * width + b]! * (a === b ? 1 : 2)
        if (contribution !== 0) pairs.push({ features: a === b ? [names[a]!] : [names[a]!, names[b]!], contribution })
      }
    }
    return pairs.sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
  }
  return margins.length === 0 ? of(0) : Object.fromEntries(margins.map((name, margin) => [name, of(margin)]))
}

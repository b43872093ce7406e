/** Models that are sums or averages of trees, whichever way a document says it: alone, together, before a link function. */
import type { AnyModel, Combination, MiningModel, RegressionModel, Target, TreeModel } from './models.ts'
import type { PmmlModel } from './pmml.ts'

export interface WeightedTree {
  readonly tree: TreeModel
  readonly weight: number
  /** Margin that it adds to. */
  readonly group: number
}

export interface Ensemble {
  readonly trees: readonly WeightedTree[]
  /** What a leaf is worth: its number; the share of the second class; the shares of all; one for the class it votes for. */
  readonly leaves: 'number' | 'share' | 'shares' | 'vote' | 'votes'
  readonly base: readonly number[]
  readonly link: 'identity' | 'sigmoid' | 'exp' | 'softmax'
  readonly float: boolean
}

const SUMS: ReadonlySet<Combination> = new Set(['sum', 'weightedSum', 'average', 'weightedAverage'])
const MEANS: ReadonlySet<Combination> = new Set(['average', 'weightedAverage'])
const VOTES: ReadonlySet<Combination> = new Set(['majorityVote', 'weightedMajorityVote'])
const WEIGHTED: ReadonlySet<Combination> = new Set(['weightedSum', 'weightedAverage', 'weightedMajorityVote'])

/** `undefined` where it is something else. */
export function ensembleOf({ model, labels }: PmmlModel): Ensemble | undefined {
  if (!model.isClassification) return numbers(model) ?? chain(model, labels)
  return classes(model, labels) ?? chain(model, labels)
}

interface Sum {
  readonly trees: readonly WeightedTree[]
  readonly base: number
  readonly float: boolean
}

function numbers(model: AnyModel): Ensemble | undefined {
  const sum = sumOf(model, 1, 0)
  return sum && { trees: sum.trees, leaves: 'number', base: [sum.base], link: 'identity', float: sum.float }
}

/** Trees of numbers under sums and means, each with its weight in the whole. */
function sumOf(model: AnyModel, factor: number, group: number): Sum | undefined {
  const { target, float } = model
  if (model.isClassification || !isAffine(target)) return undefined
  const scale = factor * target.rescaleFactor
  const base = factor * target.rescaleConstant
  // A tree applies its own target; what is left to do is the factor.
  if (model.kind === 'tree') return { trees: [{ tree: model, weight: scale, group }], base, float }
  const weights = weightsOf(model, SUMS)
  if (weights === undefined || model.kind !== 'mining') return undefined
  const parts = model.segments.map((segment, index) => sumOf(segment.model, scale * weights[index]!, group))
  if (parts.some(part => part === undefined || part.float !== float)) return undefined
  return {
    trees: parts.flatMap(part => part!.trees),
    base: parts.reduce((sum, part) => sum + part!.base, base),
    float,
  }
}

/** The weight of each segment, where all are always on. */
function weightsOf(model: AnyModel, wanted: ReadonlySet<Combination>): readonly number[] | undefined {
  if (model.kind !== 'mining' || !wanted.has(model.combination)) return undefined
  const { segments, combination } = model
  if (!segments.every(({ predicate }) => predicate.op === 'constant' && predicate.value)) return undefined
  const weights = segments.map(({ weight }) => (WEIGHTED.has(combination) ? weight : 1))
  const isMean = MEANS.has(combination) || VOTES.has(combination)
  const total = isMean ? weights.reduce((sum, weight) => sum + weight, 0) : 1
  return total > 0 ? weights.map(weight => weight / total) : undefined
}

function isAffine({ min, max, castInteger, type, fallback, priors }: Target): boolean {
  const isOpen = min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY
  return isOpen && castInteger === undefined && type !== 'integer' && fallback === undefined && priors === undefined
}

function classes(model: AnyModel, labels: readonly string[]): Ensemble | undefined {
  const isTwo = labels.length === 2
  const base = isTwo ? [0] : labels.map(() => 0)
  const own = { base, link: 'identity', float: false } as const
  if (model.target.priors !== undefined || model.float) return undefined
  if (model.kind === 'tree') {
    return { ...own, trees: [{ tree: model, weight: 1, group: 0 }], leaves: isTwo ? 'share' : 'shares' }
  }
  const isVote = model.kind === 'mining' && VOTES.has(model.combination)
  const weights = weightsOf(model, isVote ? VOTES : MEANS)
  if (weights === undefined || model.kind !== 'mining') return undefined
  const trees: WeightedTree[] = []
  for (const [index, segment] of model.segments.entries()) {
    const { model: tree } = segment
    if (tree.kind !== 'tree' || tree.target.priors !== undefined) return undefined
    trees.push({ tree, weight: weights[index]!, group: 0 })
  }
  return { ...own, trees, leaves: isVote ? (isTwo ? 'vote' : 'votes') : isTwo ? 'share' : 'shares' }
}

/** Sums of trees, one after the other, which a regression of them alone turns into the answer. */
function chain(model: AnyModel, labels: readonly string[]): Ensemble | undefined {
  if (model.kind !== 'mining' || model.combination !== 'modelChain') return undefined
  if (!model.segments.every(({ predicate }) => predicate.op === 'constant' && predicate.value)) return undefined
  const last = model.segments.at(-1)!.model
  if (last.kind !== 'regression' || model.segments.length < 2 || !isPlain(last.target)) return undefined
  const link = linkOf(last, labels)
  return link === undefined ? undefined : summed(model, last, labels, link)
}

function isPlain(target: Target): boolean {
  return isAffine(target) && target.rescaleFactor === 1 && target.rescaleConstant === 0
}

function linkOf(
  { normalization, tables, isClassification, isOrdinal }: RegressionModel,
  labels: readonly string[],
): Ensemble['link'] | undefined {
  if (!isClassification) {
    if (normalization === 'none') return 'identity'
    return normalization === 'exp'
      ? 'exp'
      : normalization === 'logit' || normalization === 'softmax'
        ? 'sigmoid'
        : undefined
  }
  if (isOrdinal) return undefined
  const isEmpty = (index: number): boolean => isConstant(tables[index]!) && tables[index]!.intercept === 0
  if (labels.length === 2 && tables.length === 2) {
    return (normalization === 'logit' || normalization === 'softmax') && isEmpty(1) ? 'sigmoid' : undefined
  }
  return normalization === 'softmax' && tables.length === labels.length ? 'softmax' : undefined
}

function isConstant({ numeric, categorical, terms }: RegressionModel['tables'][number]): boolean {
  return numeric.length + categorical.length + terms.length === 0
}

function summed(
  model: MiningModel,
  last: RegressionModel,
  labels: readonly string[],
  link: Ensemble['link'],
): Ensemble | undefined {
  const used = link === 'softmax' ? last.tables : last.tables.slice(0, 1)
  const trees: WeightedTree[] = []
  const base = used.map(() => 0)
  let float = last.float
  for (const table of used) {
    const group = link === 'softmax' ? labels.indexOf(table.label!) : 0
    // The first table's class may be the first of two: then its margin turned round is that of the second.
    const sign = link === 'sigmoid' && last.isClassification && table.label === labels[0] ? -1 : 1
    const predictor = table.numeric[0]
    if (table.numeric.length !== 1 || table.categorical.length + table.terms.length > 0 || predictor!.exponent !== 1)
      return undefined
    const segment = model.segments.find(({ model: one }) =>
      one.outputs.some(
        output => output.slot === predictor!.slot && output.feature === 'predictedValue' && output.type !== 'integer',
      ),
    )
    const sum = segment && sumOf(segment.model, sign * predictor!.coefficient, group)
    if (sum === undefined) return undefined
    if (sum.float !== last.float) float = false
    trees.push(...sum.trees)
    base[group] = sum.base + sign * table.intercept
  }
  return { trees, leaves: 'number', base, link, float }
}

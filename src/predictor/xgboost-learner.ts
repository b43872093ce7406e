/** What an XGBoost file says around its trees, and whether we can answer as it would. */
import { Problem } from '../errors.ts'
import type { BuiltForest } from './forest-builder.ts'
import { XGBOOST_OBJECTIVES, type XgboostObjective } from './xgboost-objectives.ts'

export interface GatheredModel {
  params?: Record<string, string>
  groups?: Int32Array
  weights?: Float64Array
  categories?: readonly (readonly string[] | undefined)[]
  built?: BuiltForest
  /** Numbers in each leaf, where there is more than one. */
  vectorSize?: number | undefined
  leafVectors?: Float64Array
  /** What gblinear has instead of trees. */
  linear?: Float64Array
}

/** Filled while reading: the order of members in the file is not ours to choose. */
export interface Learner {
  names: readonly string[]
  types: readonly string[]
  params: Record<string, string>
  objective: string
  bestIteration?: number | undefined
  booster: string | undefined
  readonly model: GatheredModel
}

/** What both boosters have in common. */
export interface CheckedLearner {
  readonly objective: XgboostObjective
  readonly featureCount: number
  /** Margin of each output before the booster adds to it. */
  readonly base: Float64Array
}

export interface CheckedTrees {
  readonly built: BuiltForest
  /** Absent: leaves are vectors. */
  readonly groups: Int32Array | undefined
  readonly weights: Float64Array | undefined
}

export interface CheckedWeights {
  /** `output × features + feature`. */
  readonly coefficients: Float64Array
  readonly intercepts: Float64Array
}

const FEATURES_MAX = 1_000_000

/** Throws `invalid`, naming what the model uses that is not supported, and what would work instead. */
export function checkLearner(learner: Learner): CheckedLearner {
  const { booster, objective: name } = learner
  if (booster !== 'gbtree' && booster !== 'dart' && booster !== 'gblinear') {
    throw refusal(`the booster ${JSON.stringify(booster ?? null)} is not known, wanted gbtree, dart or gblinear`)
  }
  const objective = XGBOOST_OBJECTIVES[name]
  if (!Object.hasOwn(XGBOOST_OBJECTIVES, name) || objective === undefined) {
    const known = Object.keys(XGBOOST_OBJECTIVES).join(', ')
    throw refusal(
      `its objective ${JSON.stringify(name)} is not supported; supported are ${known}. For a custom objective, set one of these before saving`,
    )
  }
  const featureCount = featureCountOf(learner)
  return { objective, featureCount, base: marginBase(learner, objective, outputsOf(learner)) }
}

/** One output for each class, or for each target. There are no more than the file has trees or weights for. */
function outputsOf({ params, model }: Learner): number {
  const classes = Math.max(1, whole(params, 'num_class', 0))
  const targets = Math.max(1, whole(params, 'num_target', 1))
  if (classes > 1 && targets > 1) throw refusal(`it has ${classes} classes and ${targets} targets, wanted one of both`)
  const outputs = Math.max(classes, targets)
  const holds = Math.max(model.vectorSize ?? 0, model.built?.roots.length ?? 0, model.linear?.length ?? 0)
  if (outputs > Math.max(1, holds)) throw refusal(`it states ${outputs} outputs, and has trees or weights for fewer`)
  return outputs
}

export function checkTrees(learner: Learner, { base, featureCount }: CheckedLearner): CheckedTrees {
  const { built, groups, weights, params, vectorSize } = learner.model
  if (built === undefined) throw refusal('it has no trees')
  const trees = built.roots.length
  if (trees === 0) throw refusal('it has 0 trees: train it for at least one round')
  const stated = params?.['num_trees']
  if (stated !== undefined && Number(stated) !== trees) throw refusal(`it states ${stated} trees and has ${trees}`)
  if (groups === undefined || groups.length !== trees) {
    throw refusal(`tree_info has ${groups?.length ?? 0} entries, wanted one for each of ${trees} trees`)
  }
  if (built.featuresUsed > featureCount)
    throw refusal(`a tree uses feature ${built.featuresUsed - 1} of ${featureCount}`)
  if (weights !== undefined) requireWeights(weights, trees)
  const outputs = base.length
  if (vectorSize !== undefined) {
    if (vectorSize !== outputs) throw refusal(`its leaves have ${vectorSize} numbers for ${outputs} outputs`)
    return { built, groups: undefined, weights: padded(weights, trees) }
  }
  const wrong = groups.find(group => !(group >= 0 && group < outputs))
  if (wrong !== undefined) throw refusal(`tree_info names the output ${wrong} of ${outputs}`)
  return { built, groups, weights: padded(weights, trees) }
}

/**
 * The file has the weights of each feature by output, then the bias of each output. XGBoost adds the first base score to
 * all outputs (`base_score(0)` in `gblinear.cc`, still in 3.5), and so do we.
 */
export function checkWeights({ model }: Learner, { base, featureCount }: CheckedLearner): CheckedWeights {
  const outputs = base.length
  const weights = model.linear
  const wanted = (featureCount + 1) * outputs
  if (weights?.length !== wanted) throw refusal(`it has ${weights?.length ?? 0} weights, wanted ${wanted}`)
  if (!weights.every(Number.isFinite)) throw refusal('it has a weight that is not a finite number')
  const coefficients = new Float64Array(featureCount * outputs)
  for (let output = 0; output < outputs; output++) {
    for (let feature = 0; feature < featureCount; feature++) {
      coefficients[output * featureCount + feature] = weights[feature * outputs + output]!
    }
  }
  const intercepts = base.map((_, output) => Math.fround(weights[featureCount * outputs + output]! + base[0]!))
  return { coefficients, intercepts }
}

/** DART weights; XGBoost takes 1 for trees without one. */
function padded(weights: Float64Array | undefined, trees: number): Float64Array | undefined {
  if (weights === undefined) return undefined
  const all = new Float64Array(trees).fill(1)
  all.set(weights)
  return all.every(weight => weight === 1) ? undefined : all
}

function requireWeights(weights: Float64Array, trees: number): void {
  if (weights.length > trees) throw refusal(`weight_drop has ${weights.length} weights for ${trees} trees`)
  if (!weights.every(Number.isFinite)) throw refusal('weight_drop holds a weight that is not a finite number')
}

function featureCountOf({ params, names, types }: Learner): number {
  const count = whole(params, 'num_feature', Number.NaN)
  if (!(count >= 1 && count <= FEATURES_MAX))
    throw refusal(`num_feature is ${params['num_feature']}, wanted 1 … ${FEATURES_MAX}`)
  if (names.length !== 0 && names.length !== count)
    throw refusal(`it has ${names.length} feature names for ${count} features`)
  if (types.length !== 0 && types.length !== count)
    throw refusal(`it has ${types.length} feature types for ${count} features`)
  const seen = new Set<string>()
  const twice = names.find(name => seen.size === seen.add(name).size)
  if (twice !== undefined) throw refusal(`it has two features named ${JSON.stringify(twice)}`)
  return count
}

/**
 * The first term of each margin. `base_score` was `5E-1` until XGBoost 3.0, and is `[2.0375E-1]`, or one for each output,
 * since 3.1.
 */
function marginBase({ params, objective: name }: Learner, objective: XgboostObjective, outputs: number): Float64Array {
  const text = params['base_score']
  if (text === undefined) throw refusal('it has no base_score')
  const inside = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  const scores = inside.split(',').map(part => {
    const score = Math.fround(/^ *-?[0-9.]+([eE][-+]?[0-9]+)? *$/.test(part) ? Number(part) : Number.NaN)
    if (!Number.isFinite(score)) throw refusal(`base_score is ${quoted(text)}, wanted a number, or some in brackets`)
    return score
  })
  if (scores.length !== 1 && scores.length !== outputs) {
    throw refusal(`base_score is ${quoted(text)}, wanted one number, or one for each of ${outputs} outputs`)
  }
  return Float64Array.from({ length: outputs }, (_, output) => {
    const score = scores[scores.length === 1 ? 0 : output]!
    const margin = objective.marginOf(score)
    if (Number.isNaN(margin)) throw refusal(`base_score ${score} is not possible with ${name}`)
    return margin
  })
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

function whole(params: Record<string, string>, name: string, absent: number): number {
  const text = params[name]
  if (text === undefined) return absent
  if (!/^\d{1,10}$/.test(text)) throw refusal(`${name} is ${JSON.stringify(text)}, wanted a whole number`)
  return Number(text)
}

function refusal(detail: string): Problem {
  return new Problem('invalid', `Cannot load the XGBoost model: ${detail}`)
}

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

export interface CheckedLearner {
  readonly objective: XgboostObjective
  readonly built: BuiltForest
  readonly groups: Int32Array
  readonly weights: Float64Array | undefined
  readonly featureCount: number
}

/** Throws `invalid`, naming what the model uses that is not supported, and what would work instead. */
export function checkLearner(learner: Learner): CheckedLearner {
  requireSupported(learner)
  const objective = XGBOOST_OBJECTIVES[learner.objective]
  if (!Object.hasOwn(XGBOOST_OBJECTIVES, learner.objective) || objective === undefined) {
    const known = Object.keys(XGBOOST_OBJECTIVES).join(', ')
    throw refusal(
      `its objective ${JSON.stringify(learner.objective)} is not supported; supported are ${known}. For a custom objective, set one of these before saving`,
    )
  }
  const { built, groups, weights } = learner.model
  if (built === undefined) throw refusal('it has no trees')
  const trees = built.roots.length
  if (trees === 0) throw refusal('it has 0 trees: train it for at least one round')
  const stated = learner.model.params?.['num_trees']
  if (stated !== undefined && Number(stated) !== trees) throw refusal(`it states ${stated} trees and has ${trees}`)
  if (groups === undefined || groups.length !== trees) {
    throw refusal(`tree_info has ${groups?.length ?? 0} entries, wanted one for each of ${trees} trees`)
  }
  if (groups.some(group => group !== 0)) throw refusal('tree_info names more than one output')
  if (weights !== undefined) requireWeights(weights, trees)
  return { objective, built, groups, weights: padded(weights, trees), featureCount: featureCountOf(learner, built) }
}

function requireSupported({ booster, params, model, objective }: Learner): void {
  if (booster === 'gblinear') {
    throw refusal('the booster gblinear is not supported; train with booster=gbtree or booster=dart')
  }
  if (booster !== 'gbtree' && booster !== 'dart') {
    throw refusal(`the booster ${JSON.stringify(booster ?? null)} is not known, wanted gbtree or dart`)
  }
  const classes = whole(params, 'num_class', 0)
  if (classes > 1) {
    throw refusal(
      `it has ${classes} classes (${objective}), and multi-class models are not supported; train one binary:logistic model for each class`,
    )
  }
  const targets = whole(params, 'num_target', 1)
  if (targets > 1) {
    throw refusal(
      `it has ${targets} targets, and multi-target models are not supported; save one model for each target`,
    )
  }
  const vector = whole(model.params ?? {}, 'size_leaf_vector', 0)
  if (vector > 1) {
    throw refusal(
      'it has vector leaves (multi_output_tree), which are not supported; train with multi_strategy=one_output_per_tree',
    )
  }
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

function featureCountOf({ params, names, types }: Learner, built: BuiltForest): number {
  const count = whole(params, 'num_feature', Number.NaN)
  if (!(count >= 1 && count <= 1_000_000)) throw refusal(`num_feature is ${params['num_feature']}, wanted 1 … 1000000`)
  if (built.featuresUsed > count) throw refusal(`a tree uses feature ${built.featuresUsed - 1} of ${count}`)
  if (names.length !== 0 && names.length !== count)
    throw refusal(`it has ${names.length} feature names for ${count} features`)
  if (types.length !== 0 && types.length !== count)
    throw refusal(`it has ${types.length} feature types for ${count} features`)
  const seen = new Set<string>()
  const twice = names.find(name => seen.size === seen.add(name).size)
  if (twice !== undefined) throw refusal(`it has two features named ${JSON.stringify(twice)}`)
  return count
}

/** The first term of the margin. `base_score` was `5E-1` until XGBoost 3.0, and is `[2.0375E-1]` since 3.1. */
export function marginBase({ params, objective: name }: Learner, objective: XgboostObjective): number {
  const text = params['base_score']
  if (text === undefined) throw refusal('it has no base_score')
  const inside = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  const score = Math.fround(/^-?[0-9.]+([eE][-+]?[0-9]+)?$/.test(inside) ? Number(inside) : Number.NaN)
  if (!Number.isFinite(score))
    throw refusal(`base_score is ${JSON.stringify(text)}, wanted a number, or one in brackets`)
  const margin = objective.marginOf(score)
  if (Number.isNaN(margin)) throw refusal(`base_score ${score} is not possible with ${name}`)
  return margin
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

/**
 * What XGBoost's objectives mean for answering: how the stored `base_score`, which is in the space of predictions,
 * becomes the first term of the margin, and how a margin becomes a prediction. After `ProbToMargin` and `PredTransform` of
 * XGBoost's `src/objective`, in float32 as there.
 */
import type { Link } from './link.ts'
import type { AnswerScale, Task } from './predictor.ts'

export interface XgboostObjective {
  readonly task: Task
  readonly link: Link
  readonly answers: AnswerScale
  /** `ProbToMargin`: identity, logit or logarithm. */
  readonly marginOf: (baseScore: number) => number
}

const f32 = Math.fround
/** XGBoost's `kRtEps`: a probability is kept this far from 0 and 1. */
const EPSILON = f32(1e-6)

function itself(score: number): number {
  return score
}

function logit(score: number): number {
  const kept = Math.min(Math.max(score, EPSILON), f32(1 - EPSILON))
  return f32(-f32(Math.log(f32(f32(1 / kept) - 1))))
}

function logarithm(score: number): number {
  return f32(Math.log(score))
}

const regression: XgboostObjective = { task: 'regression', link: 'identity', answers: 'number', marginOf: itself }
const logLinear: XgboostObjective = { task: 'regression', link: 'exp', answers: 'number', marginOf: logarithm }
const survival: XgboostObjective = { task: 'survival', link: 'exp', answers: 'number', marginOf: logarithm }
const classes = { task: 'multiclass', marginOf: itself } as const
const ranking: XgboostObjective = { task: 'ranking', link: 'identity', answers: 'number', marginOf: itself }

export const XGBOOST_OBJECTIVES: Readonly<Record<string, XgboostObjective>> = {
  'binary:logistic': { task: 'binary', link: 'sigmoid', answers: 'probability', marginOf: logit },
  'binary:logitraw': { task: 'binary', link: 'identity', answers: 'log-odds', marginOf: itself },
  'binary:hinge': { task: 'binary', link: 'step', answers: 'class', marginOf: itself },
  'reg:logistic': { task: 'regression', link: 'sigmoid', answers: 'number', marginOf: logit },
  'reg:squarederror': regression,
  'reg:linear': regression,
  'reg:squaredlogerror': regression,
  'reg:pseudohubererror': regression,
  'reg:absoluteerror': regression,
  'reg:quantileerror': regression,
  'reg:expectileerror': regression,
  'count:poisson': logLinear,
  'reg:gamma': logLinear,
  'reg:tweedie': logLinear,
  'survival:cox': survival,
  'survival:aft': survival,
  'rank:pairwise': ranking,
  'rank:ndcg': ranking,
  'rank:map': ranking,
  'multi:softprob': { ...classes, link: 'softmax', answers: 'probability' },
  'multi:softmax': { ...classes, link: 'argmax', answers: 'class' },
}

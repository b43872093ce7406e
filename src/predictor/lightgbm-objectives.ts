/**
 * What LightGBM's objectives mean for answering: the `ConvertOutput` of each, in its `src/objective`. A model file names its
 * objective with the parameters that matter, e.g. `binary sigmoid:1`.
 */
import { Problem } from '../errors.ts'
import type { Linked } from './link.ts'
import type { AnswerScale, Task } from './predictor.ts'

export interface LightgbmObjective extends Linked {
  readonly name: string
  readonly task: Task
  readonly answers: AnswerScale
}

type Shape = Pick<LightgbmObjective, 'task' | 'answers' | 'link'>

const regression: Shape = { task: 'regression', answers: 'number', link: 'identity' }
const logLinear: Shape = { task: 'regression', answers: 'number', link: 'exp' }
const ranking: Shape = { task: 'ranking', answers: 'number', link: 'identity' }

const OBJECTIVES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['regression', regression],
  ['regression_l1', regression],
  ['huber', regression],
  ['fair', regression],
  ['quantile', regression],
  ['mape', regression],
  ['poisson', logLinear],
  ['gamma', logLinear],
  ['tweedie', logLinear],
  ['binary', { task: 'binary', answers: 'probability', link: 'sigmoid' }],
  ['multiclass', { task: 'multiclass', answers: 'probability', link: 'softmax' }],
  ['multiclassova', { task: 'multiclass', answers: 'probability', link: 'sigmoid' }],
  ['cross_entropy', { task: 'regression', answers: 'number', link: 'sigmoid' }],
  ['cross_entropy_lambda', { task: 'regression', answers: 'number', link: 'log1pexp' }],
  ['lambdarank', ranking],
  ['rank_xendcg', ranking],
  ['custom', regression],
])

/** @param text as the file has it; absent for a model trained by a function of the user's, which answers its sums. */
export function lightgbmObjective(text: string | undefined, outputs: number): LightgbmObjective {
  const [name = 'custom', ...settings] = (text ?? 'custom').trim().split(/\s+/)
  const shape = OBJECTIVES.get(name)
  if (shape === undefined) {
    const known = [...OBJECTIVES.keys()].join(', ')
    throw refusal(`its objective ${JSON.stringify(name.slice(0, 60))} is not supported; supported are ${known}`)
  }
  if ((shape.task === 'multiclass') !== outputs > 1 && name !== 'custom') {
    throw refusal(`the objective ${name} does not go with ${outputs} trees in each iteration`)
  }
  if (settings.includes('sqrt') && shape === regression) return { name, ...shape, link: 'signed-square' }
  if (name !== 'binary' && name !== 'multiclassova') return { name, ...shape }
  const steepness = Number(settings.find(setting => setting.startsWith('sigmoid:'))?.slice(8) ?? Number.NaN)
  if (!(steepness > 0 && steepness < Number.POSITIVE_INFINITY)) {
    throw refusal(`its objective is ${JSON.stringify(text!.slice(0, 60))}, wanted a number after sigmoid:`)
  }
  return steepness === 1 ? { name, ...shape } : { name, ...shape, steepness }
}

export function refusal(detail: string): Problem {
  return new Problem('invalid', `Cannot load the LightGBM model: ${detail}`)
}

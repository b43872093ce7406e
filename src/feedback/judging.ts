/** How the answers of a version are held against what happened. */
import type { Judging } from '../ledger/quality-question.ts'
import { THRESHOLD } from '../registry/measure.ts'
import type { ModelVersion } from '../registry/version.ts'

export function judgingOf({
  task,
  objective,
  signature,
  threshold = THRESHOLD,
}: Pick<ModelVersion, 'task' | 'objective' | 'signature' | 'threshold'>): Judging {
  const [first] = signature.outputs
  if (task === 'multiclass') return { task, outputs: signature.outputs.map(({ name }) => name) }
  // The score of a ranking has no true value to be near to, and a survival time may be censored.
  if (first === undefined || task === 'ranking' || task === 'survival') return { task: 'unjudged' }
  if (task === 'regression') return { task, output: first.name }
  return { task, output: first.name, threshold, isLogOdds: objective === 'binary:logitraw' }
}

/** The one number that stands for all, where there is room for one. */
export function headlineMetric({ task }: Pick<ModelVersion, 'task'>): string | undefined {
  if (task === 'binary') return 'rocAuc'
  if (task === 'regression') return 'rmse'
  return task === 'multiclass' ? 'accuracy' : undefined
}

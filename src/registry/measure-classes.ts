/** Metrics of models that tell several classes apart. */
import {
  aucOneVersusOne,
  aucOneVersusRest,
  confusionMatrix,
  multiclassF1,
  multiclassLogLoss,
} from '../math/metrics/multiclass.ts'

/**
 * By our names. `answers` is a column of probabilities for each class, or one column of the numbers of the classes called. A
 * metric that does not exist for these rows (AUC where a class is absent) is left out.
 *
 * @param truth numbers of classes.
 */
export function measureClasses(truth: Float64Array, answers: readonly Float64Array[]): Record<string, number> {
  const called = answers.length === 1 ? answers[0]! : likeliest(answers)
  const classes = answers.length === 1 ? 1 + largest(truth, called) : answers.length
  const matrix = confusionMatrix(truth, called, classes)
  const measured: Record<string, number> = {
    accuracy: multiclassF1(matrix, 'micro'),
    f1_macro: multiclassF1(matrix, 'macro'),
    f1_weighted: multiclassF1(matrix, 'weighted'),
  }
  if (answers.length > 1) {
    measured['log_loss'] = multiclassLogLoss(truth, answers)
    measured['auc_ovr'] = aucOneVersusRest(truth, answers)
    measured['auc_ovo'] = aucOneVersusOne(truth, answers)
  }
  return Object.fromEntries(Object.entries(measured).filter(([, value]) => Number.isFinite(value)))
}

/** The first of equals. */
function likeliest(answers: readonly Float64Array[]): Float64Array {
  return answers[0]!.map((first, row) => {
    let [best, most] = [0, first]
    for (let at = 1; at < answers.length; at++) if (answers[at]![row]! > most) [best, most] = [at, answers[at]![row]!]
    return best
  })
}

function largest(...columns: readonly Float64Array[]): number {
  return columns.reduce((most, column) => column.reduce((one, other) => Math.max(one, other), most), 0)
}

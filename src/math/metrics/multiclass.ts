/** More than two classes. Labels are the classes' numbers, from 0; probabilities come as one column a class. */
import { rocAuc } from './auc.ts'
import { requireSameLength } from './confusion.ts'

/** How a measure of each class becomes one: `macro` all classes alike, `weighted` by their rows, `micro` over all decisions. */
export type Average = 'macro' | 'weighted' | 'micro'

/**
 * Rows by true class (first index) and by called class.
 *
 * @throws RangeError where a label is not a class's number.
 */
export function confusionMatrix(labels: ArrayLike<number>, called: ArrayLike<number>, classes: number): number[][] {
  requireSameLength(labels, called)
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (let row = 0; row < labels.length; row++) {
    requireClass(labels[row]!, classes)
    requireClass(called[row]!, classes)
    matrix[labels[row]!]![called[row]!]!++
  }
  return matrix
}

/** F1 over classes; a class that is neither true nor called anywhere counts as 0 for `macro`. Micro is the accuracy. */
export function multiclassF1(matrix: readonly (readonly number[])[], average: Average): number {
  const rows = matrix.map(row => sum(row))
  const columns = matrix.map((_, at) => sum(matrix.map(row => row[at]!)))
  const right = matrix.map((row, at) => row[at]!)
  if (average === 'micro') return sum(right) / sum(rows)
  const scores = right.map((hits, at) => {
    const all = rows[at]! + columns[at]!
    return all === 0 ? 0 : (2 * hits) / all
  })
  if (average === 'macro') return sum(scores) / scores.length
  return sum(scores.map((score, at) => score * rows[at]!)) / sum(rows)
}

/** Mean of −ln of the probability given to the true class, kept 2⁻⁵² away from 0 and 1 as in `logLoss`. */
export function multiclassLogLoss(labels: ArrayLike<number>, probabilities: readonly ArrayLike<number>[]): number {
  requireColumns(labels, probabilities)
  let total = 0
  for (let row = 0; row < labels.length; row++) {
    const given = probabilities[labels[row]!]![row]!
    total -= Math.log(Math.min(Math.max(given, Number.EPSILON), 1 - Number.EPSILON))
  }
  return total / labels.length
}

/** Share of rows whose true class is among the `k` with the highest probabilities; of equal ones, the higher class number first (as scikit-learn). */
export function topAccuracy(labels: ArrayLike<number>, probabilities: readonly ArrayLike<number>[], k: number): number {
  requireColumns(labels, probabilities)
  let hits = 0
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!
    const given = probabilities[label]![row]!
    let before = 0
    for (let other = 0; other < probabilities.length; other++) {
      const rival = probabilities[other]![row]!
      if (rival > given || (rival === given && other > label)) before++
    }
    if (before < k) hits++
  }
  return hits / labels.length
}

/** Mean over classes of the ROC-AUC of each against all others; NaN where a class is absent. */
export function aucOneVersusRest(labels: ArrayLike<number>, probabilities: readonly ArrayLike<number>[]): number {
  requireColumns(labels, probabilities)
  const areas = probabilities.map((column, label) =>
    rocAuc(
      Uint8Array.from(labels, row => (row === label ? 1 : 0)),
      column,
    ),
  )
  return sum(areas) / areas.length
}

/**
 * Mean over all pairs of classes of their ROC-AUC among the rows of the two, measured by either one's probability: does not
 * depend on how many rows each class has (Hand and Till 2001, doi:10.1023/A:1010920819831).
 */
export function aucOneVersusOne(labels: ArrayLike<number>, probabilities: readonly ArrayLike<number>[]): number {
  requireColumns(labels, probabilities)
  const areas: number[] = []
  for (let one = 0; one < probabilities.length; one++) {
    for (let other = 0; other < one; other++) {
      const rows = Uint32Array.from(labels, (_, row) => row).filter(row => labels[row] === one || labels[row] === other)
      const area = (positive: number): number =>
        rocAuc(
          Uint8Array.from(rows, row => (labels[row] === positive ? 1 : 0)),
          Float64Array.from(rows, row => probabilities[positive]![row]!),
        )
      areas.push((area(one) + area(other)) / 2)
    }
  }
  return sum(areas) / areas.length
}

function requireColumns(labels: ArrayLike<number>, probabilities: readonly ArrayLike<number>[]): void {
  for (const column of probabilities) requireSameLength(labels, column)
  for (let row = 0; row < labels.length; row++) requireClass(labels[row]!, probabilities.length)
}

function requireClass(label: number, classes: number): void {
  if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
    throw new RangeError(`Cannot measure: a label is ${label}, wanted the number of a class, 0 … ${classes - 1}`)
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

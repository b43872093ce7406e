/** Scorecards: one attribute of each characteristic, the first that is true. */
import { expressionEvaluator } from './evaluate-expression.ts'
import type { Scorecard } from './models.ts'
import { predicateTest } from './predicate.ts'
import { numberResult, type Score } from './result.ts'
import { plainNumber } from './score-regression.ts'
import { INVALID } from './values.ts'

export function scorecardScore({ characteristics, initialScore, target, float }: Scorecard): Score {
  const parts = characteristics.map(({ attributes }) =>
    attributes.map(({ predicate, score }) => ({ test: predicateTest(predicate), score: expressionEvaluator(score) })),
  )
  return row => {
    let sum = initialScore
    for (const attributes of parts) {
      const found = attributes.find(({ test }) => test(row) === true)
      const score = found === undefined ? undefined : plainNumber(found.score(row))
      // So the specification wants it: a characteristic without a true attribute makes the whole invalid.
      if (score === undefined) throw INVALID
      sum += score
    }
    return numberResult(sum, target, float)
  }
}

/** Models of models: each segment's answer, and what is made of them together. */
import { expressionEvaluator } from './evaluate-expression.ts'
import type { AnyModel, Combination, MiningModel, OutputField } from './models.ts'
import { EXACT, simplemax } from './normalization.ts'
import { predicateTest, type Test } from './predicate.ts'
import { classResult, numberResult, type Result, type Score } from './result.ts'
import { give, type Row } from './row.ts'
import { castValue } from './values.ts'

interface Part {
  readonly test: Test
  readonly score: Score
  readonly weight: number
  readonly publish: (row: Row, result: Result | undefined) => void
}

interface Answer {
  readonly result: Result
  readonly weight: number
}

const WEIGHTED: ReadonlySet<Combination> = new Set([
  'weightedAverage',
  'weightedSum',
  'weightedMajorityVote',
  'weightedMedian',
])

/** @param scoreOf compiles the model of a segment. */
export function miningScore(model: MiningModel, scoreOf: (model: AnyModel) => Score): Score {
  const parts = model.segments.map(segment => ({
    test: predicateTest(segment.predicate),
    score: scoreOf(segment.model),
    weight: WEIGHTED.has(model.combination) ? segment.weight : 1,
    publish: publisher(segment.model.outputs),
  }))
  const { target, isClassification, float } = model
  const none = isClassification ? classResult(undefined, target) : numberResult(undefined, target, float)
  if (model.combination === 'modelChain') return row => chained(parts, row) ?? none
  if (model.combination === 'selectFirst') {
    return row => {
      const first = parts.find(({ test }) => test(row) === true)
      return first === undefined ? none : (first.score(row) ?? undefined)
    }
  }
  const combine = isClassification ? classCombination(model) : numberCombination(model)
  return row => {
    const answers = gathered(parts, row, model)
    return answers === undefined || answers.length === 0 ? none : (combine(answers) ?? none)
  }
}

function chained(parts: readonly Part[], row: Row): Result | undefined {
  let last: Result | undefined
  for (const { test, score, publish } of parts) {
    if (test(row) !== true) continue
    last = score(row)
    publish(row, last)
  }
  return last
}

/** Makes the outputs of a model fields of the row. */
function publisher(outputs: readonly OutputField[]): (row: Row, result: Result | undefined) => void {
  const writers = outputs.map(output => {
    const evaluate = output.feature === 'transformedValue' ? expressionEvaluator(output.expression) : undefined
    return (row: Row, result: Result | undefined): void => {
      if (evaluate !== undefined && output.feature === 'transformedValue') {
        give(row, output.slot, castValue(evaluate(row), output.from, output.type))
      } else if (output.feature === 'probability') {
        give(row, output.slot, result?.shares?.get(output.label ?? String(result.value)))
      } else if (output.feature === 'entityId') {
        give(row, output.slot, result?.entity)
      } else if (typeof result?.value === 'string') {
        give(row, output.slot, castValue(result.value, 'string', output.type))
      } else {
        give(row, output.slot, castValue(result?.value, 'double', output.type))
      }
    }
  })
  return (row, result) => {
    for (const write of writers) write(row, result)
  }
}

/** The answers of the segments that are on; `undefined` where missing ones make the whole missing. */
function gathered(parts: readonly Part[], row: Row, model: MiningModel): readonly Answer[] | undefined {
  const answers: Answer[] = []
  let [missing, all] = [0, 0]
  for (const { test, score, weight } of parts) {
    if (test(row) !== true) continue
    all += weight
    const result = score(row)
    if (result !== undefined) answers.push({ result, weight })
    else if (model.missingPrediction === 'skipSegment') missing += weight
    else return undefined
  }
  return missing > 0 && missing / all > model.missingThreshold ? undefined : answers
}

function numberCombination({
  combination,
  target,
  float,
}: MiningModel): (answers: readonly Answer[]) => Result | undefined {
  const f = float ? Math.fround : EXACT
  return answers => {
    if (combination === 'median')
      return numberResult(median(answers.map(({ result }) => Number(result.value))), target, float)
    if (combination === 'weightedMedian') {
      return numberResult(
        weightedMedian(answers.map(({ result, weight }) => [Number(result.value), weight])),
        target,
        float,
      )
    }
    let [sum, weights] = [0, 0]
    for (const { result, weight } of answers) {
      const value = Number(result.value)
      sum = f(sum + (weight === 1 ? f(value) : f(f(weight) * f(value))))
      weights = f(weights + f(weight))
    }
    const isMean = combination === 'average' || combination === 'weightedAverage'
    return numberResult(isMean ? f(sum / weights) : sum, target, float)
  }
}

/** The first whose weight, with that of all below it, is half of the weight at least. */
function weightedMedian(pairs: [number, number][]): number {
  pairs.sort(([a], [b]) => a - b)
  const half = pairs.reduce((sum, [, weight]) => sum + weight, 0) / 2
  let below = 0
  for (const [value, weight] of pairs) {
    below += weight
    if (below >= half) return value
  }
  return pairs.at(-1)![0]
}

function classCombination({
  combination,
  target,
  float,
  labels,
}: MiningModel): (answers: readonly Answer[]) => Result | undefined {
  const f = float ? Math.fround : EXACT
  const isVote = combination === 'majorityVote' || combination === 'weightedMajorityVote'
  return answers => {
    const sums = new Map<string, number>(labels?.map(label => [label, 0]))
    if (isVote) {
      for (const { result, weight } of answers) add(sums, String(result.value), weight, f)
      return classResult(
        sharesOf(sums, values => simplemax(values, f)),
        target,
      )
    }
    if (combination === 'max')
      return classResult(
        nearest(answers, shares => Math.max(...shares), labels),
        target,
      )
    if (combination === 'median') return classResult(nearest(answers, median, labels), target)
    for (const { result, weight } of answers)
      for (const [label, share] of result.shares!) add(sums, label, f(f(share) * f(weight)), f)
    const weights = answers.reduce((sum, { weight }) => f(sum + f(weight)), 0)
    for (const [label, sum] of sums) sums.set(label, f(sum / weights))
    return classResult(sums, target)
  }
}

function add(sums: Map<string, number>, label: string, value: number, f: (x: number) => number): void {
  sums.set(label, f((sums.get(label) ?? 0) + value))
}

function sharesOf(
  map: ReadonlyMap<string, number>,
  normalize: (values: number[]) => void,
): ReadonlyMap<string, number> {
  const values = [...map.values()]
  normalize(values)
  return new Map([...map.keys()].map((label, index) => [label, values[index]!]))
}

/**
 * The class whose largest (or middle) share is the largest, and the mean of the answers that come nearest to that share of it:
 * what a maximum or a median of distributions is, by the specification.
 */
function nearest(
  answers: readonly Answer[],
  of: (shares: number[]) => number,
  labels: readonly string[] | undefined,
): ReadonlyMap<string, number> {
  const all = answers.map(({ result }) => result.shares!)
  const order = labels ?? [...new Set(all.flatMap(shares => [...shares.keys()]))]
  let [winner, most] = ['', Number.NEGATIVE_INFINITY]
  for (const label of order) {
    const share = of(all.map(shares => shares.get(label) ?? 0))
    if (share > most) [winner, most] = [label, share]
  }
  const distances = all.map(shares => Math.abs((shares.get(winner) ?? 0) - most))
  const least = Math.min(...distances)
  const chosen = all.filter((_, index) => distances[index] === least)
  const sums = new Map<string, number>(order.map(label => [label, 0]))
  for (const shares of chosen) for (const [label, share] of shares) add(sums, label, share / chosen.length, EXACT)
  return sums
}

function median(values: number[]): number {
  values.sort((a, b) => a - b)
  const half = values.length >> 1
  return values.length % 2 === 1 ? values[half]! : (values[half - 1]! + values[half]!) / 2
}

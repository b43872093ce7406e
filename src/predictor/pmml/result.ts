/** What a model answers of a row, and what its target makes of it. */
import type { Target } from './models.ts'
import type { Row } from './row.ts'
import type { Value } from './values.ts'

export interface Result {
  /** The predicted number, or the label of the predicted class. */
  readonly value: Value
  readonly shares?: ReadonlyMap<string, number>
  readonly entity?: string
}

/** `undefined`: there is no prediction. */
export type Score = (row: Row) => Result | undefined

/** A number through the target: limits, then scale, then whole. */
export function finished(value: number, target: Target, float: boolean): number {
  const f = float ? Math.fround : (x: number): number => x
  let result = Math.min(Math.max(value, target.min), target.max)
  result = f(f(result * f(target.rescaleFactor)) + f(target.rescaleConstant))
  if (target.castInteger === 'round') result = Math.round(result)
  else if (target.castInteger === 'ceiling') result = Math.ceil(result)
  else if (target.castInteger === 'floor') result = Math.floor(result)
  return target.type === 'float' ? Math.fround(result) : result
}

/** The first of the likeliest. */
export function likeliest(shares: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined
  let most = Number.NEGATIVE_INFINITY
  for (const [label, share] of shares) {
    if (share <= most) continue
    best = label
    most = share
  }
  return best
}

/** The result of a model whose raw score is a number or nothing. */
export function numberResult(value: number | undefined, target: Target, float: boolean): Result | undefined {
  const known = value ?? target.fallback
  return known === undefined ? undefined : { value: finished(known, target, float) }
}

export function classResult(shares: ReadonlyMap<string, number> | undefined, target: Target): Result | undefined {
  const known = shares ?? (target.priors && new Map(target.priors.map(({ label, value }) => [label, value])))
  return known && { value: likeliest(known), shares: known }
}

/** What turns sums into means and probabilities; in float32 where a document asks for it, as JPMML computes there. */
import { normalLower } from '../../math/distributions/normal.ts'
import type { GeneralLink, Normalization } from './models.ts'

type Round = (value: number) => number

export const EXACT: Round = value => value

/** Inverse link of one sum. */
export function inverseLink(link: GeneralLink | Normalization, x: number, parameter: number, f: Round): number {
  switch (link) {
    case 'softmax':
    case 'logit':
      return f(1 / f(1 + f(Math.exp(-x))))
    case 'exp':
    case 'log':
      return f(Math.exp(x))
    case 'logc':
      return f(1 - f(Math.exp(x)))
    case 'probit':
      return f(normalLower(x))
    case 'cloglog':
      return f(1 - f(Math.exp(-f(Math.exp(x)))))
    case 'loglog':
      return f(Math.exp(-f(Math.exp(-x))))
    case 'cauchit':
      return f(0.5 + f(f(1 / Math.PI) * f(Math.atan(x))))
    case 'negbin':
      return 1 / (parameter * (Math.exp(-x) - 1))
    case 'oddspower':
      return parameter === 0 ? 1 / (1 + Math.exp(-x)) : 1 / (1 + (1 + parameter * x) ** (-1 / parameter))
    case 'power':
      return parameter === 0 ? Math.exp(x) : x ** (1 / parameter)
    default:
      return x
  }
}

export function softmax(values: number[], f: Round): void {
  const largest = values.reduce((a, b) => Math.max(a, b))
  for (let k = 0; k < values.length; k++) values[k] = f(Math.exp(f(values[k]! - largest)))
  simplemax(values, f)
}

export function simplemax(values: number[], f: Round): void {
  const sum = values.reduce((a, b) => f(a + b), 0)
  for (let k = 0; k < values.length; k++) values[k] = f(values[k]! / sum)
}

/** Each is what it has more than those before it; the last, what is left of 1. */
export function differences(cumulative: number[]): void {
  for (let k = cumulative.length - 1; k > 0; k--) {
    cumulative[k] = (k === cumulative.length - 1 ? 1 : cumulative[k]!) - cumulative[k - 1]!
  }
}

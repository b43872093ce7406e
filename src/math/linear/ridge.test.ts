import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { golden, near } from '../golden.suite.ts'
import { addObservation, addProducts, noProducts, ridge } from './ridge.ts'

interface Reference {
  readonly ridge: {
    readonly X: number[][]
    readonly y: number[][]
    readonly weights: number[]
    readonly fits: readonly { alpha: number; coef: number[][]; intercept: number[]; score: number[] }[]
  }
}

describe('ridge', () => {
  const { X, y, weights, fits } = golden<Reference>('lime').ridge

  test('agrees with scikit-learn, also where parts are added', () => {
    const parts = [noProducts(4, 2), noProducts(4, 2)]
    for (const [at, x] of X.entries()) {
      addObservation(parts[at % 2]!, Float64Array.from(x), Float64Array.from(y[at]!), weights[at]!)
    }
    const all = noProducts(4, 2)
    for (const part of parts) addProducts(all, part)
    for (const { alpha, coef, intercept, score } of fits) {
      const fit = ridge(all, alpha)!
      for (const [at, value] of coef.flat().entries()) near(fit.coefficients[at]!, value, 1e-10)
      for (const [at, value] of intercept.entries()) near(fit.intercepts[at]!, value, 1e-10)
      for (const [at, value] of score.entries()) near(fit.rSquared[at]!, value, 1e-10)
    }
  })

  test('says where there is no one fit', () => {
    const products = noProducts(2, 1)
    for (const x of [1, 2, 3]) addObservation(products, Float64Array.of(x, 2 * x), Float64Array.of(x), 1)
    assert.equal(ridge(products, 0), undefined)
    assert.notEqual(ridge(products, 1), undefined)
  })
})

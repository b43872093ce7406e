import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { near } from '../../math/golden.suite.ts'
import { seededRandom } from '../../math/random.ts'
import { columnMeans, linearShap } from './linear-shap.ts'
import { shapleyValues } from './random-forests.suite.ts'

const [WIDTH, OUTPUTS, OTHERS] = [4, 2, 7]

describe('linearShap', () => {
  test('is the Shapley value of the interventional game', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = seededRandom(seed)
      const numbers = (length: number): Float64Array => Float64Array.from({ length }, () => random() * 4 - 2)
      const sums = {
        coefficients: numbers(WIDTH * OUTPUTS),
        intercepts: numbers(OUTPUTS),
        missingIsZero: seed % 2 === 1,
      }
      const [row, others] = [numbers(WIDTH), numbers(WIDTH * OTHERS)]
      if (sums.missingIsZero) row[1] = others[6] = Number.NaN
      const explainer = linearShap(sums, columnMeans(others, OTHERS, WIDTH, sums.missingIsZero))
      const out = new Float64Array(WIDTH * OUTPUTS)
      explainer.explain(row, 1, out)
      for (let output = 0; output < OUTPUTS; output++) {
        const worth = (coalition: number): number => {
          let sum = sums.intercepts[output]!
          for (let column = 0; column < WIDTH; column++) {
            for (let other = 0; other < OTHERS; other++) {
              const value = (coalition >> column) & 1 ? row[column]! : others[other * WIDTH + column]!
              sum += (sums.coefficients[output * WIDTH + column]! * (value || 0)) / OTHERS
            }
          }
          return sum
        }
        const wanted = shapleyValues(WIDTH, worth)
        for (const [column, value] of wanted.entries()) near(out[output * WIDTH + column]!, value, 1e-12, 1e-12)
        near(explainer.bias[output]!, worth(0), 1e-12, 1e-12)
      }
    }
  })

  test('is coefficient × value where no means are known', () => {
    const sums = { coefficients: Float64Array.of(2, -3), intercepts: Float64Array.of(0.5), missingIsZero: false }
    const explainer = linearShap(sums)
    const out = new Float64Array(4)
    explainer.explain(Float64Array.of(1, 2, Number.NaN, 0), 2, out)
    assert.deepEqual([...out], [2, -6, Number.NaN, -0])
    assert.deepEqual([...explainer.bias], [0.5])
    assert.throws(() => explainer.explain(new Float64Array(3), 2, out), /3 values given, wanted 4/)
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { near } from '../golden.suite.ts'
import { seededRandom } from '../random.ts'
import { solvePositive } from './cholesky.ts'

test('solves what it says it solves', () => {
  const random = seededRandom(3)
  for (const size of [1, 2, 5, 40]) {
    const root = Float64Array.from({ length: size * size }, () => random() - 0.5)
    const matrix = Float64Array.from({ length: size * size }, (_, at) => {
      const [i, j] = [Math.floor(at / size), at % size]
      let sum = i === j ? 0.1 : 0
      for (let k = 0; k < size; k++) sum += root[i * size + k]! * root[j * size + k]!
      return sum
    })
    const wanted = Float64Array.from({ length: 2 * size }, () => random())
    const sides = wanted.map((_, at) => {
      const [side, i] = [Math.floor(at / size), at % size]
      let sum = 0
      for (let j = 0; j < size; j++) sum += matrix[i * size + j]! * wanted[side * size + j]!
      return sum
    })
    const got = solvePositive(matrix, size, sides, 2)!
    for (const [at, value] of wanted.entries()) near(got[at]!, value, 1e-10, 1e-10, `${size}: ${at}`)
  }
})

test('says where there is no one solution', () => {
  assert.equal(solvePositive(Float64Array.of(1, 1, 1, 1), 2, Float64Array.of(1, 1), 1), undefined)
  assert.equal(solvePositive(Float64Array.of(1, 2, 2, 1), 2, Float64Array.of(1, 1), 1), undefined)
  assert.equal(solvePositive(Float64Array.of(Number.NaN), 1, Float64Array.of(1), 1), undefined)
})

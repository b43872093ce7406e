import { test } from 'node:test'
import { near } from '../golden.suite.ts'
import { seededRandom } from '../random.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

test('takes a symmetric matrix apart so that it can be put together again', () => {
  const random = seededRandom(2)
  for (const size of [1, 2, 3, 20]) {
    const matrix = new Float64Array(size * size)
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) matrix[i * size + j] = matrix[j * size + i] = random() - 0.5
    }
    const { values, vectors } = symmetricEigen(matrix, size)
    for (let i = 0; i < size; i++) {
      if (i > 0) near(Math.max(values[i]!, values[i - 1]!), values[i - 1]!, 0)
      for (let j = 0; j < size; j++) {
        let [sum, product] = [0, 0]
        for (let k = 0; k < size; k++) {
          sum += values[k]! * vectors[k * size + i]! * vectors[k * size + j]!
          product += vectors[i * size + k]! * vectors[j * size + k]!
        }
        near(sum, matrix[i * size + j]!, 0, 1e-13, `${size}: element ${i}, ${j}`)
        near(product, i === j ? 1 : 0, 0, 1e-13, `${size}: vectors ${i}, ${j}`)
      }
    }
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gaussLegendre } from './gauss-legendre.ts'

test('integrates polynomials of a degree below twice the points', () => {
  for (const count of [1, 2, 3, 4, 7, 16, 33, 512]) {
    const { points, weights } = gaussLegendre(count)
    assert.ok(points.every((point, index) => point > (points[index - 1] ?? 0) && point < 1))
    for (const degree of [0, 1, count - 1, 2 * count - 2, 2 * count - 1]) {
      const sum = points.reduce((total, point, index) => total + weights[index]! * point ** degree, 0)
      assert.ok(Math.abs(sum * (degree + 1) - 1) < 1e-11, `${count} points, degree ${degree}: ${sum * (degree + 1)}`)
    }
  }
})

test('refuses no points', () => {
  assert.throws(() => gaussLegendre(0), /0 points, wanted a whole number/)
})

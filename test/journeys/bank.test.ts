/** The simulated bank: reproducible, plausible, and with a truth that the committed model comes near. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { customers, features, HOME, type Observed, sample, trueChurnProbability } from '../../examples/churn/bank.ts'
import { csvOf, FILES } from '../../examples/churn/generate.ts'
import { seededRandom } from '../../examples/churn/random.ts'

const FOLDER = new URL('../../examples/churn/', import.meta.url)
const many = sample('test of the bank', 20_000)
const share = (rows: readonly Observed[], is: (row: Observed) => boolean): number =>
  rows.filter(is).length / rows.length
const mean = (rows: readonly Observed[], of: (row: Observed) => number): number =>
  rows.reduce((sum, row) => sum + of(row), 0) / rows.length

test('the committed files are what the generator writes', () => {
  for (const [name, { seed, rows }] of Object.entries(FILES)) {
    assert.equal(readFileSync(new URL(name, FOLDER), 'utf8'), csvOf(sample(seed, rows)), name)
  }
})

test('a seed decides everything, and another seed something else', () => {
  fc.assert(
    fc.property(fc.string(), seed => {
      assert.deepEqual(sample(seed, 3), sample(seed, 5).slice(0, 3))
    }),
  )
  assert.notDeepEqual(sample('a', 3).map(features), sample('b', 3).map(features))
})

test('randomness is uniform, normal and weighted as it says', () => {
  const random = seededRandom('figures')
  const draws = Array.from({ length: 50_000 }, () => random.normal(3, 2))
  const average = draws.reduce((sum, x) => sum + x, 0) / draws.length
  const deviation = Math.sqrt(draws.reduce((sum, x) => sum + (x - average) ** 2, 0) / draws.length)
  assert.ok(Math.abs(average - 3) < 0.04, `mean ${average}`) // four standard errors
  assert.ok(Math.abs(deviation - 2) < 0.03, `deviation ${deviation}`)
  const bins = new Array<number>(20).fill(0)
  for (let i = 0; i < 50_000; i++) bins[Math.floor(random.uniform() * 20)]!++
  const chiSquare = bins.reduce((sum, n) => sum + (n - 2500) ** 2 / 2500, 0)
  assert.ok(chiSquare < 43.8, `chi-square ${chiSquare} of 19 degrees of freedom, p < 0.001`)
  const picked = Array.from({ length: 20_000 }, () => random.pick({ often: 0.9, seldom: 0.1 }))
  assert.ok(Math.abs(picked.filter(key => key === 'seldom').length / 20_000 - 0.1) < 0.01)
})

test('customers are plausible', () => {
  assert.ok(Math.abs(mean(many, row => row.age) - 39) < 1)
  assert.ok(Math.abs(share(many, row => row.balance === 0) - 0.36) < 0.02)
  assert.ok(Math.abs(share(many, row => row.churned) - 0.2) < 0.02)
  assert.ok(share(many, row => row.numProducts >= 3) < 0.06)
  for (const row of many) {
    assert.ok(row.age >= 18 && row.age <= 92 && row.tenure >= 0 && row.tenure <= Math.min(10, row.age - 18))
    assert.ok(row.balance === 0 || row.balance >= 1000)
    assert.ok(row.trueProbability > 0 && row.trueProbability < 1)
  }
})

test('facts go together as they do at banks', () => {
  const isEmpty = (row: Observed): boolean => row.balance === 0
  const two = (row: Observed): boolean => row.numProducts === 2
  assert.ok(
    share(many.filter(isEmpty), two) >
      share(
        many.filter(row => !isEmpty(row)),
        two,
      ) +
        0.25,
  )
  const active = (rows: readonly Observed[]): number => share(rows, row => row.isActiveMember)
  assert.ok(active(many.filter(row => row.age > 60)) > active(many.filter(row => row.age < 30)) + 0.05)
})

test('what happens, happens as often as the truth says', () => {
  const sorted = [...many].sort((a, b) => a.trueProbability - b.trueProbability)
  for (let from = 0; from < sorted.length; from += 2000) {
    const group = sorted.slice(from, from + 2000)
    const expected = mean(group, row => row.trueProbability)
    const error = Math.sqrt((expected * (1 - expected)) / group.length)
    assert.ok(Math.abs(share(group, row => row.churned) - expected) < 4 * error)
  }
})

test('the truth has its bump in middle age, and no place for salary or card', () => {
  const { value } = customers('one').next()
  const at = (change: Partial<Observed>): number => trueChurnProbability({ ...value, ...change }, HOME[0]!)
  assert.ok(at({ age: 54 }) > at({ age: 30 }) && at({ age: 54 }) > at({ age: 80 }))
  assert.ok(at({ isActiveMember: false }) > at({ isActiveMember: true }))
  assert.equal(at({ estimatedSalary: 1, hasCrCard: true }), at({ estimatedSalary: 200_000, hasCrCard: false }))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type NumericProfile, profileCategories, profileNumbers } from '../profile.ts'
import { profileDistance } from './profile-distance.ts'

const numbers = (values: readonly number[]): NumericProfile => profileNumbers('age', Float64Array.from(values))

test('few distinct numbers are compared exactly', () => {
  const told = profileDistance(numbers([1, 1, 2, 2]), numbers([1, 2, 2, 2]))
  assert.ok(told !== undefined && told.ks !== undefined)
  assert.ok(Math.abs(told.ks - 0.25) < 1e-12)
  // (1/4 − 1/2) ln(1/2) + (3/4 − 1/2) ln(3/2)
  assert.ok(Math.abs(told.psi - (0.25 * Math.log(2) + 0.25 * Math.log(1.5))) < 1e-12)
})

test('categories that one side does not know count, and numbers are not compared with them', () => {
  const land = (names: readonly string[], codes: readonly number[]) =>
    profileCategories('land', names, Float64Array.from(codes), 0)
  const same = profileDistance(land(['fr', 'es'], [0, 1]), land(['es', 'fr'], [0, 1]))
  assert.deepEqual(same, { psi: 0 })
  assert.ok(profileDistance(land(['fr'], [0]), land(['es'], [0]))!.psi > 1)
  assert.equal(profileDistance(land(['fr'], [0]), numbers([1])), undefined)
  assert.equal(profileDistance(numbers([]), numbers([1])), undefined)
})

test('a column is at no distance from itself, and its distance from another is that of the shares', () => {
  const values = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 60 })
  const shareBelow = (of: readonly number[], edge: number) => of.filter(value => value <= edge).length / of.length
  fc.assert(
    fc.property(values, values, (some, others) => {
      assert.deepEqual(profileDistance(numbers(some), numbers(some)), { psi: 0, ks: 0 })
      const told = profileDistance(numbers(some), numbers(others))!
      const steps = [...some, ...others].map(edge => Math.abs(shareBelow(some, edge) - shareBelow(others, edge)))
      assert.ok(Math.abs(told.ks! - Math.max(...steps)) < 1e-9)
      assert.ok(told.psi >= 0)
    }),
    { numRuns: 50 },
  )
})

test('many distinct numbers that are shifted are told apart, to one bin in 128', () => {
  const spread = (from: number) => numbers(Array.from({ length: 2_000 }, (_, at) => from + at))
  const { ks } = profileDistance(spread(0), spread(500))!
  assert.ok(Math.abs(ks! - 0.25) < 1.1 / 64, String(ks))
})

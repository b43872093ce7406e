/** The verdict about two signatures, against what the server really takes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { interfaceChanges, levelOf } from '../../src/registry/lifecycle/interface-change.ts'
import type { Feature } from '../../src/registry/signature.ts'
import { rowFaults } from '../../src/serving/row-faults.ts'

const NAMES = ['a', 'b', 'c']
const TEXTS = ['x', 'y', 'z']
/** Every limit that is drawn below, and what lies between and beyond them: else two ranges would look alike that are not. */
const NUMBERS = [-7.25, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 1e30, 2 ** 53]
const CANDIDATES: readonly unknown[] = [null, true, false, ...NUMBERS, ...TEXTS]

const feature = fc
  .record({
    name: fc.constantFrom(...NAMES),
    type: fc.constantFrom(
      'number' as const,
      'integer' as const,
      'boolean' as const,
      'numeric' as const,
      'string' as const,
    ),
    limits: fc.option(fc.tuple(fc.integer({ min: -2, max: 1 }), fc.integer({ min: 2, max: 4 })), { nil: undefined }),
    nullable: fc.boolean(),
    categories: fc.subarray(TEXTS, { minLength: 1 }),
  })
  .map(({ name, type, limits, nullable, categories }): Feature => {
    const range =
      limits === undefined || type === 'string' || type === 'boolean' ? {} : { minimum: limits[0], maximum: limits[1] }
    const texts = type === 'string' ? { categories } : {}
    return { name, type, nullable, sensitive: false, protected: false, ...range, ...texts }
  })
const inputs = fc.uniqueArray(feature, { selector: ({ name }) => name, minLength: 1 })
const head = { task: 'binary', uses: { permitted: [], prohibited: [], required: false } } as const

/** Whether every value that the one takes is taken by the other, as far as the candidates show. */
function takesAll(before: Feature, after: Feature): boolean {
  return CANDIDATES.every(value => {
    const row = { [before.name]: value }
    return rowFaults([before], row, '', 9).fields.length > 0 || rowFaults([after], row, '', 9).fields.length === 0
  })
}

test('a change that is not major refuses no call that was taken; one that is refuses some', () => {
  fc.assert(
    fc.property(inputs, inputs, (before, after) => {
      const level = levelOf(
        interfaceChanges(
          { ...head, signature: { inputs: before, outputs: [] } },
          { ...head, signature: { inputs: after, outputs: [] } },
        ),
      )
      const sameNames = before.map(({ name }) => name).join() === after.map(({ name }) => name).join()
      const isSafe = sameNames && before.every((each, index) => takesAll(each, after[index]!))
      if (level !== 'major') assert.ok(isSafe)
      const isWider = before.every((each, index) => after[index] === undefined || takesAll(after[index], each))
      if (isSafe) assert.equal(level, isWider ? 'patch' : 'minor')
    }),
    { numRuns: 3000 },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Uses } from '../registry/version.ts'
import { permitUse } from './uses.ts'

const free: Uses = { permitted: [], prohibited: [], required: false }

const cases: readonly (readonly [string, Partial<Uses>, string | undefined, RegExp | undefined])[] = [
  ['nothing said', {}, undefined, undefined],
  ['any purpose where nothing is said', {}, 'anything', undefined],
  ['a permitted purpose', { permitted: ['retention-offer'] }, 'retention-offer', undefined],
  ['no purpose, none required', { permitted: ['retention-offer'] }, undefined, undefined],
  [
    'another purpose than those permitted',
    { permitted: ['a', 'b'] },
    'c',
    /"c" is not permitted for this model, wanted one of a, b/,
  ],
  ['a prohibited purpose', { prohibited: ['credit-decision'] }, 'credit-decision', /"credit-decision" is prohibited/],
  ['a purpose that is not prohibited', { prohibited: ['credit-decision'] }, 'retention-offer', undefined],
  ['no purpose where one is required', { required: true }, undefined, /a purpose is required/],
  ['a purpose where one is required', { required: true }, 'x', undefined],
  ['another case', { prohibited: ['Credit'] }, 'credit', undefined],
]

for (const [what, uses, purpose, message] of cases) {
  test(`permitUse: ${what}`, () => {
    const problem = permitUse({ ...free, ...uses }, purpose)
    if (message === undefined) return assert.equal(problem, undefined)
    assert.equal(problem?.code, 'forbidden')
    assert.match(problem.message, message)
    assert.deepEqual(
      problem.fields.map(({ field }) => field),
      ['Bellwether-Purpose'],
    )
  })
}

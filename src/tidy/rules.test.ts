/** Shows each rule bad files, so that a rule that no longer bites fails here, and good ones that it must let pass. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RULES } from './rules.ts'
import { told } from './specimen.ts'
import { SPECIMENS_OF_DOCUMENTS } from './specimens-of-documents.ts'
import { SPECIMENS_OF_SOURCE } from './specimens-of-source.ts'

const SPECIMENS = { ...SPECIMENS_OF_SOURCE, ...SPECIMENS_OF_DOCUMENTS }

test('every rule is shown something bad', () => {
  assert.deepEqual(Object.keys(SPECIMENS).sort(), Object.keys(RULES).sort())
  for (const [name, { bad }] of Object.entries(SPECIMENS)) assert.ok(bad.length > 0, name)
})

for (const [name, { bad, good }] of Object.entries(SPECIMENS)) {
  test(`the rule «${name}» bites, and only there`, () => {
    const rule = RULES[name]!
    for (const [says, tree] of bad) {
      const found = told(rule, tree)
      assert.ok(found.startsWith(says), `wanted: ${says}\nfound:  ${found === '' ? 'nothing' : found}`)
    }
    assert.equal(told(rule, good), '')
  })
}

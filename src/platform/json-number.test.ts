import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { jsonNumber, momentText } from './json-number.ts'

it('writes numbers as ECMAScript does', () => {
  for (const value of [0, -0, 1, 999, 1_000, -1, 0.1, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, 2 ** 53])
    assert.equal(jsonNumber(value), String(value))
  const finite = fc.double({ noDefaultInfinity: true, noNaN: true })
  fc.assert(fc.property(fc.oneof(finite, fc.integer()), value => assert.equal(jsonNumber(value), String(value))))
})

it('writes moments, also when they come again', () => {
  for (const ms of [0, 1_700_000_000_000, 1_700_000_000_000, 1_700_000_000_001, 0])
    assert.equal(momentText(ms), String(ms))
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { millisecondsText } from './milliseconds-text.ts'

describe('millisecondsText()', () => {
  it('writes what String writes, of whole microseconds', () => {
    for (let microseconds = 0; microseconds < 20_000; microseconds++) {
      assert.equal(millisecondsText(microseconds / 1000), String(microseconds / 1000))
    }
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2e9 }), microseconds => {
        assert.equal(millisecondsText(microseconds / 1000), String(microseconds / 1000))
      }),
    )
  })

  it('leaves what is out of range to String', () => {
    for (const ms of [1e6, 1e15, -1, -0.5, Number.NaN]) assert.equal(millisecondsText(ms), String(ms))
  })
})

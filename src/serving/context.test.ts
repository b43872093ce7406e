import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem } from '../errors.ts'
import { readContext } from './context.ts'

const pseudonyms = { subject: (id: string) => `s(${id.length})`, unit: (id: string) => `u(${id.length})` }
const TRACE = '0af7651916cd43dd8448eb211c80319c'

describe('readContext()', () => {
  it('keeps pseudonyms in the place of ids', () => {
    const headers = {
      'bellwether-subject': 'alice',
      'bellwether-unit': 'session-1',
      'bellwether-purpose': 'retention-offer',
    }
    const trace = { traceId: TRACE, parentId: 'b7ad6b7169203331', isSampled: true, state: '' }
    assert.deepEqual(readContext(headers, pseudonyms, undefined, trace), {
      subject: 's(5)',
      unit: 'u(9)',
      purpose: 'retention-offer',
      traceId: TRACE,
      isSampled: true,
      explain: false,
    })
  })

  it('knows nothing where nothing is said', () => {
    const nothing = {
      subject: undefined,
      unit: undefined,
      purpose: undefined,
      traceId: undefined,
      isSampled: false,
      explain: false,
    }
    assert.deepEqual(readContext({}, pseudonyms), nothing)
  })

  it('knows from a header or from the address that reasons are wanted', () => {
    assert.equal(readContext({ 'bellwether-explain': 'true' }, pseudonyms).explain, true)
    assert.equal(readContext({}, pseudonyms, new URLSearchParams('explain=true')).explain, true)
    const both = readContext({ 'bellwether-explain': 'false' }, pseudonyms, new URLSearchParams('explain=true'))
    assert.equal(both.explain, false)
    assert.throws(() => readContext({}, pseudonyms, new URLSearchParams('explain=yes')), /neither true nor false/)
  })

  it('names every header that cannot be used', () => {
    const headers = {
      'bellwether-subject': '',
      'bellwether-unit': 'x'.repeat(257),
      'bellwether-purpose': 'tell me everything',
    }
    assert.throws(
      () => readContext(headers, pseudonyms),
      (error: Problem) => {
        assert.equal(error.code, 'invalid')
        assert.deepEqual(
          error.fields.map(({ field }) => field),
          ['Bellwether-Subject', 'Bellwether-Unit', 'Bellwether-Purpose'],
        )
        return error instanceof Problem
      },
    )
    assert.throws(() => readContext({ 'bellwether-subject': ['a', 'b'] }, pseudonyms), /is not one text/)
  })
})

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
    assert.deepEqual(readContext({ ...headers, traceparent: `00-${TRACE}-b7ad6b7169203331-01` }, pseudonyms), {
      subject: 's(5)',
      unit: 'u(9)',
      purpose: 'retention-offer',
      traceId: TRACE,
      isSampled: true,
      explain: false,
    })
  })

  it('knows from the flags whether the trace is kept', () => {
    const sampled = (flags: string): boolean =>
      readContext({ traceparent: `00-${TRACE}-b7ad6b7169203331-${flags}` }, pseudonyms).isSampled
    assert.deepEqual(['00', '01', '02', '03', 'ff', 'fe', '10'].map(sampled), [
      false,
      true,
      false,
      true,
      true,
      false,
      false,
    ])
  })

  it('knows nothing where nothing is said, and ignores a traceparent that is none', () => {
    const nothing = {
      subject: undefined,
      unit: undefined,
      purpose: undefined,
      traceId: undefined,
      isSampled: false,
      explain: false,
    }
    assert.deepEqual(readContext({}, pseudonyms), nothing)
    const zero = '0'.repeat(32)
    for (const traceparent of [
      '',
      'x',
      `00-${zero}-b7ad6b7169203331-01`,
      `ff-${TRACE}-b7ad6b7169203331-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `00-${TRACE}-b7ad6b7169203331-01-more`,
      `00-${TRACE}-b7ad6b7169203331-011`,
      `01-${TRACE}-b7ad6b7169203331-011`,
    ]) {
      assert.deepEqual(readContext({ traceparent }, pseudonyms), nothing, traceparent)
    }
  })

  it('reads the traceparent of a later version as far as it knows it', () => {
    for (const end of ['', '-', '-what-comes-later'])
      assert.equal(readContext({ traceparent: `01-${TRACE}-b7ad6b7169203331-01${end}` }, pseudonyms).traceId, TRACE)
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

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonical } from '../ledger/canonical.ts'
import type { PredictionRecord } from '../ledger/record.ts'
import { laneTexts } from './lane.ts'
import { answerText, recordFrame, recordText } from './prediction-text.ts'

const text = fc.string({ unit: 'grapheme', minLength: 1 })
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })
const numbers = fc.dictionary(text, fc.double({ noNaN: true, noDefaultInfinity: true }), { noNullPrototype: true })
const call = fc.record({
  actor: text,
  at: fc.nat(),
  door: fc.constantFrom('rest', 'oip'),
  latencyMs: fc.nat({ max: 2e9 }).map(microseconds => microseconds / 1000),
  requestId: fc.stringMatching(/^[\w.:;,@=+/-]{1,40}$/),
  source: fc.oneof(text, fc.constant('')),
  model: text,
  version: text,
  lane: optional(fc.record({ release: text, arm: text })),
  subject: optional(text),
  unit: optional(text),
  purpose: optional(text),
  traceId: optional(text),
  id: fc.uuid(),
  features: numbers,
  outputs: numbers,
  row: fc.nat(3),
  sealed: optional(fc.base64String()),
  explanation: optional(
    fc.record({ bias: fc.double({ noNaN: true, noDefaultInfinity: true }), contributions: numbers }),
  ),
})

/** The record as an object, with what is not known left out. */
function recordOf(c: typeof call extends fc.Arbitrary<infer T> ? T : never): PredictionRecord {
  const { lane, subject, unit, purpose, traceId, sealed, source, row, ...known } = c
  const some = {
    ...lane,
    row: row === 0 ? undefined : row,
    subject,
    unit,
    purpose,
    traceId,
    sealed,
    source: source === '' ? undefined : source,
  }
  return { kind: 'prediction', ...known, ...some } as unknown as PredictionRecord
}

describe('recordText()', () => {
  it('is the canonical JSON of the record, whatever stands in it', () => {
    fc.assert(
      fc.property(call, c => {
        const { subject, unit, purpose, traceId } = c
        const texts = laneTexts(c, c.lane?.release ?? null, c.lane?.arm ?? null)
        const context = { subject, unit, purpose, traceId, isSampled: false, explain: false }
        const facts = { ...c, actor: { id: c.actor }, context }
        const frame = recordFrame({ texts }, facts)
        const written = recordText(
          frame,
          c.id,
          canonical(c.features),
          canonical(c.outputs),
          c.row,
          c.sealed,
          c.explanation && canonical(c.explanation),
        )
        assert.equal(written, canonical(recordOf(c)))
      }),
    )
  })
})

describe('answerText()', () => {
  it('names everything that a client may rely on, with null for what is not', () => {
    const named = laneTexts({ model: 'churn', version: '1.0.0' }, 'all', 'champion')
    assert.deepEqual(JSON.parse(answerText({ texts: named }, 'i', '{"p":0.5}')), {
      id: 'i',
      model: 'churn',
      version: '1.0.0',
      release: 'all',
      arm: 'champion',
      outputs: { p: 0.5 },
    })
    const pinned = laneTexts({ model: 'a"b', version: '1.0.0' }, null, null)
    const { model, release, arm } = JSON.parse(answerText({ texts: pinned }, 'i', '{}')) as Record<string, unknown>
    assert.deepEqual([model, release, arm], ['a"b', null, null])
  })
})

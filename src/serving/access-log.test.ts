import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { Problem } from '../errors.ts'
import { accessLog } from './access-log.ts'
import type { Journey } from './journey.ts'
import { laneTexts } from './lane.ts'

function lineOf(journey: object): Record<string, unknown> {
  const lines: string[] = []
  accessLog(line => lines.push(line))(journey as Journey)
  assert.equal(lines.length, 1)
  return JSON.parse(lines[0]!) as Record<string, unknown>
}

const BODY = '{"age":42}'
const COMMON = { at: 5, requestId: 'r:1', door: 'rest', source: '127.0.0.1', tookMs: 1.25, body: Buffer.from(BODY) }
const lane = { texts: laneTexts({ model: 'churn', version: '1.0.0' }, 'all', 'champion') }
const context = { subject: 'pseudonym', purpose: 'retention-offer', unit: undefined }
const trace = { traceId: 'a'.repeat(32) }
const sha256 = createHash('sha256').update(BODY).digest('hex')

describe('accessLog()', () => {
  it('tells an answer without what was asked', () => {
    const answered = { ...COMMON, actor: { id: 'key:1' }, model: 'churn', version: '1.0.0', lane, context, trace }
    assert.deepEqual(lineOf({ ...answered, rows: { single: true }, ids: ['i1'], outputTexts: ['{"p":0.5}'] }), {
      level: 'info',
      time: 5,
      message: 'invocation',
      requestId: 'r:1',
      traceId: trace.traceId,
      door: 'rest',
      model: 'churn',
      version: '1.0.0',
      release: 'all',
      arm: 'champion',
      status: 200,
      id: 'i1',
      result: { p: 0.5 },
      latencyMs: 1.25,
      payloadSha256: sha256,
      subject: 'pseudonym',
      purpose: 'retention-offer',
      actor: 'key:1',
      source: '127.0.0.1',
    })
  })

  it('tells how many rows a batch had and the first hundred results', () => {
    const ids = Array.from({ length: 250 }, (_, at) => `i${at}`)
    const { rows, result } = lineOf({
      ...COMMON,
      rows: { single: false },
      ids,
      outputTexts: ids.map((_, at) => `{"p":${at}}`),
    })
    assert.equal(rows, 250)
    assert.equal((result as unknown[]).length, 100)
  })

  it('tells a refusal, with as much as was known', () => {
    const problem = new Problem('too_large', 'Cannot read the body')
    assert.deepEqual(lineOf({ ...COMMON, source: '', body: undefined, problem, ids: [] }), {
      level: 'info',
      time: 5,
      message: 'invocation',
      requestId: 'r:1',
      door: 'rest',
      status: 413,
      code: 'too_large',
      latencyMs: 1.25,
    })
  })
})

import assert from 'node:assert/strict'
import { getRandomValues } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RANDOMNESS_END, randomnessOf, readTrace, traceHeaders, traceIds } from './trace-context.ts'
import { sampler } from './trace-sampler.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const GOOD = { traceparent: `00-${TRACE}-${SPAN}-01` }

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(found => Buffer.from(found).toString('hex'))

describe('readTrace()', () => {
  it('reads what traceHeaders() writes', () => {
    fc.assert(
      fc.property(hex(16), hex(8), fc.boolean(), fc.constantFrom('', 'a=1', 'rojo=00f067,t@vendor=x y'), (...given) => {
        const [traceId, parentId, isSampled, state] = given
        fc.pre(/[1-9a-f]/.test(traceId) && /[1-9a-f]/.test(parentId))
        const headers = traceHeaders({ traceId, isSampled, state }, parentId)
        assert.deepEqual(readTrace(headers), { traceId, parentId, isSampled, state })
        assert.equal('tracestate' in headers, state !== '')
      }),
    )
  })

  it('knows from the flags whether the trace is kept', () => {
    const sampled = ['00', '01', '02', '03', 'ff', 'fe', '10'].map(
      flags => readTrace({ traceparent: `00-${TRACE}-${SPAN}-${flags}` })!.isSampled,
    )
    assert.deepEqual(sampled, [false, true, false, true, true, false, false])
  })

  it('ignores a traceparent that is none, and the state with it', () => {
    for (const traceparent of [
      undefined,
      '',
      'x',
      `00-${'0'.repeat(32)}-${SPAN}-01`,
      `ff-${TRACE}-${SPAN}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `00-${TRACE}-${SPAN}-01-more`,
      `00-${TRACE}-${SPAN}-011`,
      `01-${TRACE}-${SPAN}-011`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
      [GOOD.traceparent, GOOD.traceparent],
    ]) {
      assert.equal(readTrace({ traceparent, tracestate: 'a=1' }), undefined, String(traceparent))
    }
  })

  it('reads the traceparent of a later version as far as it knows it', () => {
    for (const end of ['', '-', '-what-comes-later'])
      assert.equal(readTrace({ traceparent: `01-${TRACE}-${SPAN}-01${end}` })!.traceId, TRACE)
  })

  it('hands a state on as it came, and none that is none', () => {
    const state = (tracestate: string | string[]): string => readTrace({ ...GOOD, tracestate })!.state
    for (const good of ['a=1', 'a=1,b=2', 'a=1, b=2 x', 'a=1,,b=2', '0tenant@v=x', 'a/b-c_d*=!~', 'a=x '])
      assert.equal(state(good), good.trim(), good)
    assert.equal(state(['a=1', 'b=2']), 'a=1,b=2')
    const many = Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(',')
    for (const bad of ['a', '=1', 'A=1', 'a=1=2', 'a=ü', 'a=\u0007', `a=${'x'.repeat(257)}`, 'a@b@c=1', many])
      assert.equal(state(bad), '', bad)
    assert.equal(state(`a=${'x'.repeat(200)},b=${'x'.repeat(200)},c=${'x'.repeat(200)}`), '')
  })

  it('takes no time over what is meant to take some', () => {
    const began = performance.now()
    for (const tracestate of [' '.repeat(511), `${'a'.repeat(255)}@`, `a=${' '.repeat(500)}`, '\t,'.repeat(250)])
      readTrace({ ...GOOD, tracestate })
    assert.ok(performance.now() - began < 100)
  })
})

describe('traceIds()', () => {
  it('makes ids that are none of zeros alone, and different ones', () => {
    const ids = traceIds(bytes => void getRandomValues(bytes))
    const found = new Set(Array.from({ length: 2_000 }, (_, at) => (at % 3 === 0 ? ids.spanId() : ids.traceId())))
    assert.equal(found.size, 2_000)
    const zeros = traceIds(bytes => void bytes.fill(0))
    for (let at = 0; at < 600; at++) assert.match(at % 2 === 0 ? zeros.traceId() : zeros.spanId(), /[1-9a-f]/)
  })

  it('tells the randomness of an id as whoever reads it does', () => {
    const ids = traceIds(bytes => void getRandomValues(bytes))
    for (let at = 0; at < 600; at++) {
      const id = ids.traceId()
      assert.match(id, /^[0-9a-f]{32}$/)
      assert.equal(ids.randomness, randomnessOf(id))
    }
  })
})

describe('sampler()', () => {
  const parent = (isSampled: boolean, traceId = TRACE) => ({ traceId, parentId: SPAN, isSampled, state: '' })

  it('keeps a share of those that begin here, all of them, or none', () => {
    const random = (): number => Number(getRandomValues(new BigUint64Array(1))[0]! % BigInt(RANDOMNESS_END))
    for (const ratio of [0, 0.1, 0.5, 1]) {
      const { begins } = sampler('traceidratio', ratio)
      const kept = Array.from({ length: 10_000 }, random).filter(begins).length
      assert.ok(Math.abs(kept / 10_000 - ratio) < 0.03, `${kept} of 10000 at ${ratio}`)
    }
    for (const edge of [0, RANDOMNESS_END - 1]) {
      assert.equal(sampler('always_on', 0).begins(edge), true)
      assert.equal(sampler('always_off', 1).begins(edge), false)
      assert.equal(sampler('traceidratio', 1).begins(edge), true)
      assert.equal(sampler('traceidratio', 0).begins(edge), false)
    }
  })

  it('does as the caller does, or not', () => {
    for (const isSampled of [true, false]) {
      assert.equal(sampler('parentbased_always_off', 1).joins(parent(isSampled)), isSampled)
      assert.equal(sampler('parentbased_traceidratio', 0.5).joins(parent(isSampled)), isSampled)
      assert.equal(sampler('always_on', 0).joins(parent(isSampled)), true)
      assert.equal(sampler('always_off', 1).joins(parent(isSampled)), false)
    }
  })

  it('keeps what whoever keeps fewer keeps as well', () => {
    const [few, many] = [sampler('traceidratio', 0.1), sampler('traceidratio', 0.4)]
    fc.assert(fc.property(hex(16), id => !few.joins(parent(false, id)) || many.joins(parent(false, id))))
  })
})

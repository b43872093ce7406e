import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonical } from '../ledger/canonical.ts'
import type { Explanation } from '../ledger/record.ts'
import { explanationWriter, withSealed } from './explanation-text.ts'

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter(text => text !== '__proto__')
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 9 })
/** Contributions as models have them, of any scale. */
const scaled = fc
  .tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.integer({ min: -18, max: 12 }))
  .map(([value, exponent]) => value * 10 ** exponent)

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0)

describe('explanationWriter()', () => {
  it('writes canonical JSON whose contributions and bias sum to the margin', () => {
    fc.assert(
      fc.property(
        names.chain(features =>
          fc.record({
            features: fc.constant(features),
            values: fc.array(scaled, { minLength: features.length, maxLength: features.length }),
            bias: fc.double({ min: -1e3, max: 1e3, noNaN: true }),
          }),
        ),
        ({ features, values, bias }) => {
          const sensitive = features.map(() => false)
          const { write } = explanationWriter({
            names: features,
            sensitive,
            margins: [],
            bias: Float64Array.of(bias),
          })
          const text = write(Float64Array.from([9, ...values]), 1)
          const { bias: writtenBias, contributions } = JSON.parse(text) as Explanation
          assert.equal(text, canonical(JSON.parse(text)))
          assert.equal(writtenBias, bias + 0)
          const written = features.map(feature => contributions![feature] as number)
          const largest = Math.max(...values.map(Math.abs))
          for (const [at, value] of values.entries()) {
            assert.ok(Math.abs(written[at]! - value) <= 1.01e-6 * largest, `${value} is written ${written[at]}`)
          }
          assert.ok(Math.abs(sum(written) - sum(values)) <= 0.51e-6 * largest + 1e-12, 'the sum is another')
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('writes the numbers of ECMAScript, at every scale', () => {
    const { write } = explanationWriter({
      names: ['a', 'b', 'c', 'd'],
      sensitive: [false, false, false, false],
      margins: [],
      bias: Float64Array.of(-1.5),
    })
    const rows: readonly [readonly number[], string][] = [
      [[0, -0, 0, 0], '"a":0,"b":0,"c":0,"d":0'],
      [[0.25, -0.1234567, 1e-7, 0], '"a":0.25,"b":-0.1234567,"c":1e-7,"d":0'],
      [[12345.678, -1, 0.001, 100], `"a":12345.68,"b":-1,"c":0,"d":100`],
      [[9999999, 1, 0, 0], '"a":9999999,"b":1,"c":0,"d":0'],
      [[1e12, 0.1, 0, -5], '"a":1000000000000,"b":0.1,"c":0,"d":-5'],
      [[3e-12, 0, 0, -1.5e-30], '"a":3e-12,"b":0,"c":0,"d":-1.5e-30'],
    ]
    for (const [values, wanted] of rows) {
      assert.equal(write(Float64Array.from(values), 0), `{"bias":-1.5,"contributions":{${wanted}}}`)
    }
    assert.throws(() => write(Float64Array.of(1, Number.NaN, 0, 0), 0), RangeError)
    assert.throws(() => write(Float64Array.of(1, 0, 0, Infinity), 0), RangeError)
  })

  it('leaves a feature that moves nothing at nothing', () => {
    const { write } = explanationWriter({
      names: ['a', 'b', 'c'],
      sensitive: [false, false, false],
      margins: [],
      bias: Float64Array.of(0),
    })
    const { contributions } = JSON.parse(write(Float64Array.of(0.33333333333, 0, 0.66666666666), 0))
    assert.equal(contributions.b, 0)
  })

  it('names margins, and keeps the sensitive columns apart', () => {
    const values = Float64Array.of(0.1, 0.2, 0.3, -0.1, -0.2, -0.3)
    const shape = {
      names: ['z', 'größe', 'a'],
      margins: ['no', 'maybe'],
      bias: Float64Array.of(1, 2),
      method: 'kernel-shap',
    }
    const some = explanationWriter({ ...shape, sensitive: [false, true, false] })
    assert.equal(
      some.write(values, 0),
      '{"bias":{"maybe":2,"no":1},"contributions":{"maybe":{"a":-0.3,"z":-0.1},"no":{"a":0.3,"z":0.1}},"method":"kernel-shap"}',
    )
    assert.equal(some.writeSensitive(values, 0), '{"maybe":{"größe":-0.2},"no":{"größe":0.2}}')
    assert.deepEqual(JSON.parse(some.writeAll(values, 0)).contributions.no, { a: 0.3, größe: 0.2, z: 0.1 })
    assert.equal(
      withSealed(some.write(values, 0), 'k.x'),
      canonical({ ...JSON.parse(some.write(values, 0)), sealed: 'k.x' }),
    )
    const all = explanationWriter({ ...shape, sensitive: [true, true, true] })
    assert.equal(all.write(values, 0), '{"bias":{"maybe":2,"no":1},"method":"kernel-shap"}')
  })
})

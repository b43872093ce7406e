import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { pack, unpack } from './pack.ts'

const arrays = fc.oneof(
  fc.array(fc.double()).map(values => Float64Array.from(values)),
  fc.array(fc.float()).map(values => Float64Array.from(values)),
  fc.array(fc.integer({ min: -300, max: 70_000 })).map(values => Int32Array.from(values)),
  fc.array(fc.nat(300)).map(values => Uint32Array.from(values)),
  fc.array(fc.nat(255)).map(values => Uint8Array.from(values)),
  fc.array(fc.integer({ min: -40_000, max: 40_000 })).map(values => Float64Array.from(values)),
)

describe('pack()', () => {
  test('is undone by unpack(), bit for bit', () => {
    const data = fc.record(
      {
        arrays: fc.array(arrays),
        number: fc.double(),
        text: fc.string(),
        deep: fc.record({ more: arrays }, { noNullPrototype: true }),
      },
      { noNullPrototype: true },
    )
    fc.assert(fc.property(data, value => assert.deepStrictEqual(unpack(pack(value)), value)))
  })

  test('writes numbers as narrow as they are', () => {
    const bytes = (array: unknown): number => Buffer.from(pack(array).bytes, 'base64').length
    assert.equal(bytes(Float64Array.of(1, -2, 100)), 3)
    assert.equal(bytes(Float64Array.of(0.5, 1.25)), 8)
    assert.equal(bytes(Float64Array.of(0.1)), 8)
    assert.equal(bytes(Float64Array.of(-0, 1)), 8)
    assert.equal(bytes(Int32Array.of(40_000)), 2)
  })
})

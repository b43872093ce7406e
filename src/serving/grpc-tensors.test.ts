import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtoReader } from '../platform/protobuf.ts'
import { readContents } from './grpc-tensors.ts'
import { readRaw } from './tensor-bytes.ts'

const buffer = (view: ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength)

test('raw tensors are little-endian numbers of their datatype', () => {
  const cases: readonly (readonly [string, ArrayBufferView, readonly unknown[]])[] = [
    ['BOOL', Uint8Array.of(0, 1, 2), [false, true, true]],
    ['INT8', Int8Array.of(-128, 127), [-128, 127]],
    ['INT16', Int16Array.of(-32_768, 32_767), [-32_768, 32_767]],
    ['INT32', Int32Array.of(-2_147_483_648, 7), [-2_147_483_648, 7]],
    ['INT64', BigInt64Array.of(-(2n ** 53n), 2n ** 53n - 1n), [-(2 ** 53), 2 ** 53 - 1]],
    ['UINT8', Uint8Array.of(255), [255]],
    ['UINT16', Uint16Array.of(65_535), [65_535]],
    ['UINT32', Uint32Array.of(4_294_967_295), [4_294_967_295]],
    ['UINT64', BigUint64Array.of(2n ** 53n), [2 ** 53]],
    ['FP16', Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00, 0x7e00), [1, -2, 65_504, 2 ** -24, Infinity, null]],
    ['FP32', Float32Array.of(0.5, Number.NaN), [0.5, null]],
    ['FP64', Float64Array.of(0.1, Number.NaN, -Infinity), [0.1, null, -Infinity]],
  ]
  for (const [datatype, view, wanted] of cases) {
    assert.deepEqual(readRaw(buffer(view), datatype, wanted.length, 'inputs[0]'), wanted, datatype)
    const more = () => readRaw(buffer(view), datatype, wanted.length + 1, 'inputs[0]')
    assert.throws(more, { code: 'invalid', message: /were wanted by its shape/ })
  }
})

test('raw texts have their length before them', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), texts => {
      const parts = texts.flatMap(text => {
        const length = Buffer.alloc(4)
        length.writeUInt32LE(Buffer.byteLength(text))
        return [length, Buffer.from(text)]
      })
      assert.deepEqual(readRaw(Buffer.concat(parts), 'BYTES', texts.length, 'inputs[0]'), texts)
    }),
  )
  const wrong = (bytes: readonly number[]) => () => readRaw(Buffer.from(bytes), 'BYTES', 1, 'inputs[0]')
  assert.throws(wrong([5, 0, 0, 0, 65]), /ends within a text/)
  assert.throws(wrong([5, 0]), /ends within a text/)
  assert.throws(wrong([1, 0, 0, 0, 0xff]), /not UTF-8/)
  assert.throws(wrong([0, 0, 0, 0, 0, 0, 0, 0]), /has 2 texts, 1 were wanted/)
})

test('typed contents stand in the field of their datatype', () => {
  const read = (hex: string, datatype: string, count: number) =>
    readContents(new ProtoReader(Buffer.from(hex, 'hex')), datatype, count, 'inputs[0]')
  assert.deepEqual(read('1a03010203', 'INT64', 3), [1, 2, 3])
  assert.deepEqual(read('180118021803', 'INT64', 3), [1, 2, 3], 'one by one')
  assert.deepEqual(read('0a020100', 'BOOL', 2), [true, false])
  assert.deepEqual(read('32040000803f', 'FP32', 1), [1])
  assert.deepEqual(read('420161', 'BYTES', 1), ['a'])
  assert.throws(() => read('1a03010203', 'FP64', 3), /in the field of another type/)
  assert.throws(() => read('1a020102', 'INT64', 3), /has 2 values, 3 were wanted/)
  assert.throws(() => read('', 'FP16', 1), /raw_input_contents was wanted/)
  assert.throws(() => read('', 'FLOAT', 1), /one of BOOL, INT8/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FRAME_BYTES_MAX, frameReader, LENGTH_BYTES } from './frames.ts'

function framed(content: Uint8Array): Buffer {
  const frame = Buffer.alloc(LENGTH_BYTES + content.length)
  frame.writeUInt32LE(content.length)
  frame.set(content, LENGTH_BYTES)
  return frame
}

test('frames come out whole and in order, however their bytes are cut', () => {
  const contents = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 10 })
  const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(contents, cuts, (given, sizes) => {
      const taken: Uint8Array[] = []
      const push = frameReader(frame => taken.push(Uint8Array.from(frame)))
      const bytes = Buffer.concat(given.map(framed))
      for (let at = 0, n = 0; at < bytes.length; n++) {
        const end = at + sizes[n % sizes.length]!
        push(bytes.subarray(at, end))
        at = end
      }
      assert.deepEqual(
        taken,
        given.map(content => Uint8Array.from(content)),
      )
    }),
  )
})

test('a frame may be longer than the buffer, and what follows it is read as well', () => {
  const long = Buffer.alloc(300_000, 7)
  const taken: number[] = []
  const push = frameReader(frame => taken.push(frame.length))
  const bytes = Buffer.concat([framed(long), framed(Buffer.of(1)), framed(long)])
  for (let at = 0; at < bytes.length; at += 65_536) push(bytes.subarray(at, at + 65_536))
  assert.deepEqual(taken, [long.length, 1, long.length])
})

test('a length that no frame has is refused, also where it comes in pieces', () => {
  const tooLong = Buffer.alloc(8)
  tooLong.writeUInt32LE(FRAME_BYTES_MAX + 1)
  assert.throws(() => frameReader(() => {})(tooLong), RangeError)
  const push = frameReader(() => {})
  push(tooLong.subarray(0, 2))
  assert.throws(() => push(tooLong.subarray(2)), RangeError)
  assert.throws(() => frameReader(() => {})(Buffer.alloc(4)), RangeError)
})

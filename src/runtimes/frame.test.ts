import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FRAME, type Frame, FrameReader, frameHead } from './frame.ts'

function readerOf(bodyBytesMax: number): { readonly reader: FrameReader; readonly frames: Frame[] } {
  const frames: Frame[] = []
  const reader = new FrameReader(frame => frames.push(frame))
  reader.bodyBytesMax = bodyBytesMax
  return { reader, frames }
}

test('frames are put together from pieces of any length', () => {
  const frame = fc.record({ told: fc.dictionary(fc.string(), fc.integer()), body: fc.uint8Array({ maxLength: 100 }) })
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (sent, cuts) => {
        const bytes = Buffer.concat(sent.flatMap(({ told, body }) => [frameHead(FRAME.done, told, body.length), body]))
        const { reader, frames } = readerOf(100)
        for (let at = 0, cut = 0; at < bytes.length; cut++) {
          const length = cuts[cut % cuts.length]!
          reader.take(bytes.subarray(at, at + length))
          at += length
        }
        assert.deepEqual(
          frames.map(({ told, body }) => [told, [...body]]),
          sent.map(({ told, body }) => [JSON.parse(JSON.stringify(told)), [...body]]),
        )
      },
    ),
  )
})

test('what is no frame of ours is refused before it is kept', () => {
  const refused = (bytes: Buffer): void => {
    assert.throws(() => readerOf(10).reader.take(bytes), { code: 'failed', message: /no frame of ours/ })
  }
  refused(frameHead(FRAME.predict, {}, 0))
  refused(frameHead(FRAME.done, {}, 11))
  refused(frameHead(FRAME.done, {}, 2 ** 60))
  refused(Buffer.from('{"a model that prints": true}'))
  refused(frameHead(FRAME.done, [], 0))
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), bytes => {
      try {
        readerOf(10).reader.take(Buffer.from(bytes))
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'failed')
      }
    }),
  )
})

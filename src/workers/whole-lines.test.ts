import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { wholeLines } from './whole-lines.ts'

test('lines are passed on whole, in order, however they come; a last one without an end gets one', () => {
  const texts = fc.array(fc.stringMatching(/^[a-zü€]{0,20}$/), { maxLength: 20 })
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 30 }), fc.boolean(), (lines, size, isCut) => {
      const bytes = Buffer.from(lines.map(line => `${line}\n`).join(''))
      const given = isCut ? bytes.subarray(0, -1) : bytes
      const taken: Buffer[] = []
      const whole = wholeLines(part => {
        assert.equal(part.at(-1), 0x0a)
        taken.push(Buffer.from(part))
      })
      for (let at = 0; at < given.length; at += size) whole.push(given.subarray(at, at + size))
      whole.end()
      const isEmptyLast = isCut && (given.length === 0 || given.at(-1) === 0x0a)
      assert.deepEqual(Buffer.concat(taken), isEmptyLast ? given : bytes)
    }),
  )
})

test('a line that never ends does not fill the memory', () => {
  const taken: number[] = []
  const whole = wholeLines(part => taken.push(part.length))
  for (let piece = 0; piece < 40; piece++) whole.push(Buffer.alloc(65_536, 'a'))
  assert.ok(taken.length >= 2 && Math.max(...taken) < 1_200_000)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { manualClock } from './clock.ts'
import { isUuid7, uuid7, uuid7At, uuid7From } from './ids.ts'

test('uuid7() is well formed and tells its millisecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), at => {
      const id = uuid7(manualClock(at)).next()
      assert.ok(isUuid7(id), id)
      assert.equal(uuid7At(id), at)
      assert.ok(uuid7From(at) <= id, 'the first id of a millisecond is not above one made in it')
    }),
  )
})

test('uuid7() increases whatever the clock does: standing, running, going back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5_000, max: 50 }), { minLength: 1, maxLength: 60 }), moves => {
      const clock = manualClock(1_700_000_000_000)
      const ids = uuid7(clock)
      let before = ids.next()
      for (const move of moves) {
        clock.advance(move)
        const id = ids.next()
        assert.ok(id > before, `${id} follows ${before}`)
        before = id
      }
    }),
  )
})

test('uuid7() stays unique and ordered beyond the 4,096 ids that its counter has for one millisecond', () => {
  const ids = uuid7(manualClock(1_700_000_000_000))
  const made = Array.from({ length: 20_000 }, () => ids.next())
  assert.equal(new Set(made).size, made.length)
  assert.deepEqual([...made].sort(), made)
})

test('uuid7() is reproducible with a seeded source of bytes', () => {
  const seeded = () => uuid7(manualClock(1_700_000_000_000), bytes => void bytes.fill(7))
  assert.equal(seeded().next(), seeded().next())
})

test('isUuid7() refuses other versions, variants and upper case', () => {
  assert.ok(isUuid7('018bcfe5-6800-7abc-8def-0123456789ab'))
  for (const text of [
    '018bcfe5-6800-4abc-8def-0123456789ab',
    '018bcfe5-6800-7abc-cdef-0123456789ab',
    '018BCFE5-6800-7ABC-8DEF-0123456789AB',
    '018bcfe5-6800-7abc-8def-0123456789a',
    '',
  ]) {
    assert.ok(!isUuid7(text), text)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mutex } from './mutex.ts'

const refusal = (why: string): Error => new Error(why)

test('mutex() lets one in at a time, in the order of asking', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 30 }), async turns => {
      const { lock, unlock } = mutex({ waitMsMax: 10_000, waitersMax: 100, refusal })
      const order: number[] = []
      let inside = 0
      const work = turns.map(async (yields, i) => {
        await lock()
        assert.equal(++inside, 1)
        order.push(i)
        for (let n = 0; n < yields; n++) await Promise.resolve()
        inside--
        unlock()
      })
      await Promise.all(work)
      assert.deepEqual(
        order,
        turns.map((_, i) => i),
      )
    }),
  )
})

test('mutex() refuses whoever waits too long, and the others still get their turn', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { lock, unlock } = mutex({ waitMsMax: 1_000, waitersMax: 100, refusal })
  await lock()
  const late = assert.rejects(lock(), { message: 'waited' })
  t.mock.timers.tick(600)
  const patient = lock()
  t.mock.timers.tick(600)
  await late
  unlock()
  await patient
  unlock()
  await lock()
})

test('mutex() refuses whoever finds too many waiting', async () => {
  const { lock, unlock } = mutex({ waitMsMax: 1_000, waitersMax: 2, refusal })
  await lock()
  const waiting = [lock(), lock()]
  await assert.rejects(lock(), { message: 'crowded' })
  unlock()
  await waiting[0]
  unlock()
  await waiting[1]
})

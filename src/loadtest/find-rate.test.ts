import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bestOf, findRate } from './find-rate.ts'

const WITHIN = { least: 1, most: 1e6 }
const upTo =
  (limit: number) =>
  async (rate: number): Promise<{ isGood: boolean; result: number }> => ({ isGood: rate <= limit, result: rate })

test('findRate() finds the limit to a tenth, wherever it begins, in few steps', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 2, max: 5e5, noNaN: true }),
      fc.double({ min: 1, max: 1e6, noNaN: true }),
      async (limit, first) => {
        const tried = await findRate(first, WITHIN, upTo(limit))
        const { rate, result } = bestOf(tried)!
        assert.ok(rate <= limit && rate * 1.1 >= limit, `${rate} for ${limit}`)
        assert.equal(result, rate)
        assert.ok(tried.length <= 24)
      },
    ),
  )
})

test('findRate() stops at its bounds', async () => {
  const all = await findRate(1000, WITHIN, upTo(Number.POSITIVE_INFINITY))
  assert.equal(bestOf(all)?.rate, 1e6)
  assert.equal(all.filter(({ rate }) => rate === 1e6).length, 1)
  const none = await findRate(8, WITHIN, upTo(0))
  assert.deepEqual(
    none.map(({ rate }) => rate),
    [8, 4, 2, 1],
  )
  assert.equal(bestOf(none), undefined)
})

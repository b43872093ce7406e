/** Two replicas that share a Redis share their limits; where it is away, each goes on by itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redisBuckets } from '../../src/platform/redis-buckets.ts'
import { redisProgram, skipUnless } from '../services.ts'
import { ask, type RunningApp, withApp } from '../serving/app.ts'
import { startRedis } from './redis.ts'

const ROW = { age: 20, tenure: 1 }
const skip = skipUnless('redis')

async function statuses(apps: readonly RunningApp[], count: number): Promise<readonly number[]> {
  const found: number[] = []
  for (let i = 0; i < count; i++) found.push((await ask(`${apps[i % apps.length]!.url}/predict`, ROW)).status)
  return found
}

test('two replicas answer together as often as one may', { skip, timeout: 60_000 }, async () => {
  const redis = await startRedis(redisProgram()!)
  try {
    const limits = { 'limits.modelRate': 0.01, 'limits.burstSeconds': 700, 'redis.url': redis.url }
    await withApp(limits, one =>
      withApp(limits, async two => {
        for (const app of [one, two]) await app.register('tiny')
        // The connection is made in the background: until it is there, each limits by itself.
        await connected(redis.url)
        const before = (await statuses([one, two], 20)).filter(status => status === 200).length
        assert.ok(before >= 7, `${before} answered`)
        assert.deepEqual(await statuses([one, two], 4), [429, 429, 429, 429])
        await redis.stop()
        const alone = await statuses([one, two], 4)
        assert.ok(alone.includes(200), 'without Redis each has its own')
        assert.ok(alone.every(status => status === 200 || status === 429))
      }),
    )
  } finally {
    await redis.stop()
  }
})

test('buckets in Redis give their burst once, however many ask at the same time', {
  skip,
  timeout: 60_000,
}, async () => {
  const redis = await startRedis(redisProgram()!)
  const told: string[] = []
  const log = { info: () => {}, warn: (_: unknown, message: string) => void told.push(message) }
  const replicas = [redisBuckets(redis.url, log), redisBuckets(redis.url, log)]
  try {
    const quotas = [
      { perSecond: 0.001, burst: 50 },
      { perSecond: 0.001, burst: 30 },
    ]
    await Promise.all(replicas.map(replica => ready(() => replica.takeAll(['warm'], [{ perSecond: 1, burst: 1 }]))))
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, i) => replicas[i % 2]!.takeAll(['address:a', 'key:b'], quotas)),
    )
    const granted = all.filter(levels => levels.every(({ waitMs }) => waitMs === 0))
    assert.equal(granted.length, 30)
    const [level] = await replicas[0]!.takeAll(['address:a'], [quotas[0]!])
    assert.equal(level!.left, 19, 'what was refused took nothing of the other bucket')
    await redis.stop()
    await assert.rejects(replicas[0]!.takeAll(['address:a'], [quotas[0]!]))
    assert.ok(told.length <= 2, told.join('; '))
  } finally {
    for (const replica of replicas) await replica.close()
    await redis.stop()
  }
})

/** Until a call succeeds: Redis is connected to in the background. */
async function ready(call: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    try {
      await call()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise(resolve => setImmediate(resolve))
    }
  }
}

async function connected(url: string): Promise<void> {
  const probe = redisBuckets(url, { info: () => {}, warn: () => {} })
  await ready(() => probe.takeAll(['probe'], [{ perSecond: 1, burst: 1 }]))
  await probe.close()
}

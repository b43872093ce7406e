import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Actor } from '../route.ts'
import { OWNER } from './access.ts'
import { memoryBuckets, networkOf, openRates, type RateSettings, type Taken } from './rates.ts'

const NONE: RateSettings = { addressRate: 0, keyRate: 0, modelRate: 0, burstSeconds: 1 }
const ANN: Actor = { id: 'key:aa', name: 'ann', roles: [] }
const BEN: Actor = { id: 'key:bb', name: 'ben', roles: [] }

function rates(settings: Partial<RateSettings>) {
  let now = 1_000
  const opened = openRates(
    { ...NONE, ...settings },
    memoryBuckets(() => now),
  )!
  return {
    take: (source: string, actor?: Actor, model?: string) => opened.take({ source, actor, model }) as Taken | undefined,
    wait: (ms: number) => {
      now += ms
    },
  }
}

describe('openRates()', () => {
  it('is nothing where nothing is limited', () => {
    assert.equal(
      openRates(
        NONE,
        memoryBuckets(() => 0),
      ),
      undefined,
    )
    assert.equal(rates({ keyRate: 1 }).take('10.0.0.1'), undefined, 'a stranger has an address only')
  })

  it('tells every limit in the headers of the draft, and the tightest in those of its early versions', () => {
    const limits = rates({ addressRate: 10, keyRate: 4, modelRate: 0.5, burstSeconds: 2 })
    const taken = limits.take('10.0.0.1', ANN, 'churn')!
    assert.equal(taken.problem, undefined)
    assert.deepEqual(taken.headers, {
      'ratelimit-policy': '"address";q=20;w=2, "key";q=8;w=2, "model";q=1;w=2',
      ratelimit: '"address";r=19;t=1, "key";r=7;t=1, "model";r=0;t=2',
      'ratelimit-limit': '1',
      'ratelimit-remaining': '0',
      'ratelimit-reset': '2',
    })
  })

  it('refuses whoever has none left, says for how long, and takes nothing of the other buckets', () => {
    const limits = rates({ addressRate: 5, keyRate: 1 })
    assert.equal(limits.take('10.0.0.1', ANN)!.problem, undefined)
    for (let i = 0; i < 10; i++) {
      const { problem } = limits.take('10.0.0.1', ANN)!
      assert.deepEqual([problem?.code, problem?.retryAfterSeconds], ['rate_limited', 1])
      assert.match(problem!.message, /this caller asks more than 1 times a second/)
      assert.equal(problem!.headers!['ratelimit-remaining'], '0')
    }
    assert.equal(limits.take('10.0.0.1', BEN)!.problem, undefined)
    limits.wait(1_000)
    assert.equal(limits.take('10.0.0.1', ANN)!.problem, undefined)
  })

  it('does not limit the owner of the data folder, nor what has no address', () => {
    const limits = rates({ addressRate: 0.001, keyRate: 0.001, modelRate: 0.001 })
    for (let i = 0; i < 5; i++) {
      assert.equal(limits.take('127.0.0.1', OWNER, 'churn'), undefined)
      assert.equal(limits.take('', ANN, 'churn'), undefined)
    }
  })
})

describe('networkOf()', () => {
  for (const [address, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['', ''],
  ] as const) {
    it(`of «${address}» is «${network}»`, () => assert.equal(networkOf(address), network))
  }
})

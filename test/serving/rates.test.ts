/** Limits of rate, as callers meet them and as the ledger keeps them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RefusalRecord } from '../../src/ledger/record.ts'
import { ask, withApp } from './app.ts'

const ROW = { age: 20, tenure: 1 }

test('a caller that asks too often is told when to come again, and every refusal is counted in the ledger', async () => {
  await withApp({ 'limits.keyRate': 0.01, 'limits.burstSeconds': 300 }, async app => {
    await app.register('tiny')
    const admin = await app.key('admin')
    const shop = { authorization: `Bearer ${await app.key('service')}` }
    const url = `${app.url}/models/tiny/predict`
    for (let left = 2; left >= 0; left--) {
      const { status, headers } = await ask(url, ROW, shop)
      assert.deepEqual([status, headers.get('ratelimit-remaining')], [200, String(left)])
      assert.equal(headers.get('ratelimit-policy'), '"key";q=3;w=300')
    }
    for (let i = 0; i < 5; i++) {
      const { status, body, headers } = await ask(url, ROW, shop)
      assert.deepEqual([status, body['code']], [429, 'rate_limited'])
      assert.ok(Number(headers.get('retry-after')) > 90 && Number(headers.get('retry-after')) <= 100)
      assert.match(headers.get('ratelimit')!, /^"key";r=0;t=\d+$/)
    }
    assert.equal((await ask(url, ROW, { authorization: `Bearer ${admin}` })).status, 200, 'others are answered')
    const infer = await ask(`${app.url}/v2/models/tiny/infer`, { inputs: [] }, shop)
    assert.equal(infer.status, 429, 'by any protocol')
    assert.deepEqual(Object.keys(infer.body), ['error'])
    assert.ok(infer.headers.has('retry-after'))

    const records = await app.records()
    assert.equal(records.filter(({ kind }) => kind === 'prediction').length, 4)
    const refusals = records.filter(({ kind }) => kind === 'refusal') as RefusalRecord[]
    assert.ok(
      refusals.every(({ code, actor, model }) => code === 'rate_limited' && actor !== 'unknown' && model === 'tiny'),
    )
    assert.equal(
      refusals.reduce((sum, { count }) => sum + count, 0),
      6,
    )
  })
})

test('an address that guesses keys is limited before it is answered', async () => {
  await withApp({ 'limits.addressRate': 0.01, 'limits.burstSeconds': 300 }, async app => {
    await app.register('tiny')
    await app.key('admin')
    const wrong = { authorization: 'Bearer bw_000000000000_0000000000000000000000000000000000000000000' }
    const statuses: number[] = []
    for (let i = 0; i < 2; i++) statuses.push((await ask(`${app.url}/predict`, ROW, wrong)).status)
    for (let i = 0; i < 2; i++) statuses.push((await fetch(`${app.url}/models`, { headers: wrong })).status)
    statuses.push((await ask(`${app.url}/predict`, ROW, wrong)).status)
    assert.deepEqual(statuses, [401, 401, 401, 429, 429])
    assert.equal((await fetch(`${app.url}/healthz`)).status, 200, 'how the server is may always be asked')
  })
})

test('a model that is asked too often is spared, also where it is the one that is meant', async () => {
  await withApp({ 'limits.modelRate': 0.01, 'limits.burstSeconds': 200 }, async app => {
    await app.register('tiny')
    assert.equal((await ask(`${app.url}/predict`, ROW)).status, 200)
    assert.equal((await ask(`${app.url}/models/tiny/versions/1.0.0/predict`, ROW)).status, 200)
    assert.equal((await ask(`${app.url}/predict`, ROW)).status, 429)
    assert.equal((await fetch(`${app.url}/models`)).status, 200)
  })
})

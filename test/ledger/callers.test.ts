/** Who was answered by a version: sealed, in the journal, and in both. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonical } from '../../src/ledger/canonical.ts'
import { ledgerWorld } from '../../src/ledger/ledger-world.suite.ts'

test('callers of a version are counted by call and row, those who called last first', async () => {
  const world = await ledgerWorld()
  const ledger = await world.open()
  const record = (actor: string, version: string, more: object = {}): string => {
    world.clock.advance(1000)
    return canonical({
      ...{ kind: 'prediction', id: world.ids.next(), at: world.clock.now(), actor, door: 'rest', model: 'm', version },
      ...{ requestId: 'r', latencyMs: 1, features: { a: 1 }, outputs: { p: 1 } },
      ...more,
    })
  }
  try {
    const since = world.clock.now()
    assert.deepEqual(await ledger.callers({ model: 'm', version: '1.0.0', since, until: since + 1e9 }), [])
    await ledger.append([record('key:a', '1.0.0'), record('key:b"c', '1.0.0'), record('key:a', '2.0.0')])
    await ledger.seal()
    await ledger.append([record('key:a', '1.0.0'), record('key:a', '1.0.0', { row: 1 })])
    await ledger.append([record('key:a', '1.0.0', { row: 2, odd: [1] })])
    await ledger.seal()
    const lastOfA = world.clock.now()
    await ledger.append([record('key:b"c', '1.0.0')])
    await ledger.append([record('key:a', '2.0.0'), record('key:c', '3.0.0')])
    const asked = { model: 'm', version: '1.0.0', until: since + 1e9 }
    assert.deepEqual(await ledger.callers({ ...asked, since }), [
      { actor: 'key:b"c', calls: 2, rows: 2, lastAt: lastOfA + 1000 },
      { actor: 'key:a', calls: 2, rows: 4, lastAt: lastOfA },
    ])
    assert.deepEqual(await ledger.callers({ ...asked, since: lastOfA + 1 }), [
      { actor: 'key:b"c', calls: 1, rows: 1, lastAt: lastOfA + 1000 },
    ])
  } finally {
    await world.close()
  }
})

/** What every database must hold of the keys of subjects; run beside on SQLite and in `test/contracts` on PostgreSQL. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../platform/clock.ts'
import type { Keyring } from '../platform/crypto.ts'
import type { Database } from '../platform/database.ts'
import { subjectKeys } from './subject-keys.ts'

const DAY = Date.UTC(2026, 10, 22, 12)
const ID = '019d0000-0000-7000-8000-000000000001'
const OTHER_ID = '019d0000-0000-7000-8000-000000000002'

export function subjectKeysSuite(engine: string, open: () => Promise<Database>, keyring: () => Promise<Keyring>): void {
  const on = (name: string, run: (db: Database, keyring: Keyring) => Promise<void>): void => {
    test(`keys of subjects on ${engine}: ${name}`, async () => {
      const db = await open()
      try {
        await run(db, await keyring())
      } finally {
        await db.close()
      }
    })
  }

  on('what is sealed can be opened, for its own record only', async (db, ring) => {
    const keys = subjectKeys({ db, keyring: ring, clock: manualClock(DAY) })
    const sealed = (await keys.open('anna'))('{"income":5}', ID)
    assert.ok(!sealed.includes('income'))
    assert.equal(await keys.unseal(sealed, { id: ID, at: DAY, subject: 'anna' }), '{"income":5}')
    await assert.rejects(keys.unseal(sealed, { id: OTHER_ID, at: DAY, subject: 'anna' }), { code: 'corrupt' })
    await keys.open('bert')
    await assert.rejects(keys.unseal(sealed, { id: ID, at: DAY, subject: 'bert' }), { code: 'not_found' })
  })

  on('two processes that begin with a subject at once share its key', async (db, ring) => {
    const [here, there] = [1, 2].map(() => subjectKeys({ db, keyring: ring, clock: manualClock(DAY) }))
    const [sealHere, sealThere] = await Promise.all([here!.open('anna'), there!.open('anna')])
    assert.equal(await there!.unseal(sealHere!('1', ID), { id: ID, at: DAY, subject: 'anna' }), '1')
    assert.equal(await here!.unseal(sealThere!('2', ID), { id: ID, at: DAY, subject: 'anna' }), '2')
  })

  on('erasing one subject leaves the others; who returns begins anew', async (db, ring) => {
    const keys = subjectKeys({ db, keyring: ring, clock: manualClock(DAY) })
    const [anna, bert] = await Promise.all([keys.open('anna'), keys.open('bert')])
    const sealed = [anna('1', ID), bert('2', OTHER_ID)] as const
    assert.equal(await keys.destroy('anna'), true)
    assert.equal(await keys.destroy('anna'), false)
    await assert.rejects(keys.unseal(sealed[0], { id: ID, at: DAY, subject: 'anna' }), { code: 'not_found' })
    const anew = (await keys.open('anna'))('3', ID)
    assert.equal(await keys.unseal(anew, { id: ID, at: DAY, subject: 'anna' }), '3')
    await assert.rejects(
      keys.unseal(sealed[0], { id: ID, at: DAY, subject: 'anna' }),
      { code: 'not_found' },
      'still erased',
    )
    assert.equal(await keys.unseal(sealed[1], { id: OTHER_ID, at: DAY, subject: 'bert' }), '2')
  })

  on('records about nobody are sealed under the key of their day', async (db, ring) => {
    const clock = manualClock(DAY)
    const keys = subjectKeys({ db, keyring: ring, clock })
    const sealed = (await keys.open(undefined))('1', ID)
    clock.advance(86_400_000)
    const next = (await keys.open(undefined))('2', OTHER_ID)
    assert.equal(await keys.destroy('day:2026-11-22'), true)
    await assert.rejects(keys.unseal(sealed, { id: ID, at: DAY }), { code: 'not_found' })
    assert.equal(await keys.unseal(next, { id: OTHER_ID, at: clock.now() }), '2')
  })
}

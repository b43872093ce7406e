import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openKeyring } from '../platform/crypto.ts'
import { openDatabase } from '../platform/database.ts'
import { idOf, ledgerWorld, predictionText } from './ledger-world.suite.ts'
import { leafHash, verifyInclusion } from './merkle.ts'
import { subjectKeys } from './subject-keys.ts'
import { ledgerMigrations } from './tables.ts'
import { verifyLedger } from './verify.ts'

it('erasing a subject takes away what was sealed, and no proof', async () => {
  const world = await ledgerWorld()
  const db = await openDatabase({ file: ':memory:' }, [ledgerMigrations])
  const keys = subjectKeys({ db, keyring: await openKeyring(`${world.folder}-keys`), clock: world.clock })
  const ledger = await world.open()
  const id = world.ids.next()
  const sealed = (await keys.open('a subject'))('{"income":5}', id)
  const text = predictionText(world, 0, { id, subject: 'a subject', sealed })
  await ledger.append([predictionText(world, 1), text, predictionText(world, 2)])
  await ledger.seal()
  const before = await ledger.prove(id)

  const unseal = (): Promise<string> => keys.unseal(sealed, { id, at: world.clock.now(), subject: 'a subject' })
  assert.equal(await unseal(), '{"income":5}')
  assert.equal(await keys.destroy('a subject'), true)
  await assert.rejects(unseal(), { code: 'not_found', message: /erased/ })

  const after = await ledger.prove(idOf(text))
  for (const { record, index, path, head } of [before, after]) {
    assert.equal(record, text)
    const hashes = path.map(hash => Buffer.from(hash, 'hex'))
    assert.ok(verifyInclusion(leafHash(record), index, head.size, hashes, Buffer.from(head.root, 'hex')))
  }
  await ledger.close()
  const report = await verifyLedger(world.folder, {
    publicKeys: [world.signer.publicKey],
    head: before.head,
    engines: 1,
  })
  assert.deepEqual([report.ok, report.proven], [true, 3])
  await db.close()
  await world.close()
})

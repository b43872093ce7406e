import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { bytesColumn, isUniqueViolation, openDatabase } from './database.ts'
import { linkOver } from './link.ts'
import { remoteDatabase, shareDatabase } from './remote-database.ts'

test('a database is asked over a link as it is asked at home; what it refuses is refused alike', async () => {
  const home = await openDatabase({ file: ':memory:' }, [
    {
      slice: 'test',
      steps: {
        '001_things': async db => {
          const table = db.schema.createTable('things').addColumn('name', 'text', column => column.primaryKey())
          await table.addColumn('at', 'bigint').addColumn('content', bytesColumn(db)).execute()
        },
      },
    },
  ])
  const [one, other] = duplexPair()
  shareDatabase(linkOver(one), home)
  const away = remoteDatabase(linkOver(other), 'sqlite')
  const thing = { name: 'a', at: 1_800_000_000_000, content: Uint8Array.of(1, 2, 255) }
  await away.sql.insertInto('things').values(thing).execute()
  assert.deepEqual(await away.sql.selectFrom('things').selectAll().execute(), [thing])
  assert.deepEqual(await home.sql.selectFrom('things').selectAll().execute(), [thing])
  await assert.rejects(away.sql.insertInto('things').values(thing).execute(), isUniqueViolation)
  const [{ numDeletedRows }] = (await away.sql.deleteFrom('things').execute()) as [{ numDeletedRows: bigint }]
  assert.equal(numDeletedRows, 1n)
  await assert.rejects(
    away.sql.transaction().execute(async () => {}),
    /Cannot begin a transaction/,
  )
  await away.close()
  one.destroy()
  await home.close()
})

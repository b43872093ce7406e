import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { Problem, type ProblemCode } from '../../src/errors.ts'
import { databaseSuite } from '../../src/platform/database.suite.ts'
import { openDatabase } from '../../src/platform/database.ts'
import { sqlitePlace, temporaryFolder } from '../../src/platform/temporary.suite.ts'

databaseSuite(sqlitePlace)

const problem = (code: ProblemCode, text: RegExp) => (error: unknown) =>
  error instanceof Problem && error.code === code && text.test(error.message)

test('transactions of one SQLite connection do not mix: read, think, write', async t => {
  const db = await openDatabase({ file: ':memory:' }, [])
  t.after(() => db.close())
  await sql`create table counter (n integer)`.execute(db.sql)
  await sql`insert into counter values (0)`.execute(db.sql)
  const add = () =>
    db.sql.transaction().execute(async tx => {
      const { n } = (await sql<{ n: number }>`select n from counter`.execute(tx)).rows[0]!
      await new Promise(setImmediate)
      await sql`update counter set n = ${n + 1}`.execute(tx)
    })
  await Promise.all(Array.from({ length: 50 }, add))
  assert.deepEqual((await sql`select n from counter`.execute(db.sql)).rows, [{ n: 50 }])
})

test('the thread keeps seeing columns that were added later', async t => {
  const db = await openDatabase({ file: ':memory:' }, [])
  t.after(() => db.close())
  await sql`create table t (a integer)`.execute(db.sql)
  await sql`insert into t values (1)`.execute(db.sql)
  assert.deepEqual((await sql`select * from t`.execute(db.sql)).rows, [{ a: 1 }])
  await sql`alter table t add column b integer default 2`.execute(db.sql)
  assert.deepEqual((await sql`select * from t`.execute(db.sql)).rows, [{ a: 1, b: 2 }])
})

test('the file is durable: WAL, and a commit waits for the disk', async t => {
  const db = await openDatabase(await sqlitePlace(t), [])
  t.after(() => db.close())
  assert.deepEqual((await sql`pragma journal_mode`.execute(db.sql)).rows, [{ journal_mode: 'wal' }])
  assert.deepEqual((await sql`pragma synchronous`.execute(db.sql)).rows, [{ synchronous: 2 }])
  assert.deepEqual((await sql`pragma foreign_keys`.execute(db.sql)).rows, [{ foreign_keys: 1 }])
})

test('a full disk is told as such, also in a transaction, and over when there is room again', async t => {
  const db = await openDatabase(await sqlitePlace(t), [])
  t.after(() => db.close())
  await sql`create table t (a text)`.execute(db.sql)
  const { page_count: pages } = (await sql<{ page_count: number }>`pragma page_count`.execute(db.sql)).rows[0]!
  const limit = (most: number) => sql.raw(`pragma max_page_count = ${most}`).execute(db.sql)
  const fill = () =>
    db.sql.transaction().execute(async tx => {
      await sql`insert into t values ('small')`.execute(tx)
      await sql`insert into t values (${'x'.repeat(100_000)})`.execute(tx)
    })
  await limit(pages + 2)
  await assert.rejects(fill(), problem('storage_full', /Cannot write .*full/))
  await assert.rejects(fill(), problem('storage_full', /Cannot write .*full/))
  assert.deepEqual((await sql`select * from t`.execute(db.sql)).rows, [])
  await limit(pages + 100)
  await fill()
})

test('a file that is no database, and a folder that is not there, are told as what they are', async t => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'text'), 'this is no database, and long enough to be seen as none')
  await assert.rejects(openDatabase({ file: join(folder, 'text') }, []), problem('corrupt', /text/))
  await assert.rejects(openDatabase({ file: join(folder, 'none', 'x') }, []), problem('misconfigured', /Cannot open/))
  await assert.rejects(openDatabase({}, []), { message: /neither a URL nor a file/ })
  await assert.rejects(openDatabase({ url: 'mysql://u:secret@h/d' }, []), problem('misconfigured', /scheme mysql/))
})

test('an open database at rest does not keep the process alive', () => {
  const program = `
    import { openDatabase } from '${new URL('../../src/platform/database.ts', import.meta.url)}'
    await openDatabase({ file: ':memory:' }, [])
    process.stdout.write('open')`
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.deepEqual([ended.status, ended.stdout], [0, 'open'], ended.stderr)
})

const WRITER = `
  import { openDatabase } from '${new URL('../../src/platform/database.ts', import.meta.url)}'
  import { sql } from 'kysely'
  const db = await openDatabase({ file: process.env.DATABASE }, [
    { slice: 'kill', steps: { '001_rows': tx => tx.schema.createTable('rows').addColumn('id', 'integer').execute() } },
  ])
  const { next } = (await sql\`select coalesce(max(id), 0) + 1 as next from rows\`.execute(db.sql)).rows[0]
  for (let id = next; ; id += 2) {
    await db.sql.transaction().execute(async tx => {
      await sql\`insert into rows values (\${id})\`.execute(tx)
      await sql\`insert into rows values (\${id + 1})\`.execute(tx)
    })
    process.stdout.write(id + '\\n')
  }`

/** Runs the writer until it has told of so many commits, then kills it outright. Returns the last id told. */
async function killedWriter(cwd: string, file: string, commits: number): Promise<number> {
  const env = { ...process.env, DATABASE: file }
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise(resolve => child.once('close', resolve))
  let told = ''
  for await (const text of child.stdout.setEncoding('utf8')) {
    told += text
    if (told.split('\n').length > commits) child.kill('SIGKILL')
  }
  await gone
  return Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1))
}

test('what was committed is there after kill -9, and of a transaction that was not, nothing', async t => {
  const { file = '' } = await sqlitePlace(t)
  const root = fileURLToPath(new URL('../..', import.meta.url))
  for (const commits of [1, 17, 40]) {
    const told = await killedWriter(root, file, commits)
    const db = await openDatabase({ file }, [{ slice: 'kill', steps: { '001_rows': () => Promise.resolve() } }])
    const { rows } = await sql<{ n: number; most: number }>`select count(*) as n, max(id) as most from rows`.execute(
      db.sql,
    )
    await db.close()
    const { n, most } = rows[0]!
    assert.ok(most > told, `told ${told}, but the last one there is ${most}`)
    assert.equal(n, most, 'ids without gaps')
    assert.equal(most % 2, 0, 'whole pairs')
  }
})

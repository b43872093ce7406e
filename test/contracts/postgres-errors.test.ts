/** What a caller is told when PostgreSQL cannot be used, and that the server goes on when it can again. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import { Problem, type ProblemCode } from '../../src/errors.ts'
import { openDatabase } from '../../src/platform/database.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

const problem =
  (code: ProblemCode, pattern: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof Problem, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, pattern)
    return true
  }

test('a database that nobody serves is unavailable, and its password is not told', async () => {
  const url = 'postgres://ann:hush@127.0.0.1:1/metadata?password=hush'
  await assert.rejects(
    openDatabase({ url }, []),
    problem('unavailable', /^Cannot use the database postgres:\/\/127\.0\.0\.1:1\/metadata: nothing listens there$/),
  )
  await assert.rejects(
    openDatabase({ url: 'postgres://ann@/x?host=/nowhere' }, []),
    problem('unavailable', /its socket is not there$/),
  )
})

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  test('a database that is not there, or a user that may not, is a matter of configuration', async t => {
    const { url = '' } = await postgresPlace(t)
    const none = url.replace(/test_\d+/, 'none')
    await assert.rejects(openDatabase({ url: none }, []), problem('misconfigured', /there is no such database$/))
    await assert.rejects(
      openDatabase({ url: url.replace('postgres@', 'nobody@') }, []),
      problem('misconfigured', /does not let this user in$/),
    )
  })

  test('a connection that breaks takes its statement with it, and nothing else', async t => {
    const db = await openDatabase(await postgresPlace(t), [])
    t.after(() => db.close())
    const pid = (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db.sql)).rows[0]!.pid
    const broken = db.sql.transaction().execute(async tx => {
      const own = (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)).rows[0]!.pid
      await sql`select pg_terminate_backend(${own})`.execute(db.sql)
      // Both while a statement is under way and between two, as here, the process must live on.
      await new Promise(setImmediate)
      await sql`select 1`.execute(tx)
    })
    await assert.rejects(broken, problem('unavailable', /shut down|the connection broke/))
    assert.ok(pid > 0)
    assert.deepEqual((await sql`select 1 as one`.execute(db.sql)).rows, [{ one: 1 }])
  })

  test('an idle connection that breaks is replaced', async t => {
    const place = await postgresPlace(t)
    const [db, other] = [await openDatabase(place, []), await openDatabase(place, [])]
    t.after(() => Promise.all([db.close(), other.close()]))
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`.execute(
      other.sql,
    )
    const answer = async (): Promise<unknown> => (await sql`select 1 as one`.execute(db.sql)).rows
    // The news of the end may come after the next statement was sent: that one is told, the one after it works.
    const first = await answer().catch((error: unknown) => error)
    if (first instanceof Error) problem('unavailable', /./)(first)
    assert.deepEqual(await answer(), [{ one: 1 }])
  })
})

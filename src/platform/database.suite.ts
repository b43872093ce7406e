/** What a database promises, whichever it is. Runs on SQLite beside this file, on PostgreSQL in `test/contracts`. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { Problem } from '../errors.ts'
import { bytesColumn, type Database, isUniqueViolation, type Migrations, openDatabase, tables } from './database.ts'
import { insertMany } from './insert-many.ts'
import type { FreshPlace } from './temporary.suite.ts'

interface ThingTables {
  things: {
    id: string
    text: string | null
    whole: number | null
    at: number | null
    real: number | null
    bytes: Uint8Array | null
  }
  parts: { id: string; thing: string; name: string }
}

const migrations: Migrations = {
  slice: 'things',
  steps: {
    '001_things': async db => {
      await db.schema
        .createTable('things')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('text', 'text')
        .addColumn('whole', 'integer')
        .addColumn('at', 'bigint')
        .addColumn('real', 'double precision')
        .addColumn('bytes', bytesColumn(db))
        .execute()
    },
    '002_parts': async db => {
      await db.schema
        .createTable('parts')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('thing', 'text', column => column.notNull().references('things.id'))
        .addColumn('name', 'text', column => column.notNull().unique())
        .execute()
    },
  },
}

export function databaseSuite(place: FreshPlace): void {
  const opened = async (t: TestContext, list: readonly Migrations[] = [migrations]): Promise<Database> => {
    const db = await openDatabase(await place(t), list)
    t.after(() => db.close())
    return db
  }
  values(opened)
  many(opened)
  refusals(opened)
  transactions(opened)
  migrating(place)
  migratingNot(place)
}

type Opened = (t: TestContext, list?: readonly Migrations[]) => Promise<Database>

const storable = fc.record({
  text: fc.option(fc.string({ unit: 'grapheme' }).filter(text => !text.includes('\0'))),
  whole: fc.option(fc.integer()),
  at: fc.option(fc.maxSafeInteger()),
  real: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map(real => real + 0)),
  bytes: fc.option(fc.uint8Array()),
})

function values(opened: Opened): void {
  test('a row comes back as it was stored', async t => {
    const db = await opened(t)
    let id = 0
    await fc.assert(
      fc.asyncProperty(storable, async thing => {
        const row = { id: String(id++), ...thing }
        await tables<ThingTables>(db).insertInto('things').values(row).execute()
        const stored = tables<ThingTables>(db).selectFrom('things').selectAll().where('id', '=', row.id)
        const { bytes, ...rest } = await stored.executeTakeFirstOrThrow()
        const { bytes: wanted, ...others } = row
        assert.deepEqual(rest, others)
        assert.deepEqual(bytes && [...bytes], wanted && [...wanted])
        assert.equal(Object.getPrototypeOf(rest), Object.prototype)
      }),
      { numRuns: 60 },
    )
  })

  test('counts, sums and averages are numbers', async t => {
    const db = await opened(t)
    const rows = [1, 2, 4].map(whole => ({ id: String(whole), whole, at: 3_000_000_000 * whole }) as never)
    await tables<ThingTables>(db).insertInto('things').values(rows).execute()
    const found =
      await sql`select count(*) as n, sum(whole) as total, sum(at) as times, avg(whole) as mean from things`.execute(
        db.sql,
      )
    const [{ n, total, times, mean } = {} as never] = found.rows as Record<string, number>[]
    assert.deepEqual({ n, total, times }, { n: 3, total: 7, times: 21_000_000_000 })
    assert.ok(Math.abs(mean! - 7 / 3) < 1e-9)
  })

  test('a whole number is bound as one', async t => {
    const db = await opened(t)
    const found = await sql`select cast(${5} as text) as text`.execute(db.sql)
    assert.deepEqual(found.rows, [{ text: '5' }])
  })

  test('a whole number that a number cannot hold is refused, never another one', async t => {
    const db = await opened(t)
    for (const exact of [2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n]) {
      await sql`delete from things`.execute(db.sql)
      await sql`insert into things (id, at) values ('x', ${exact})`.execute(db.sql)
      await assert.rejects(
        sql`select at from things`.execute(db.sql),
        { name: 'RangeError', message: /2\^53/ },
        String(exact),
      )
      const kept = await sql<{ text: string }>`select cast(at as text) as text from things`.execute(db.sql)
      assert.equal(kept.rows[0]!.text, String(exact))
    }
    const least = await sql<{ n: number }>`select ${2n ** 53n - 1n} + 0 as n`.execute(db.sql).catch(() => undefined)
    assert.ok(least === undefined || least.rows[0]!.n === Number.MAX_SAFE_INTEGER)
  })
}

const THINGS = {
  table: 'things',
  columns: { id: 'text', text: 'text', whole: 'integer', at: 'bigint', real: 'double precision' },
} as const

function many(opened: Opened): void {
  const all = async (db: Database) =>
    (await sql<object>`select id, text, whole, at, real from things order by id`.execute(db.sql)).rows

  test('many rows are stored as they would be one by one', async t => {
    const db = await opened(t)
    await fc.assert(
      fc.asyncProperty(fc.array(storable, { maxLength: 40 }), async things => {
        await sql`delete from things`.execute(db.sql)
        const rows = things.map(({ text, whole, at, real }, i) => [String(1_000 + i), text, whole, at, real])
        await insertMany(db.sql, THINGS, rows)
        const wanted = rows.map(([id, text, whole, at, real]) => ({ id, text, whole, at, real }))
        assert.deepEqual(await all(db), wanted)
      }),
      { numRuns: 30 },
    )
    await insertMany(db.sql, THINGS, [])
  })

  test('many rows are stored all or none, in a transaction and out of one, and what is there can be kept', async t => {
    const db = await opened(t)
    const row = (id: string) => [id, `«${id}», {"\\`, 5, 2 ** 53 - 1, 0.1]
    for (const attempt of [
      () => insertMany(db.sql, THINGS, [row('a'), row('b'), row('a')]),
      () => db.sql.transaction().execute(tx => insertMany(tx, THINGS, [row('a'), row('b'), row('a')])),
    ]) {
      await assert.rejects(attempt(), isUniqueViolation)
      assert.deepEqual(await all(db), [])
    }
    await insertMany(db.sql, THINGS, [row('a')])
    const changing = { ...THINGS, onConflict: 'on conflict (id) do update set whole = excluded.whole + known.whole' }
    await insertMany(db.sql, changing, [row('a'), row('b')])
    const [a, b] = (await all(db)) as { whole: number; text: string }[]
    assert.deepEqual([a!.whole, b!.whole, b!.text], [10, 5, '«b», {"\\'])
    await assert.rejects(insertMany(db.sql, THINGS, [['c', 'a\0b', 1, 1, 1]]), Problem)
  })
}

function refusals(opened: Opened): void {
  const insert = (db: Database, row: Record<string, unknown>) =>
    tables<ThingTables>(db)
      .insertInto('things')
      .values(row as never)
      .execute()

  test('what one database could not store, or would store otherwise, is refused by both', async t => {
    const db = await opened(t)
    for (const text of ['a\0b', 'half \ud800']) {
      await assert.rejects(
        insert(db, { id: 'x', text }),
        (error: unknown) => error instanceof Problem && error.code === 'invalid',
      )
    }
    for (const value of [true, new Date(0), { a: 1 }, [1]]) {
      await assert.rejects(insert(db, { id: 'x', text: value }), { name: 'TypeError', message: /^Cannot bind/ })
    }
    const { n } = (await sql<{ n: number }>`select count(*) as n from things`.execute(db.sql)).rows[0]!
    assert.equal(n, 0)
  })

  test('isUniqueViolation() tells a key that is taken from everything else', async t => {
    const db = await opened(t)
    const part = (id: string, thing: string, name: string | null) =>
      tables<ThingTables>(db)
        .insertInto('parts')
        .values({ id, thing, name: name as string })
        .execute()
    await insert(db, { id: 'a' })
    await part('1', 'a', 'wheel')
    const caught = (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => undefined,
        (error: unknown) => error,
      )
    assert.equal(isUniqueViolation(await caught(insert(db, { id: 'a' }))), true, 'primary key')
    assert.equal(isUniqueViolation(await caught(part('2', 'a', 'wheel'))), true, 'unique column')
    assert.equal(isUniqueViolation(await caught(part('2', 'b', 'axle'))), false, 'foreign key')
    assert.equal(isUniqueViolation(await caught(part('2', 'a', null))), false, 'null')
    assert.ok((await caught(part('2', 'b', 'axle'))) instanceof Error, 'foreign keys hold')
    assert.equal(isUniqueViolation(undefined), false)
  })

  test('after close() a statement is refused', async t => {
    const db = await opened(t)
    await db.close()
    await assert.rejects(sql`select 1`.execute(db.sql), Error)
    await db.close()
  })
}

function transactions(opened: Opened): void {
  const names = async (db: Database): Promise<string[]> =>
    (await tables<ThingTables>(db).selectFrom('things').select('id').orderBy('id').execute()).map(({ id }) => id)
  const insert = (db: Parameters<typeof tables>[0], id: string) =>
    tables<ThingTables>(db)
      .insertInto('things')
      .values({ id } as never)
      .execute()

  test('a transaction is there whole or not at all', async t => {
    const db = await opened(t)
    await db.sql.transaction().execute(async tx => {
      await insert(tx, 'a')
      await insert(tx, 'b')
    })
    const failing = db.sql.transaction().execute(async tx => {
      await insert(tx, 'c')
      await insert(tx, 'a')
    })
    await assert.rejects(failing, isUniqueViolation)
    const changedMind = db.sql.transaction().execute(async tx => {
      await insert(tx, 'd')
      throw new Error('no')
    })
    await assert.rejects(changedMind, { message: 'no' })
    assert.deepEqual(await names(db), ['a', 'b'])
  })

  test('many at the same time: transactions and statements all come to their end', async t => {
    const db = await opened(t)
    const all = Array.from({ length: 40 }, (_, i) =>
      i % 2 === 0
        ? insert(db, `s${i}`)
        : db.sql.transaction().execute(async tx => {
            await insert(tx, `t${i}`)
            await insert(tx, `u${i}`)
          }),
    )
    await Promise.all(all)
    assert.equal((await names(db)).length, 60)
  })
}

const noted = (notes: string[], name: string) => async (): Promise<void> => void notes.push(name)

function migrating(place: FreshPlace): void {
  test('steps are applied once each: slices in the order given, steps in the order of their names', async t => {
    const notes: string[] = []
    const where = await place(t)
    const b = { slice: 'b', steps: { '002_y': noted(notes, 'b2'), '001_x': noted(notes, 'b1') } }
    const a = { slice: 'a', steps: { '001_x': noted(notes, 'a1') } }
    await (await openDatabase(where, [b, a])).close()
    assert.deepEqual(notes, ['b1', 'b2', 'a1'])
    const more = { slice: 'b', steps: { ...b.steps, '003_z': noted(notes, 'b3') } }
    await (await openDatabase(where, [more, a])).close()
    assert.deepEqual(notes, ['b1', 'b2', 'a1', 'b3'])
  })

  test('processes that start together apply each step once', async t => {
    for (let round = 0; round < 4; round++) {
      const where = await place(t)
      const notes: string[] = []
      const list = [{ ...migrations, steps: { ...migrations.steps, '003_note': noted(notes, 'once') } }]
      const all = await Promise.all(Array.from({ length: 4 }, () => openDatabase(where, list)))
      for (const db of all) await db.close()
      assert.deepEqual(notes, ['once'])
    }
  })

  test('a step that fails leaves nothing behind and is tried again; those before it stay', async t => {
    const where = await place(t)
    let isBroken = true
    const shaky: Migrations = {
      slice: 'shaky',
      steps: {
        '001_fine': db => db.schema.createTable('fine').addColumn('id', 'text').execute(),
        '002_shaky': async db => {
          await db.schema.createTable('half').addColumn('id', 'text').execute()
          if (isBroken) throw new Error('power')
        },
      },
    }
    await assert.rejects(openDatabase(where, [shaky]), { message: 'power' })
    isBroken = false
    const db = await openDatabase(where, [shaky])
    t.after(() => db.close())
    assert.deepEqual((await sql`select * from fine, half`.execute(db.sql)).rows, [])
  })
}

function migratingNot(place: FreshPlace): void {
  const problem = (code: string, text: RegExp) => (error: unknown) =>
    error instanceof Problem && error.code === code && text.test(error.message)

  test('a database of a newer program is refused and not touched', async t => {
    const where = await place(t)
    const newer = { slice: 'things', steps: { ...migrations.steps, '003_later': () => Promise.resolve() } }
    await (await openDatabase(where, [newer])).close()
    const notes: string[] = []
    const older = [migrations, { slice: 'more', steps: { '001_more': noted(notes, 'more') } }]
    await assert.rejects(openDatabase(where, older), problem('misconfigured', /newer program.*things\/003_later/))
    assert.deepEqual(notes, [])
  })

  test('steps without an order and slices that are there twice are refused', async t => {
    const where = await place(t)
    const step = () => Promise.resolve()
    await assert.rejects(openDatabase(where, [{ slice: 'a', steps: { later: step } }]), { message: /a\/later/ })
    await assert.rejects(
      openDatabase(where, [
        { slice: 'a', steps: {} },
        { slice: 'a', steps: {} },
      ]),
      { message: /twice/ },
    )
  })
}

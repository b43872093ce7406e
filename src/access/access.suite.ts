/** What keys promise, whatever database keeps them. Runs on SQLite beside this file, on PostgreSQL in `test/contracts`. */
import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { test } from 'node:test'
import { Problem, type ProblemCode } from '../errors.ts'
import { type ManualClock, manualClock } from '../platform/clock.ts'
import { type Database, openDatabase, tables } from '../platform/database.ts'
import { uuid7 } from '../platform/ids.ts'
import { outboxMigrations } from '../platform/outbox.ts'
import type { FreshPlace } from '../platform/temporary.suite.ts'
import type { Actor } from '../route.ts'
import { type Access, LOCAL, openAccess } from './access.ts'
import { personsOf } from './persons.ts'
import { keyStore } from './store.ts'
import { type AccessTables, accessMigrations } from './tables.ts'

const START_AT = 1_790_000_000_000
const DAY_MS = 86_400_000

interface World {
  readonly db: Database
  readonly clock: ManualClock
  readonly access: Access
  /** Access as another process on the same database has it. */
  openSecond(): Promise<Access>
  /** Makes a key and returns its `Authorization` header. */
  key(roles: readonly string[], expiresAt?: number): Promise<{ readonly id: string; readonly bearer: string }>
  records(): Promise<{ action: string; target: string; actor: string; at: number; detail?: unknown }[]>
}

const problem =
  (code: ProblemCode, text = '') =>
  (error: unknown): boolean =>
    error instanceof Problem && error.code === code && error.message.includes(text)

function accessTest(name: string, place: FreshPlace, run: (world: World) => Promise<void>): void {
  test(name, async t => {
    const fresh = await place(t)
    const opened: Database[] = []
    const open = async (): Promise<Database> => {
      const db = await openDatabase(fresh, [outboxMigrations, accessMigrations])
      opened.push(db)
      return db
    }
    try {
      await run(await worldOn(open))
    } finally {
      await Promise.all(opened.map(db => db.close()))
    }
  })
}

async function worldOn(open: () => Promise<Database>): Promise<World> {
  const db = await open()
  const clock = manualClock(START_AT)
  const random = (bytes: Uint8Array): void => void randomFillSync(bytes)
  const parts = { clock, ids: uuid7(clock), random }
  const access = await openAccess({ db, ...parts })
  return {
    db,
    clock,
    access,
    openSecond: async () => openAccess({ db: await open(), ...parts }),
    async key(roles, expiresAt) {
      const expiry = expiresAt === undefined ? {} : { expiresAt }
      const { key, secret } = await access.create({ name: `for ${roles.join(' and ')}`, roles, ...expiry }, LOCAL)
      return { id: key.id, bearer: `Bearer ${secret}` }
    },
    async records() {
      const sql = tables<{ outbox: { payload: string; topic: string; at: number; id: string } }>(db)
      const rows = await sql.selectFrom('outbox').selectAll().where('topic', '=', 'change').orderBy('id').execute()
      return rows.map(({ payload }) => JSON.parse(payload))
    },
  }
}

export function accessSuite(place: FreshPlace): void {
  secrets(place)
  bootstrap(place)
  revocation(place)
  processes(place)
  records(place)
  owners(place)
}

function secrets(place: FreshPlace): void {
  accessTest('a secret is shown once and kept as its SHA-256 only', place, async ({ db, access }) => {
    const { key, secret } = await access.create({ name: 'root', roles: ['admin'] }, LOCAL)
    assert.match(secret, /^bw_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/)
    assert.equal(secret.slice(3, 15), key.id)
    const rows = await tables<AccessTables>(db).selectFrom('keys').selectAll().execute()
    assert.match(rows[0]!.sha256, /^[0-9a-f]{64}$/)
    for (const shown of [JSON.stringify(rows), JSON.stringify(await access.list()), JSON.stringify(key)]) {
      assert.ok(!shown.includes(secret.slice(16)), 'the secret part is nowhere')
    }
    assert.ok(!JSON.stringify(await access.list()).includes(rows[0]!.sha256), 'nor is its hash told')
  })

  accessTest('a key is known by its whole secret, and its actor by its id', place, async ({ access, key }) => {
    const { id, bearer } = await key(['admin', 'auditor'])
    const actor: Actor = { id: `key:${id}`, name: 'for admin and auditor', roles: ['auditor', 'admin'] }
    assert.deepEqual(access.authenticate(bearer), actor)
    assert.deepEqual(access.authenticate(bearer.replace('Bearer ', 'bearer  ')), actor)
    const last = bearer.at(-1) === 'A' ? 'B' : 'A'
    const wrong = [undefined, '', 'Bearer', 'Bearer ', bearer.slice(7), bearer.slice(0, -1), bearer.slice(0, -1) + last]
    const forms = [
      `Basic ${bearer.slice(7)}`,
      `${bearer}A`,
      `${bearer} ${bearer}`,
      'Bearer bw_000000000000_'.padEnd(66, 'A'),
    ]
    for (const header of [...wrong, ...forms, `Bearer ${'x'.repeat(100_000)}`]) {
      assert.throws(() => access.authenticate(header), problem('unauthenticated'), header)
    }
  })

  accessTest('a key is refused from the moment it expires', place, async ({ access, clock, key }) => {
    await key(['admin'])
    const { bearer } = await key(['viewer'], START_AT + DAY_MS)
    clock.set(START_AT + DAY_MS - 1)
    assert.deepEqual(access.authenticate(bearer).roles, ['viewer'])
    clock.advance(1)
    assert.throws(() => access.authenticate(bearer), problem('unauthenticated', 'expired'))
  })
}

function bootstrap(place: FreshPlace): void {
  accessTest(
    'while there are no keys everybody is the local owner; from the first on, nobody is',
    place,
    async world => {
      const { access, key } = world
      assert.equal(access.hasKeys(), false)
      assert.deepEqual(access.authenticate(undefined), LOCAL)
      assert.deepEqual(access.authenticate('Bearer anything'), LOCAL)
      access.permit(LOCAL, 'key:manage')
      const { bearer } = await key(['admin'])
      assert.equal(access.hasKeys(), true)
      assert.throws(() => access.authenticate(undefined), problem('unauthenticated', 'Authorization'))
      access.permit(access.authenticate(bearer), 'key:manage')
    },
  )

  accessTest('the first key must be an admin, also after the last admin has expired', place, async world => {
    const { access, clock, key, records } = world
    await assert.rejects(key(['service', 'operator']), problem('invalid', 'first key'))
    assert.deepEqual(await access.list(), [])
    assert.deepEqual(await records(), [])
    assert.equal(access.hasKeys(), false)
    await key(['admin'], START_AT + DAY_MS)
    await key(['service'])
    clock.advance(DAY_MS)
    await assert.rejects(key(['service']), problem('invalid', 'first key'))
    await key(['admin'])
  })

  accessTest('when every key is gone, the running process stays shut and the next one is open', place, async world => {
    const { access, key, openSecond } = world
    const { id, bearer } = await key(['admin'])
    await access.revoke(id, LOCAL)
    assert.equal(access.hasKeys(), true)
    assert.throws(() => access.authenticate(undefined), problem('unauthenticated'))
    assert.throws(() => access.authenticate(bearer), problem('unauthenticated', 'revoked'))
    assert.equal((await openSecond()).hasKeys(), false)
  })

  accessTest('keys that have all expired do not open the next process', place, async ({ clock, key, openSecond }) => {
    await key(['admin'], START_AT + DAY_MS)
    clock.advance(2 * DAY_MS)
    assert.equal((await openSecond()).hasKeys(), true)
  })
}

function revocation(place: FreshPlace): void {
  accessTest('a revoked key is refused at once and stays in the list', place, async ({ access, clock, key }) => {
    const admin = await key(['admin'])
    const { id, bearer } = await key(['service'])
    clock.advance(DAY_MS)
    const revoked = await access.revoke(id, access.authenticate(admin.bearer))
    assert.deepEqual([revoked.revokedAt, revoked.revokedBy], [START_AT + DAY_MS, `key:${admin.id}`])
    assert.throws(() => access.authenticate(bearer), problem('unauthenticated', 'revoked'))
    assert.deepEqual(
      (await access.list()).find(other => other.id === id),
      revoked,
    )
    await assert.rejects(access.revoke(id, LOCAL), problem('conflict', 'already'))
    await assert.rejects(access.revoke('0123456789ab', LOCAL), problem('not_found'))
  })

  accessTest('the last admin cannot go while others would be left alone', place, async ({ access, clock, key }) => {
    const first = await key(['admin'])
    const brief = await key(['admin'], START_AT + DAY_MS)
    const service = await key(['service'])
    clock.advance(DAY_MS)
    await assert.rejects(access.revoke(first.id, LOCAL), problem('conflict', 'last admin'))
    await access.revoke(brief.id, LOCAL)
    await assert.rejects(access.revoke(first.id, LOCAL), problem('conflict', 'last admin'))
    await access.revoke(service.id, LOCAL)
    await access.revoke(first.id, LOCAL)
  })
}

function processes(place: FreshPlace): void {
  accessTest(
    'another process knows a key, and its end, after its next refresh',
    place,
    async ({ access, key, openSecond }) => {
      const other = await openSecond()
      const { bearer } = await key(['admin'])
      const service = await key(['service'])
      assert.equal(other.hasKeys(), false)
      await other.refresh()
      assert.equal(other.authenticate(bearer).name, 'for admin')
      assert.equal(other.authenticate(service.bearer).name, 'for service')
      await access.revoke(service.id, LOCAL)
      await other.refresh()
      assert.throws(() => other.authenticate(service.bearer), problem('unauthenticated', 'revoked'))
    },
  )

  accessTest(
    'of two admins that revoke each other at once, one is left',
    place,
    async ({ access, key, openSecond }) => {
      const admins = [await key(['admin']), await key(['admin'])]
      await key(['service'])
      const other = await openSecond()
      const ends = await Promise.allSettled([access.revoke(admins[0]!.id, LOCAL), other.revoke(admins[1]!.id, LOCAL)])
      assert.deepEqual(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
      const active = (await access.list()).filter(
        ({ roles, revokedAt }) => roles.includes('admin') && revokedAt === undefined,
      )
      assert.equal(active.length, 1)
    },
  )

  accessTest('of a last admin that goes and a key that comes at once, one waits and is refused', place, async world => {
    const { access, key, openSecond } = world
    const { id } = await key(['admin'])
    const other = await openSecond()
    const [gone, made] = await Promise.allSettled([
      access.revoke(id, LOCAL),
      other.create({ name: 'shop', roles: ['service'] }, LOCAL),
    ])
    assert.notEqual(gone.status, made.status, 'a key without anybody to manage it')
  })

  accessTest('refreshing while keys come and go never brings back what was revoked', place, async ({ access, key }) => {
    await key(['admin'])
    const made = await Promise.all(Array.from({ length: 8 }, () => key(['service'])))
    const work = made.map(({ id }) => access.revoke(id, LOCAL))
    const reading = Array.from({ length: 20 }, () => access.refresh())
    for (const [index, done] of work.entries()) {
      await done
      assert.throws(() => access.authenticate(made[index]!.bearer), problem('unauthenticated', 'revoked'))
    }
    await Promise.all(reading)
    for (const { bearer } of made) assert.throws(() => access.authenticate(bearer), problem('unauthenticated'))
  })
}

function records(place: FreshPlace): void {
  accessTest(
    'each change leaves one record, with ids and without names',
    place,
    async ({ access, clock, key, records }) => {
      const admin = await key(['admin'])
      const service = await key(['service'], START_AT + DAY_MS)
      clock.advance(1)
      await access.revoke(service.id, access.authenticate(admin.bearer))
      await assert.rejects(access.revoke(service.id, LOCAL))
      const [first, second, third, ...more] = await records()
      assert.deepEqual(more, [])
      const pick = (record: typeof first) => [record?.action, record?.target, record?.actor, record?.at]
      assert.deepEqual(pick(first), ['key:created', `key:${admin.id}`, 'local', START_AT])
      assert.deepEqual(first?.detail, { roles: ['admin'] })
      assert.deepEqual(second?.detail, { roles: ['service'], expiresAt: START_AT + DAY_MS })
      assert.deepEqual(pick(third), ['key:revoked', `key:${service.id}`, `key:${admin.id}`, START_AT + 1])
      assert.ok(
        !JSON.stringify([first, second, third]).includes('for '),
        'people put names of people into names of keys',
      )
    },
  )

  accessTest('where the record cannot be written, neither is the key', place, async ({ db }) => {
    const store = keyStore(db)
    const row = {
      id: 'aaaaaaaaaaaa',
      name: 'a',
      roles: ['admin'],
      sha256: '',
      createdAt: 1,
      createdBy: 'local',
    } as const
    const record = {
      kind: 'change',
      id: 'same',
      at: 1,
      actor: 'local',
      action: 'key:created',
      target: 'key:a',
    } as const
    await store.change(() => ({ created: row, record }))
    await assert.rejects(store.change(() => ({ created: { ...row, id: 'bbbbbbbbbbbb' }, record })))
    assert.deepEqual(await store.all(), [row])
  })
}

function owners(place: FreshPlace): void {
  accessTest('keys of one owner are one person, in every process', place, async ({ db, access, openSecond }) => {
    const made = async (through: Access, owner?: string): Promise<string> => {
      const key = { name: 'a key', roles: ['admin'], ...(owner === undefined ? {} : { owner }) }
      return `key:${(await through.create(key, LOCAL)).key.id}`
    }
    const second = await openSecond()
    const [anna, also] = [await made(access, 'anna@example.com'), await made(second, ' Anna@Example.com ')]
    const [user, nobody, other] = [await made(access, 'user:aB-9'), await made(second), await made(access)]
    const all = [anna, also, user, nobody, other, 'user:aB-9', 'user:ab-9', 'local']
    const personOf = await personsOf(db, all)
    const people = all.map(personOf)
    assert.equal(people[0], people[1])
    assert.equal(people[2], people[5])
    assert.equal(new Set(people).size, all.length - 2)
    const kept = (await second.list()).find(({ id }) => `key:${id}` === anna)
    assert.equal(kept?.owner, 'anna@example.com')
    for (const owner of ['', ' ', 'key:000000000000', 'local', 'a\nb', 'x'.repeat(101)])
      await assert.rejects(made(access, owner), problem('invalid', 'owner'))
  })
}

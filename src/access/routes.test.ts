/** Each caller at each route: what is answered, and what was recorded. */
import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { asProblem } from '../errors.ts'
import { manualClock } from '../platform/clock.ts'
import { openDatabase, tables } from '../platform/database.ts'
import { uuid7 } from '../platform/ids.ts'
import { outboxMigrations } from '../platform/outbox.ts'
import type { Route } from '../route.ts'
import { type Access, LOCAL, openAccess } from './access.ts'
import { ROLE_NAMES } from './roles.ts'
import { accessRoutes } from './routes.ts'
import { accessMigrations } from './tables.ts'

const START_AT = 1_790_000_000_000

interface Answered {
  readonly status: number
  readonly body: unknown
}

interface Scene {
  readonly access: Access
  /** Answers as a door does: knows the caller, permits, handles; a problem becomes its status. */
  call(route: string, caller: string | undefined, given?: { id?: string; body?: unknown }): Promise<Answered>
  changes(): Promise<number>
  recordings(): number
}

async function onScene(run: (scene: Scene) => Promise<void>): Promise<void> {
  const clock = manualClock(START_AT)
  const db = await openDatabase({ file: ':memory:' }, [outboxMigrations, accessMigrations])
  const random = (bytes: Uint8Array): void => void randomFillSync(bytes)
  const access = await openAccess({ db, clock, ids: uuid7(clock), random })
  let recordings = 0
  const recorded = async (): Promise<void> => void recordings++
  const routes = accessRoutes({ access, clock, recorded }) as Route[]
  const call = async (
    name: string,
    caller: string | undefined,
    given: { id?: string; body?: unknown } = {},
  ): Promise<Answered> => {
    const route = routes.find(({ method, path }) => `${method} ${path}` === name)!
    try {
      const actor = access.authenticate(caller)
      access.permit(actor, route.permission)
      const params: Record<string, string> = given.id === undefined ? {} : { id: given.id }
      const request = { requestId: 'r', actor, source: '127.0.0.1', params, query: {}, headers: {}, body: given.body }
      const answer = await route.handle({ ...request, parts: Readable.from([]) })
      return { status: answer.status ?? 200, body: answer.body }
    } catch (error) {
      const problem = asProblem(error)
      return { status: problem.status, body: problem }
    }
  }
  const changes = async (): Promise<number> =>
    (await tables<{ outbox: { id: string } }>(db).selectFrom('outbox').select('id').execute()).length
  try {
    await run({ access, call, changes, recordings: () => recordings })
  } finally {
    await db.close()
  }
}

/** Statuses of: nobody, a stranger, then each role in the order of `ROLE_NAMES`. */
const TABLE: readonly (readonly [route: string, given: object, statuses: readonly number[]])[] = [
  //                                                   viewer scientist operator approver auditor service admin
  ['GET /keys', {}, [401, 401, 403, 403, 200, 403, 200, 403, 200]],
  ['POST /keys', { body: { name: 'x', roles: ['viewer'] } }, [401, 401, 403, 403, 403, 403, 403, 403, 201]],
  ['DELETE /keys/:id', { id: '0123456789ab' }, [401, 401, 403, 403, 403, 403, 403, 403, 404]],
]

test('callers and routes: who is answered what', async () => {
  await onScene(async ({ access, call, changes }) => {
    assert.deepEqual(new Set(TABLE.map(([route]) => route)).size, 3)
    const callers: (string | undefined)[] = [undefined, `Bearer bw_000000000000_${'A'.repeat(43)}`]
    const admin = (await access.create({ name: 'root', roles: ['admin'] }, LOCAL)).secret
    for (const role of ROLE_NAMES) {
      const { secret } =
        role === 'admin' ? { secret: admin } : await access.create({ name: role, roles: [role] }, LOCAL)
      callers.push(`Bearer ${secret}`)
    }
    for (const [route, given, statuses] of TABLE) {
      for (const [index, caller] of callers.entries()) {
        const before = await changes()
        const { status } = await call(route, caller, given)
        assert.equal(status, statuses[index], `${route} by ${['nobody', 'a stranger', ...ROLE_NAMES][index]}`)
        assert.equal((await changes()) - before, status === 201 ? 1 : 0, `${route}: a refused change leaves nothing`)
      }
    }
  })
})

test('while there are no keys, everybody may make the first', async () => {
  await onScene(async ({ call }) => {
    assert.deepEqual((await call('GET /keys', undefined)).body, { keys: [] })
    assert.equal((await call('POST /keys', undefined, { body: { name: 'shop', roles: ['service'] } })).status, 422)
    const { status, body } = await call('POST /keys', undefined, { body: { name: 'root', roles: ['admin'] } })
    assert.equal(status, 201)
    const { secret, key } = body as { secret: string; key: { id: string } }
    assert.equal((await call('GET /keys', undefined)).status, 401)
    const list = await call('GET /keys', `Bearer ${secret}`)
    const wanted = { id: key.id, name: 'root', roles: ['admin'], createdAt: START_AT, createdBy: 'local' }
    assert.deepEqual(list.body, { keys: [wanted] })
  })
})

test('a change is answered when it stands in the ledger', async () => {
  await onScene(async ({ access, call, recordings }) => {
    const { key } = await access.create({ name: 'root', roles: ['admin'] }, LOCAL)
    const { secret } = await access.create({ name: 'second', roles: ['admin'] }, LOCAL)
    assert.equal((await call('POST /keys', `Bearer ${secret}`, { body: { name: 'x', roles: ['viewer'] } })).status, 201)
    assert.equal(recordings(), 1)
    const { status, body } = await call('DELETE /keys/:id', `Bearer ${secret}`, { id: key.id })
    assert.deepEqual([status, (body as { key: { revokedAt: number } }).key.revokedAt], [200, START_AT])
    assert.equal(recordings(), 2)
  })
})

test('an expiry is a moment or a time from now, not both', async () => {
  await onScene(async ({ call }) => {
    const make = async (more: object) => {
      const { status, body } = await call('POST /keys', undefined, {
        body: { name: 'root', roles: ['admin'], ...more },
      })
      return [status, (body as { key?: { expiresAt?: number } }).key?.expiresAt]
    }
    assert.deepEqual(await make({ expiresAt: START_AT + 5, expiresInMs: 5 }), [422, undefined])
    assert.deepEqual(await make({ expiresAt: START_AT }), [422, undefined])
    assert.deepEqual(await make({ expiresInMs: 5 }), [201, START_AT + 5])
  })
})

/**
 * Every caller at every route of the running program. The routes are those the program makes, so that one that is added
 * tomorrow is in this table without anybody's thinking of it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { permits, ROLE_NAMES } from '../../src/access/roles.ts'
import { loadRoutes } from '../../src/tidy/route-list.ts'
import { readTree } from '../../src/tidy/tree.ts'
import { type RunningServer, withServer } from '../server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const STRANGER = `Bearer bw_000000000000_${'A'.repeat(43)}`
const RECORDED_MS_MAX = 10_000

interface Caller {
  readonly name: string
  readonly authorization: string | undefined
  readonly roles: readonly string[]
}

/** One key a role; the first is the admin, who makes the others. */
async function callersOf(server: RunningServer): Promise<Caller[]> {
  const callers: Caller[] = []
  for (const role of [...ROLE_NAMES].sort((a, b) => Number(b === 'admin') - Number(a === 'admin'))) {
    const [admin] = callers
    const headers = { 'content-type': 'application/json', ...authorizationOf(admin) }
    const body = JSON.stringify({ name: role, roles: [role] })
    const response = await fetch(`${server.url}/keys`, { method: 'POST', headers, body })
    const { secret } = (await response.json()) as { secret: string }
    assert.equal(response.status, 201)
    callers.push({ name: role, authorization: `Bearer ${secret}`, roles: [role] })
  }
  return callers
}

function authorizationOf(caller: Caller | undefined): { authorization?: string } {
  return caller?.authorization === undefined ? {} : { authorization: caller.authorization }
}

/** What a caller must meet: never more than their roles permit, and never less. */
function judge(status: number, permission: string, caller: Caller): boolean {
  if (permission === 'public') return status !== 401 && status !== 403
  if (caller.roles.length === 0) return status === 401
  return permits(caller, permission) ? status !== 401 && status !== 403 : status === 403
}

test('every caller at every route meets what their roles permit, no more and no less', async () => {
  const loaded = await loadRoutes(ROOT, readTree(ROOT))
  const routes = loaded.filter(({ isProcedure }) => !isProcedure).map(({ route }) => route)
  await withServer({}, async server => {
    const roles = await callersOf(server)
    const nobody = { name: 'nobody', authorization: undefined, roles: [] }
    const stranger = { name: 'a stranger', authorization: STRANGER, roles: [] }
    const faults: string[] = []
    for (const caller of [nobody, stranger, ...roles]) {
      for (const { method, path, permission } of routes) {
        const url = server.url + path.replace(/:(\w+)/g, 'no-such-$1')
        const response = await fetch(url, { method, headers: authorizationOf(caller) })
        await response.arrayBuffer()
        const met = `${caller.name} at ${method} ${path} (${permission}): ${response.status}`
        const isUnready = response.status === 503 && path.endsWith('ready')
        if (!judge(response.status, permission, caller) || (response.status >= 500 && !isUnready)) faults.push(met)
      }
    }
    assert.deepEqual(faults, [])
    await assertRecorded(server, roles[0]!, routes, roles.length + 2)
  })
})

/** Each of these invocations failed, for there is no model; each is in exactly one record's count. */
async function assertRecorded(
  server: RunningServer,
  admin: Caller,
  routes: readonly { readonly kind?: string }[],
  callers: number,
): Promise<void> {
  const wanted = routes.filter(({ kind }) => kind === 'invocation').length * callers
  const deadline = Date.now() + RECORDED_MS_MAX
  let counted = 0
  while (counted < wanted && Date.now() < deadline) {
    const url = `${server.url}/ledger/records?kind=refusal&limit=1000`
    const { records } = (await (await fetch(url, { headers: authorizationOf(admin) })).json()) as {
      records: { count: number }[]
    }
    counted = records.reduce((sum, { count }) => sum + count, 0)
    if (counted < wanted) await new Promise(resolve => setTimeout(resolve, 100))
  }
  assert.ok(wanted > 0)
  assert.equal(counted, wanted)
}

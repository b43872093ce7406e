/** Each caller at each route, and what is answered. */
import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { permits, ROLE_NAMES } from '../access/roles.ts'
import { asProblem, Problem } from '../errors.ts'
import type { AnyRoute, Route } from '../route.ts'
import { canonical } from './canonical.ts'
import type { SignedHead } from './evidence.ts'
import { idOf, type LedgerWorld, ledgerWorld, predictionText, START_AT } from './ledger-world.suite.ts'
import type { OpenedLedger } from './open-ledger.ts'
import { ledgerRoutes } from './routes.ts'

interface Answered {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly text: string
}

describe('routes of the ledger', () => {
  let world: LedgerWorld
  let ledger: OpenedLedger
  let routes: readonly AnyRoute[]
  let flushes = 0
  let texts: string[]
  let sealed: string
  before(async () => {
    world = await ledgerWorld()
    ledger = await world.open()
    routes = ledgerRoutes({
      ledger,
      refusals: { flush: async () => void flushes++ },
      seals: {
        unseal: async (text, { id }) => {
          if (text === 'erased') throw new Problem('not_found', `Cannot unseal record ${id}: it was erased`)
          return '{"income":5}'
        },
      },
      pseudonyms: { subject: id => `pseudonym of ${id}` },
      reviews: async ({ id }) => (id === idOf(sealed) ? [{ verdict: 'agree' }] : []),
    })
    sealed = predictionText(world, 0, { sealed: 'text', subject: 'pseudonym of customer-17' })
    const outcome = {
      kind: 'outcome',
      id: world.ids.next(),
      at: START_AT,
      actor: 'key:2',
      predictionId: idOf(sealed),
      value: true,
    }
    texts = [sealed, predictionText(world, 1, { sealed: 'erased' }), canonical(outcome)]
    for (let index = 2; index < 10; index++) texts.push(predictionText(world, index))
    await ledger.append(texts)
  })
  after(() => world.close())

  /** As a door does it: `TABLE` is about who may, the rest about what is answered. */
  const call = async (
    path: string,
    roles: readonly string[] = ['admin'],
    asked: { params?: Record<string, string>; query?: Record<string, unknown>; headers?: Record<string, string> } = {},
  ): Promise<Answered> => {
    const route = routes.find(found => found.path === path) as Route
    const { params = {}, query = {}, headers = {} } = asked
    const actor = { id: 'key:1', name: 'somebody', roles }
    try {
      if (!permits(actor, route.permission)) throw new Problem('forbidden', 'Cannot do this')
      const request = { requestId: 'r', actor, source: '127.0.0.1', params, query, headers, body: undefined }
      const answer = await route.handle({ ...request, parts: (async function* () {})() })
      const said =
        answer.stream === undefined ? (answer.text ?? JSON.stringify(answer.body)) : await text(answer.stream)
      return { status: answer.status ?? 200, text: said, body: answer.stream === undefined ? JSON.parse(said) : {} }
    } catch (error) {
      return { status: asProblem(error).status, body: {}, text: '' }
    }
  }

  const id = (text: string): { params: { id: string } } => ({ params: { id: idOf(text) } })

  const TABLE: readonly (readonly [path: string, allowed: readonly string[]])[] = [
    ['/predictions/:id', ['viewer', 'scientist', 'operator', 'approver', 'auditor', 'admin']],
    ['/ledger/records', ['viewer', 'scientist', 'operator', 'approver', 'auditor', 'admin']],
    ['/audit/head', ['operator', 'approver', 'auditor', 'admin']],
    ['/audit/heads', ['operator', 'approver', 'auditor', 'admin']],
    ['/audit/keys', ['operator', 'approver', 'auditor', 'admin']],
    ['/audit/proofs/:id', ['operator', 'approver', 'auditor', 'admin']],
    ['/audit/records', ['auditor', 'admin']],
  ]

  for (const [path, allowed] of TABLE) {
    it(`answers ${path} to those who may, and to nobody else`, async () => {
      for (const role of ROLE_NAMES) {
        const { status } = await call(path, [role], { ...id(sealed), query: { limit: 1 } })
        assert.equal(status, allowed.includes(role) ? 200 : 403, role)
      }
      assert.equal((await call(path, [], id(sealed))).status, 403)
    })
  }

  it('has no other routes', () => {
    assert.deepEqual(routes.map(({ path }) => path).sort(), TABLE.map(([path]) => path).sort())
  })

  it('tells a prediction with its outcomes, sensitive features only to those who may unseal them', async () => {
    const asAuditor = await call('/predictions/:id', ['auditor'], id(sealed))
    assert.deepEqual(asAuditor.body['record'], JSON.parse(sealed))
    assert.deepEqual(asAuditor.body['outcomes'], [JSON.parse(texts[2]!)])
    assert.deepEqual(asAuditor.body['sensitive'], { income: 5 })
    const asViewer = await call('/predictions/:id', ['viewer'], id(sealed))
    assert.deepEqual(Object.keys(asViewer.body), ['record', 'outcomes', 'reviews'])
    assert.deepEqual(asViewer.body['reviews'], [{ verdict: 'agree' }])
    const erased = await call('/predictions/:id', ['auditor'], id(texts[1]!))
    assert.deepEqual([erased.body['erased'], erased.body['sensitive']], [true, undefined])
  })

  it('has no prediction under the id of another record, of none, or of something else', async () => {
    for (const unknown of [idOf(texts[2]!), world.ids.next(), 'x', '..']) {
      assert.equal((await call('/predictions/:id', ['admin'], { params: { id: unknown } })).status, 404)
      if (unknown !== idOf(texts[2]!)) {
        assert.equal((await call('/audit/proofs/:id', ['admin'], { params: { id: unknown } })).status, 404)
      }
    }
  })

  it('pages through records, and finds a subject by its id', async () => {
    const before = flushes
    const first = await call('/ledger/records', ['viewer'], { query: { limit: 4 } })
    assert.equal(flushes, before + 1)
    const records = first.body['records'] as { id: string }[]
    assert.deepEqual(
      records.map(record => record.id),
      texts.slice(-4).reverse().map(idOf),
    )
    const second = await call('/ledger/records', ['viewer'], { query: { limit: 100, after: first.body['next'] } })
    assert.equal((second.body['records'] as unknown[]).length, texts.length - 4)
    assert.equal(second.body['next'], undefined)
    const subject = await call('/ledger/records', ['viewer'], { headers: { 'bellwether-subject': 'customer-17' } })
    assert.equal(subject.text, `{"records":[${sealed}]}`)
    const plan = await call('/ledger/records', ['viewer'], { query: { limit: 1, explain: true } })
    assert.equal((plan.body['plan'] as { filesInLedger: number }).filesInLedger, 0)
    assert.equal((await call('/ledger/records', ['viewer'], { query: { after: 'x' } })).status, 422)
  })

  it('gives all that an export is made of, and proofs', async () => {
    assert.equal((await call('/audit/records', ['auditor'])).text, texts.map(line => `${line}\n`).join(''))
    const some = await call('/audit/records', ['auditor'], { query: { since: 2, until: 4 } })
    assert.equal(some.text, `${texts[2]}\n${texts[3]}\n`)
    const { body: head } = await call('/audit/head')
    const heads = (await call('/audit/heads')).text.trimEnd().split('\n')
    assert.deepEqual(JSON.parse(heads.at(-1)!), head)
    assert.equal((head as unknown as SignedHead).size, texts.length)
    const { keyId, publicKey } = world.signer
    const keys = { format: 'bellwether-export/1', ledger: keyId, keys: [{ keyId, publicKey }] }
    assert.deepEqual((await call('/audit/keys')).body, keys)
    const proof = await call('/audit/proofs/:id', ['auditor'], id(texts[4]!))
    assert.deepEqual([proof.body['record'], proof.body['index'], proof.body['head']], [texts[4], 4, head])
  })
})

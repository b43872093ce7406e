/** Four eyes, as people with keys of their own meet them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openApp } from '../../src/app.ts'
import { loadConfig } from '../../src/platform/config.ts'
import { temporaryFolder } from '../../src/platform/temporary.suite.ts'
import { tinyModel } from '../journeys/model.ts'

type Json = Readonly<Record<string, unknown>>
type Send = (method: string, path: string, body?: object) => Promise<{ status: number; body: Json }>

function form(version: string): FormData {
  const body = new FormData()
  body.append('name', 'tiny')
  body.append('version', version)
  body.append('artifact', new File([tinyModel()], 'model.json'))
  return body
}

function sender(url: string, secret: string): Send {
  return async (method, path, body) => {
    const isForm = body instanceof FormData
    const headers = { authorization: `Bearer ${secret}`, ...(isForm ? {} : { 'content-type': 'application/json' }) }
    const sent = body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }
    const response = await fetch(`${url}${path}`, {
      method,
      headers: body === undefined ? { authorization: headers.authorization } : headers,
      ...sent,
    })
    return { status: response.status, body: (await response.json()) as Json }
  }
}

const PLACE = '/models/tiny/versions/1.0.0/approvals'
const ALIAS = '/models/tiny/aliases/champion'

test('a version becomes champion when enough others approved of it, and nobody rejected it', async t => {
  const data = temporaryFolder(t)
  const flags = { data, 'server.port': 0, 'versions.approvals': 'tiny=2, 1' }
  const app = await openApp(loadConfig({ flags, env: {}, cwd: data }), { quiet: true })
  try {
    const personOf = async (name: string, roles: readonly string[], owner = name): Promise<Send> => {
      const body = JSON.stringify({ name, owner, roles })
      const headers = { 'content-type': 'application/json' }
      const made = (await (await app.transport({ method: 'POST', path: '/keys', body, headers })).json()) as Json
      assert.equal(typeof made['secret'], 'string', JSON.stringify(made))
      return sender(app.url!, String(made['secret']))
    }
    await personOf('first key', ['admin'])
    const maker = await personOf('maker', ['scientist', 'approver'])
    const [first, second] = [await personOf('first', ['approver']), await personOf('second', ['approver'])]
    const [makersOther, firstsOther] = [
      await personOf('other', ['approver'], ' Maker'),
      await personOf('third', ['approver'], 'FIRST'),
    ]
    const operator = await personOf('operator', ['operator'])

    const made = await maker('POST', '/models/register', form('1.0.0'))
    assert.equal(made.status, 201, JSON.stringify(made.body))
    assert.match(String(made.body['notes']), /only when 2 approved of it/)
    assert.equal((await maker('POST', '/models/tiny/predict', { age: 20, tenure: 1 })).status, 404, 'nobody leads')
    const yes = { decision: 'approved', comment: 'Card read' }
    const own = await maker('POST', PLACE, yes)
    assert.equal(own.status, 403)
    assert.match(String(own.body['detail']), /somebody else must approve/)
    const otherKey = await makersOther('POST', PLACE, yes)
    assert.equal(otherKey.status, 403)
    assert.match(String(otherKey.body['detail']), /the owner of key:\w+ registered it/)
    assert.equal((await operator('POST', PLACE, yes)).status, 403)
    assert.equal((await first('POST', PLACE, { ...yes, comment: ' ' })).status, 422)
    assert.equal((await first('POST', '/models/tiny/versions/2.0.0/approvals', yes)).status, 404)

    const said = await first('POST', PLACE, yes)
    assert.equal(said.status, 201, JSON.stringify(said.body))
    const again = await firstsOther('POST', PLACE, yes)
    assert.deepEqual([again.body['needed'], again.body['approved']], [2, 1], 'twice the same person is one')
    const early = await operator('PUT', ALIAS, { version: '1.0.0' })
    assert.equal(early.status, 409)
    assert.match(String(early.body['detail']), /1 of 2 approved of it/)

    await second('POST', PLACE, { decision: 'rejected', comment: 'Not yet' })
    assert.match(String((await operator('PUT', ALIAS, { version: '1.0.0' })).body['detail']), /rejected it/)
    const last = await second('POST', PLACE, { ...yes, comment: 'Now' })
    assert.deepEqual([last.body['approved'], last.body['rejected']], [2, 0], 'the last word counts')
    assert.equal((await operator('PUT', '/models/tiny/aliases/challenger', { version: '1.0.0' })).status, 200)
    assert.equal((await operator('PUT', ALIAS, { version: '1.0.0' })).status, 200)
    await replayed(operator)
  } finally {
    await app.close()
  }
})

/** Somebody else's signed word, carried here again, is not a second person. */
async function replayed(operator: Send): Promise<void> {
  const place = '/models/tiny/versions/1.0.0/evidence'
  const { statements } = (await operator('GET', place)).body as { statements: { id: string; about: string }[] }
  const { id } = statements.find(({ about }) => about === 'approval')!
  const bundle = await operator('GET', `${place}/statements/${id}`)
  assert.equal((await operator('POST', place, bundle.body)).status, 201)
  assert.equal((await operator('GET', PLACE)).body['approved'], 2)
}

/** The first ten minutes, as the README tells them: register, predict, look, prove, and hand out a key. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bellwether, type RunningServer, temporaryFolder, withServer } from '../server.ts'
import { tinyAnswer, tinyModel } from './model.ts'

const VERIFIER = new URL('../../tools/verify-export.mjs', import.meta.url).pathname

const MANIFEST = `
name: tiny
version: 1.0.0
owner: test
artifact: model.json
signature:
  inputs:
    - {name: age, type: integer, minimum: 18, maximum: 100, protected: true}
    - {name: tenure, type: integer, minimum: 0, nullable: true}
uses: {permitted: [retention-offer], prohibited: [credit-decision]}
limitations: [made by hand for a test]
`

async function registered(server: RunningServer, folder: string, env: Record<string, string> = {}): Promise<void> {
  writeFileSync(join(folder, 'model.json'), tinyModel())
  writeFileSync(join(folder, 'model.yaml'), MANIFEST)
  const ended = await bellwether(['register', join(folder, 'model.yaml'), '--data', server.data], env)
  assert.equal(ended.status, 0, ended.stderr)
}

async function predict(server: RunningServer, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

test('register, predict, find the record, prove it, export it, and have the export checked by a program that is not ours', async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await withServer({}, async server => {
    await registered(server, folder)

    const answer = await predict(
      server,
      { age: 47, tenure: 2 },
      { 'bellwether-subject': 'customer-17', 'bellwether-purpose': 'retention-offer' },
    )
    assert.equal(answer.status, 200)
    const prediction = (await answer.json()) as {
      id: string
      model: string
      version: string
      outputs: Record<string, number>
    }
    assert.equal(prediction.model, 'tiny')
    assert.equal(prediction.version, '1.0.0')
    assert.ok(Math.abs(prediction.outputs['tiny_probability']! - tinyAnswer(47, 2)) < 1e-6)

    const forbidden = await predict(server, { age: 47, tenure: 2 }, { 'bellwether-purpose': 'credit-decision' })
    assert.equal(forbidden.status, 403)

    const found = (await (await fetch(`${server.url}/predictions/${prediction.id}`)).json()) as {
      record: { features: unknown; subject: string; purpose: string }
    }
    assert.deepEqual(found.record.features, { age: 47, tenure: 2 })
    assert.equal(found.record.purpose, 'retention-offer')
    assert.notEqual(found.record.subject, 'customer-17')

    const out = join(folder, 'export')
    const exported = await bellwether(['audit', 'export', '--output', out, '--data', server.data])
    assert.equal(exported.status, 0, exported.stderr)
    assert.ok(!readFileSync(join(out, 'records.jsonl'), 'utf8').includes('customer-17'), 'no raw subject in the ledger')
    assert.match(execFileSync(process.execPath, [VERIFIER, out], { encoding: 'utf8' }), /: 8 records/)

    const proof = join(folder, 'proof.json')
    const proven = await bellwether(['audit', 'prove', prediction.id, '--output', proof, '--data', server.data])
    assert.equal(proven.status, 0, proven.stderr)
    assert.equal(spawnSync(process.execPath, [VERIFIER, '--proof', proof]).status, 0)
    writeFileSync(proof, readFileSync(proof, 'utf8').replace('\\"age\\":47', '\\"age\\":48'))
    assert.equal(spawnSync(process.execPath, [VERIFIER, '--proof', proof]).status, 1, 'a changed record is not proven')

    const verified = await bellwether(['audit', 'verify', '--data', server.data])
    assert.equal(verified.status, 0, verified.stdout + verified.stderr)
  })
})

test('with keys, each caller may do what their role says, and the record names the key', async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await withServer({}, async server => {
    await registered(server, folder)
    const create = async (name: string, role: string, key?: string): Promise<{ secret: string; id: string }> => {
      const env: Record<string, string> = key === undefined ? {} : { BELLWETHER_KEY: key }
      const ended = await bellwether(
        ['key', 'create', '--name', name, '--role', role, '--json', '--data', server.data],
        env,
      )
      assert.equal(ended.status, 0, ended.stderr)
      const { secret, key: info } = JSON.parse(ended.stdout) as { secret: string; key: { id: string } }
      return { secret, id: info.id }
    }
    const admin = await create('root', 'admin')
    assert.equal(
      (await predict(server, { age: 20, tenure: 1 })).status,
      401,
      'from the first key on, nobody is anonymous',
    )
    const service = await create('shop', 'service', admin.secret)
    const bearer = { authorization: `Bearer ${service.secret}` }
    const answer = await predict(server, { age: 20, tenure: 1 }, bearer)
    assert.equal(answer.status, 200)
    const { id } = (await answer.json()) as { id: string }
    assert.equal((await fetch(`${server.url}/keys`, { headers: bearer })).status, 403)
    assert.equal((await fetch(`${server.url}/predictions/${id}`, { headers: bearer })).status, 403)
    const asAdmin = { headers: { authorization: `Bearer ${admin.secret}` } }
    const { record } = (await (await fetch(`${server.url}/predictions/${id}`, asAdmin)).json()) as {
      record: { actor: string }
    }
    assert.ok(record.actor.includes(service.id), record.actor)
    const records = await (await fetch(`${server.url}/audit/records`, asAdmin)).text()
    assert.ok(records.includes('"action":"key:created"') && records.includes('"action":"model:registered"'))
    assert.ok(!records.includes(service.secret) && !server.stdout().includes(service.secret), 'secrets stay secret')
  })
})

test('a data folder is private to its owner', async () => {
  await withServer({}, async server => {
    const open = readdirSync(server.data, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name))
      .filter(path => path.includes('key') && (statSync(path).mode & 0o077) !== 0)
    assert.deepEqual(open, [])
    assert.equal(statSync(server.data).mode & 0o077, 0)
  })
})

test('a second server on the same folder, and one on a port in use, say what is in the way', async () => {
  await withServer({}, async server => {
    const second = await bellwether(['start', '--data', server.data, '--port', '0'])
    assert.notEqual(second.status, 0)
    assert.match(second.stderr, new RegExp(String(server.pid)))
    const other = temporaryFolder()
    const port = new URL(server.url).port
    const clash = await bellwether(['start', '--data', other, '--port', port])
    rmSync(other, { recursive: true, force: true })
    assert.notEqual(clash.status, 0)
    assert.match(clash.stderr, new RegExp(port))
  })
})

test('without a key the server refuses an address beyond loopback', async () => {
  const data = temporaryFolder()
  const ended = await bellwether(['start', '--data', data, '--port', '0', '--host', '0.0.0.0'])
  rmSync(data, { recursive: true, force: true })
  assert.equal(ended.status, 78)
  assert.match(ended.stderr, /key create/)
})

test('SIGTERM lets accepted requests finish', async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await withServer({}, async server => {
    await registered(server, folder)
    const batch = Array.from({ length: 5_000 }, (_, i) => ({ age: 18 + (i % 80), tenure: i % 10 }))
    const accepted = Array.from({ length: 8 }, () => predict(server, batch))
    await accepted[0]
    const others = Promise.allSettled(accepted)
    assert.equal(await server.kill('SIGTERM'), 0)
    for (const result of await others) assert.equal(result.status === 'fulfilled' && result.value.status, 200)
  })
})

/** The master key of a data folder is changed: all that it protects is there afterwards, and the old key opens nothing. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tinyModel } from '../journeys/model.ts'
import { bellwether, startServer, temporaryFolder, withServer } from '../server.ts'

const MANIFEST = `
name: tiny
version: 1.0.0
artifact: model.json
signature:
  inputs:
    - {name: age, type: integer, sensitive: true}
    - {name: tenure, type: integer}
`

async function register(url: string): Promise<void> {
  const form = new FormData()
  form.set('model', MANIFEST)
  form.set('artifact', new Blob([tinyModel()]), 'model.json')
  const response = await fetch(`${url}/models/register`, { method: 'POST', body: form })
  assert.equal(response.status, 201, await response.text())
}

/** Of the same subject; the id of the prediction. */
async function ask(url: string, age: number): Promise<string> {
  const headers = { 'content-type': 'application/json', 'bellwether-subject': 'customer-7' }
  const response = await fetch(`${url}/predict`, { method: 'POST', headers, body: JSON.stringify({ age, tenure: 2 }) })
  const answer = (await response.json()) as { id: string }
  assert.equal(response.status, 200, JSON.stringify(answer))
  return answer.id
}

async function found(url: string, id: string): Promise<{ sensitive: unknown; subject: string }> {
  const response = await fetch(`${url}/predictions/${id}`)
  const { sensitive, record } = (await response.json()) as { sensitive: unknown; record: { subject: string } }
  assert.equal(response.status, 200)
  return { sensitive, subject: record.subject }
}

interface Rotated {
  readonly objects: number
  readonly subjects: number
  readonly signingKeys: number
  readonly damaged: readonly string[]
}

test('a master key is changed with the server down and while it runs, and nothing is lost but the old key', async t => {
  const data = temporaryFolder()
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const file = join(data, 'keys', 'master.key')
  let server = await startServer({ data })
  await register(server.url)
  const ids = [await ask(server.url, 31)]
  const { subject } = await found(server.url, ids[0]!)
  await server.kill('SIGTERM')
  const old = readFileSync(file, 'utf8')

  const { status, stdout, stderr } = await bellwether(['keys', 'rotate', '--data', data, '--json'])
  assert.equal(status, 0, stderr)
  const offline = JSON.parse(stdout) as Rotated
  assert.deepEqual([offline.subjects, offline.damaged], [1, []])
  assert.ok(offline.objects >= 1 && offline.signingKeys >= 1, stdout)
  assert.notEqual(readFileSync(file, 'utf8'), old)

  server = await startServer({ data })
  ids.push(await ask(server.url, 32))
  const live = await fetch(`${server.url}/encryption/rotate`, { method: 'POST' })
  assert.equal(live.status, 200, await live.clone().text())
  assert.equal(((await live.json()) as Rotated).subjects, 1)
  ids.push(await ask(server.url, 33))
  for (const [at, id] of ids.entries()) {
    assert.deepEqual(await found(server.url, id), { sensitive: { age: 31 + at }, subject }, 'one pseudonym all along')
  }
  await server.kill('SIGTERM')

  const audit = await bellwether(['audit', 'verify', '--data', data])
  assert.equal(audit.status, 0, audit.stdout + audit.stderr)
  writeFileSync(file, old)
  const lost = await bellwether(['models', '--data', data])
  assert.notEqual(lost.status, 0)
  assert.match(lost.stderr, /is not the master key they were made with/)
})

test('with workers it is refused, and nothing changed', async () => {
  await withServer({ args: ['--workers', '2'] }, async ({ url, data }) => {
    const before = readFileSync(join(data, 'keys', 'master.key'), 'utf8')
    const response = await fetch(`${url}/encryption/rotate`, { method: 'POST' })
    const { code, detail } = (await response.json()) as { code: string; detail: string }
    assert.deepEqual([response.status, code], [409, 'conflict'])
    assert.match(detail, /workers hold it; stop the server/)
    assert.equal(readFileSync(join(data, 'keys', 'master.key'), 'utf8'), before)
  })
})

/** A version is served only by what is believed of it: after each kind of tampering, a fresh start refuses it, and says why. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { openApp } from '../../src/app.ts'
import { loadConfig } from '../../src/platform/config.ts'
import { temporaryFolder } from '../../src/platform/temporary.suite.ts'
import { tinyModel } from '../journeys/model.ts'

type Send = (method: string, path: string, body?: unknown) => Promise<{ status: number; body: Json }>
type Json = Readonly<Record<string, unknown>>

/** The application on the folder, for as long as `use` takes. */
async function withFolder<T>(data: string, flags: Json, use: (send: Send) => Promise<T>): Promise<T> {
  const config = loadConfig({ flags: { data, 'server.port': 0, ...flags }, env: {}, cwd: data })
  const { transport, close } = await openApp(config, { quiet: true })
  try {
    return await use(async (method, path, body) => {
      const isForm = body instanceof FormData
      const answer = await transport({
        method,
        path,
        ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
        ...(body === undefined || isForm ? {} : { headers: { 'content-type': 'application/json' } }),
      })
      return { status: answer.status, body: (await answer.json()) as Json }
    })
  } finally {
    await close()
  }
}

function form(version = '1.0.0'): FormData {
  const body = new FormData()
  body.append('name', 'tiny')
  body.append('version', version)
  body.append('artifact', new File([tinyModel()], 'model.json'))
  return body
}

const ROW = { age: 20, tenure: 1 }
const PLACE = '/models/tiny/versions/1.0.0/evidence'

/** A data folder with one registered version. */
async function registered(t: TestContext, flags: Json = {}): Promise<string> {
  const data = temporaryFolder(t)
  await withFolder(data, flags, async send => {
    const { status, body } = await send('POST', '/models/register', form())
    assert.equal(status, 201, JSON.stringify(body))
  })
  return data
}

async function predicted(data: string, flags: Json = {}): Promise<{ status: number; detail: string }> {
  return await withFolder(data, flags, async send => {
    const { status, body } = await send('POST', '/models/tiny/predict', ROW)
    return { status, detail: String(body['detail']) }
  })
}

function inDatabase(data: string, statement: string): void {
  const db = new DatabaseSync(join(data, 'metadata.sqlite'))
  db.exec(statement)
  db.close()
}

async function refused(data: string, pattern: RegExp, flags: Json = {}): Promise<void> {
  const { status, detail } = await predicted(data, flags)
  assert.ok(status >= 500, `${status}: ${detail}`)
  assert.match(detail, pattern)
}

test('an untouched version is served, also where all is required that registering signs', async t => {
  const data = await registered(t)
  assert.equal((await predicted(data)).status, 200)
  assert.equal((await predicted(data, { 'evidence.required': 'signature,provenance,measurement' })).status, 200)
  await refused(data, /no signed approval, which is required/, { 'evidence.required': 'approval' })
  await refused(data, /no signed validation, which is required/, { 'evidence.required': 'signature, validation' })
})

const TAMPERING: Readonly<Record<string, readonly [statement: string, says: RegExp]>> = {
  'a signature that was removed': [
    `DELETE FROM evidence_statements WHERE predicate_type LIKE '%model_signing%'`,
    /no signed signature, which is required/,
  ],
  'a changed byte of the signature': [
    `UPDATE evidence_statements SET bundle = replace(bundle, '"sig":"ME', '"sig":"MF')`,
    /not one of key/,
  ],
  'a payload of another statement': [
    `UPDATE evidence_statements SET bundle = (SELECT bundle FROM evidence_statements WHERE predicate_type LIKE '%slsa%')`,
    /it is a provenance/,
  ],
  'a key that is not known': [`DELETE FROM evidence_keys`, /nobody vouches for its key/],
  'a key that was revoked': [`UPDATE evidence_keys SET revoked_at = 1`, /nobody vouches for its key/],
  'a limit that was changed in the database': [
    `UPDATE versions SET body = replace(body, '"durability":"process"', '"durability":"power"')`,
    /is not what was signed when it was registered/,
  ],
  'a key that was put in the place of ours': [
    `UPDATE evidence_keys SET public_key = public_key || ' '`,
    /nobody vouches for its key/,
  ],
  'something that is no bundle': [`UPDATE evidence_statements SET bundle = 'x'`, /it is not JSON/],
}

for (const [what, [statement, says]] of Object.entries(TAMPERING)) {
  test(`${what}: the version is not served`, async t => {
    const data = await registered(t)
    inDatabase(data, statement)
    await refused(data, says)
  })
}

test('a changed byte of the artifact: the version is not served', async t => {
  const data = await registered(t)
  const objects = join(data, 'objects')
  for (const name of readdirSync(objects, { recursive: true }) as string[]) {
    if (!/^[0-9a-f]{2}\/[0-9a-f]{62}$/.test(name)) continue
    const bytes = readFileSync(join(objects, name))
    bytes[bytes.length - 20]! ^= 1
    writeFileSync(join(objects, name), bytes)
  }
  await refused(data, /Cannot/)
})

test('after a key was revoked, signing again serves the version again; what rotates is believed on', async t => {
  const data = await registered(t)
  await withFolder(data, {}, async send => {
    const { body } = await send('GET', '/evidence/keys')
    const [first] = body['keys'] as readonly { id: string }[]
    assert.equal((await send('POST', '/evidence/keys')).status, 201)
    assert.equal((await send('GET', PLACE)).status, 200)
    const { body: still } = await send('GET', PLACE)
    assert.ok((still['statements'] as readonly { isBelieved: boolean }[]).every(({ isBelieved }) => isBelieved))
    assert.equal((await send('POST', `/evidence/keys/${first!.id}/revoke`)).status, 200)
    assert.equal((await send('POST', `/evidence/keys/${first!.id}/revoke`)).status, 404)
  })
  await refused(data, /nobody vouches/)
  await withFolder(data, {}, async send => assert.equal((await send('POST', `${PLACE}/sign`)).status, 201))
  assert.equal((await predicted(data)).status, 200)
})

for (const workers of [1, 2]) {
  test(`a version that answers is put away when the key is revoked that signed it, with ${workers} processes`, async t => {
    const data = await registered(t)
    await withFolder(data, { 'server.workers': workers }, async send => {
      assert.equal((await send('POST', '/models/tiny/predict', ROW)).status, 200)
      const { body } = await send('GET', '/evidence/keys')
      const [key] = body['keys'] as readonly { id: string }[]
      assert.equal((await send('POST', `/evidence/keys/${key!.id}/revoke`)).status, 200)
      const { status, body: problem } = await send('POST', '/models/tiny/predict', ROW)
      assert.ok(status >= 500, String(status))
      assert.match(String(problem['detail']), /nobody vouches/)
    })
  })
}

test('a private key that is lost is told, and does not stop what is served', async t => {
  const data = await registered(t)
  const keys = join(data, 'keys')
  for (const name of readdirSync(keys)) if (name.startsWith('evidence-')) rmSync(join(keys, name))
  assert.equal((await predicted(data)).status, 200)
  await withFolder(data, {}, async send => {
    const { status, body } = await send('POST', '/models/register', form('1.1.0'))
    assert.ok(status >= 400)
    assert.match(String(body['detail']), /private key .* is not there; put it back|rotate/)
    assert.equal((await send('GET', '/models/tiny/versions/1.1.0')).status, 404, 'nothing became visible')
    assert.equal((await send('POST', '/evidence/keys')).status, 201)
    assert.equal((await send('POST', '/models/register', form('1.1.0'))).status, 201)
  })
})

test('a statement of somebody else counts where their key is trusted, and is about this artifact', async t => {
  const data = await registered(t)
  const folder = join(data, 'trusted')
  mkdirSync(folder)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
  const { createHash } = await import('node:crypto')
  const approval = (sha256: string): Json => {
    const payload = Buffer.from(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v1',
        subject: [{ name: 'tiny@1.0.0', digest: { sha256 } }],
        predicateType: 'urn:bellwether:approval:1',
        predicate: { decision: 'approved' },
      }),
    )
    const type = 'application/vnd.in-toto+json'
    const signed = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload])
    return {
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: createHash('sha256').update(pem).digest('hex') }, tlogEntries: [] },
      dsseEnvelope: {
        payload: payload.toString('base64'),
        payloadType: type,
        signatures: [{ sig: sign('sha256', signed, privateKey).toString('base64'), keyid: '' }],
      },
    }
  }
  const artifact = createHash('sha256').update(tinyModel()).digest('hex')
  const flags = { 'evidence.required': 'approval', 'evidence.trustedKeys': folder }
  await withFolder(data, flags, async send => assert.equal((await send('POST', PLACE, approval(artifact))).status, 403))
  writeFileSync(join(folder, 'approver.pub'), pem)
  await refused(data, /no signed approval/, flags)
  await withFolder(data, flags, async send => {
    const other = await send('POST', PLACE, approval('0'.repeat(64)))
    assert.ok(other.status >= 400 && other.status < 600, JSON.stringify(other.body))
    const { status, body } = await send('POST', PLACE, approval(artifact))
    assert.equal(status, 201, JSON.stringify(body))
  })
  assert.equal((await predicted(data, flags)).status, 200)
  rmSync(join(folder, 'approver.pub'))
  await refused(data, /nobody vouches/, flags)
})

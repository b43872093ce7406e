import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../platform/temporary.suite.ts'
import { publicKeyOf, signStatement, verifyBundle } from './bundle.ts'
import { commandKey, signingKeyOf } from './key-file.ts'
import { statementOf } from './statement.ts'

const STATEMENT = statementOf({ name: 'churn@1.0.0', digest: { sha256: '0'.repeat(64) } }, 'urn:test:1', { a: 1 })

function pair(): { readonly pem: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string,
  }
}

/** A command that signs what it is given, as the tool of a module or a service would. */
function signer(...parts: readonly string[]): string {
  return [process.execPath, ...parts].map(part => `'${part}'`).join(' ')
}

const PROGRAM = `
import { sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
const signature = sign('sha256', readFileSync(0), readFileSync(process.argv[2]))
process.stdout.write(process.argv[3] === 'base64' ? signature.toString('base64') + '\\n' : signature)
`

test('a command signs in our place, in bytes or in base64', async t => {
  const folder = temporaryFolder(t)
  const { pem, publicKey } = pair()
  const [program, key] = [join(folder, 'sign.mjs'), join(folder, 'key.pem')]
  writeFileSync(program, PROGRAM)
  writeFileSync(key, pem)
  const { keyId, pem: known } = publicKeyOf(publicKey)
  for (const form of ['bytes', 'base64']) {
    const bundle = await signStatement(STATEMENT, commandKey(signer(program, key, form), publicKey))
    const verified = verifyBundle(JSON.stringify(bundle), { keys: new Map([[keyId, known]]), now: 0 })
    assert.deepEqual(verified.statement, STATEMENT)
  }
})

test('a command that fails, says nothing or cannot be found says so', async () => {
  const { publicKey } = pair()
  const fails = (command: string, says: RegExp) =>
    assert.rejects(signStatement(STATEMENT, commandKey(command, publicKey)), (error: Error & { code: string }) => {
      assert.equal(error.code, 'unavailable')
      assert.match(error.message, says)
      return true
    })
  await fails(`${signer('-e', 'console.error("no such slot");process.exit(3)')}`, /ended with status 3: no such slot/)
  await fails(signer('-e', ''), /answered nothing/)
  await fails('no-such-program-of-anybody', /ended with status 127/)
})

test('Ed25519 signs and is verified; other algorithms are told', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const key = signingKeyOf(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
  const bundle = await signStatement(STATEMENT, key)
  const trust = { keys: new Map([[key.keyId, key.publicKey]]), now: 0 }
  assert.equal(publicKey.export({ type: 'spki', format: 'pem' }), key.publicKey)
  assert.deepEqual(verifyBundle(JSON.stringify(bundle), trust).statement, STATEMENT)
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  assert.throws(() => signingKeyOf(rsa as string), /it is of rsa, wanted P-256/)
  assert.throws(() => signingKeyOf('nothing'), /it is none, wanted PEM/)
})

/** OpenSSF's own client of model signatures, unmodified, with what we signed and what it signed; CycloneDX's own validator. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../src/platform/temporary.suite.ts'
import { SIGNING_PYTHON, skipUnless } from '../services.ts'
import { STRICT, withApp } from '../serving/app.ts'

const skip = skipUnless('signing')
const HELPER = fileURLToPath(new URL('signing.py', import.meta.url))
const PROGRAM = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

interface Ended {
  readonly status: number
  readonly said: string
}

function run(program: string, args: readonly string[]): Promise<Ended> {
  return new Promise(resolve => {
    execFile(program, args, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), said: stdout + stderr }),
    )
  })
}

const stock = (...args: string[]): Promise<Ended> => run(SIGNING_PYTHON, ['-m', 'model_signing', ...args])
const ours = (...args: string[]): Promise<Ended> => run(process.execPath, [PROGRAM, ...args])

function judge({ status, said }: Ended, wanted: 'accepted' | RegExp): void {
  if (wanted === 'accepted') {
    assert.equal(status, 0, said)
  } else {
    assert.notEqual(status, 0, said)
    assert.match(said, wanted)
  }
}

function flip(path: string): void {
  const bytes = readFileSync(path)
  bytes[bytes.length >> 1]! ^= 1
  writeFileSync(path, bytes)
}

test('the stock client believes what we signed, and nothing that was changed', { skip }, async t => {
  const folder = temporaryFolder(t)
  await withApp({}, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const place = ['--server', app.url]
    judge(
      await ours('evidence', 'tiny@1.0.0', '--folder', folder, '--bom', join(folder, 'bom.json'), ...place),
      'accepted',
    )
    const [model, signature, key] = [join(folder, 'tiny'), join(folder, 'model.sig'), join(folder, 'key.pub')]
    const verify = (model: string): Promise<Ended> =>
      stock('verify', 'key', model, '--signature', signature, '--public_key', key)
    judge(await verify(model), 'accepted')
    judge(await ours('evidence', 'verify', model, '--signature', signature, '--key', key), 'accepted')
    judge(await run(SIGNING_PYTHON, [HELPER, 'bom', join(folder, 'bom.json')]), 'accepted')

    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const other = join(folder, 'other.pub')
    writeFileSync(other, publicKey.export({ type: 'spki', format: 'pem' }))
    judge(await stock('verify', 'key', model, '--signature', signature, '--public_key', other), /Key mismatch/)
    flip(join(model, 'model.json'))
    judge(await verify(model), /Signature mismatch/)
    judge(await ours('evidence', 'verify', model, '--signature', signature, '--key', key), /changed: model\.json/)
  })
})

for (const namedCurve of ['P-256', 'P-384', 'P-521']) {
  test(`we believe what the stock client signed with ${namedCurve}, and nothing that was changed`, {
    skip,
  }, async t => {
    const folder = temporaryFolder(t)
    const model = join(folder, 'model')
    mkdirSync(join(model, 'weights'), { recursive: true })
    writeFileSync(join(model, 'config.json'), '{"layers": 2}')
    writeFileSync(join(model, 'empty'), '')
    for (const part of ['a', 'ä', 'b']) writeFileSync(join(model, 'weights', part), Buffer.alloc(100_000, part))
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
    const [secret, key, signature] = ['key.pem', 'key.pub', 'model.sig'].map(name => join(folder, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(secret, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    writeFileSync(key, publicKey.export({ type: 'spki', format: 'pem' }))
    judge(await stock('sign', 'key', model, '--signature', signature, '--private_key', secret), 'accepted')
    const verify = (): Promise<Ended> => ours('evidence', 'verify', model, '--signature', signature, '--key', key)
    judge(await verify(), 'accepted')
    if (namedCurve !== 'P-256') return

    writeFileSync(join(model, 'added'), '')
    judge(await verify(), /not signed: added/)
    rmSync(join(model, 'added'))
    flip(join(model, 'weights', 'b'))
    judge(await verify(), /changed: weights\/b/)
    flip(join(model, 'weights', 'b'))
    rmSync(join(model, 'empty'))
    judge(await verify(), /missing: empty/)
    symlinkSync(join(model, 'config.json'), join(model, 'empty'))
    judge(await verify(), /symbolic link/)
    rmSync(join(model, 'empty'))
    writeFileSync(join(model, 'empty'), '')
    judge(await verify(), 'accepted')
    copyFileSync(signature, `${signature}.kept`)
    flip(signature)
    judge(await verify(), /Cannot/)
  })
}

test('we believe certificates of the stock client by their root alone', { skip }, async t => {
  const folder = temporaryFolder(t)
  const at = (name: string): string => join(folder, name)
  mkdirSync(at('model'))
  writeFileSync(at('model/model.bin'), 'weights')
  judge(await run(SIGNING_PYTHON, [HELPER, 'certificates', folder]), 'accepted')
  const chain = ['--certificate_chain', at('middle.crt'), '--certificate_chain', at('root.crt')]
  const signing = ['--private_key', at('leaf.key'), '--signing_certificate', at('leaf.crt'), ...chain]
  judge(await stock('sign', 'certificate', at('model'), '--signature', at('model.sig'), ...signing), 'accepted')
  const verify = (root: string): Promise<Ended> =>
    ours('evidence', 'verify', at('model'), '--signature', at('model.sig'), '--certificates', at(root))
  judge(await verify('root.crt'), 'accepted')
  judge(await verify('other.crt'), /nobody vouches/)
  flip(at('model/model.bin'))
  judge(await verify('root.crt'), /changed: model\.bin/)
})

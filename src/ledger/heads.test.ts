import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { openKeyring, openSigner, type Signer } from '../platform/crypto.ts'
import { canonical } from './canonical.ts'
import type { SignedHead } from './evidence.ts'
import { headDigest, NO_PREVIOUS, openHeads, parseHead, signHead, verifyHead } from './heads.ts'
import { leafHash } from './merkle.ts'

let folder: string
let path: string
let signer: Signer
let other: Signer

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bellwether-heads-'))
  path = join(folder, 'ledger', 'heads.jsonl')
  const keyring = await openKeyring(folder)
  signer = await openSigner(folder, 'ledger', keyring)
  other = await openSigner(folder, 'other', keyring)
})
after(() => rmSync(folder, { recursive: true }))
beforeEach(() => rmSync(path, { force: true }))

function chain(sizes: readonly number[]): SignedHead[] {
  const heads: SignedHead[] = []
  for (const size of sizes) {
    const previous = heads.length === 0 ? NO_PREVIOUS : headDigest(heads.at(-1)!)
    const root = Buffer.from(leafHash(`tree of ${size}`)).toString('hex')
    heads.push(signHead({ size, root, at: 1_800_000_000_000 + size, previous }, signer))
  }
  return heads
}

describe('a signed head', () => {
  it('is verified by the key that signed it, as long as nothing in it is changed', () => {
    const [head] = chain([17])
    assert.ok(verifyHead(head!, signer.publicKey))
    assert.ok(!verifyHead(head!, other.publicKey))
    assert.equal(head!.keyId, signer.keyId)
    const changes: Partial<SignedHead>[] = [
      { size: 18 },
      { at: 1 },
      { root: '0'.repeat(64) },
      { previous: '1'.repeat(64) },
      { keyId: other.keyId },
      { signature: chain([18])[0]!.signature },
    ]
    for (const change of changes) assert.ok(!verifyHead({ ...head!, ...change }, signer.publicKey), canonical(change))
  })

  it('is read from its canonical form only', () => {
    const [head] = chain([17])
    const line = canonical(head)
    assert.deepEqual(parseHead(line), head)
    const { root: _, ...rest } = head!
    for (const wrong of ['', '{', 'null', ` ${line}`, JSON.stringify({ ...head, at: 0.5 }), canonical(rest)]) {
      assert.throws(() => parseHead(wrong), { code: 'corrupt' })
    }
  })
})

describe('heads.jsonl', () => {
  it('gives back what was kept, over restarts, in canonical lines', () => {
    const heads = chain([0, 5, 9, 200])
    for (const head of heads) {
      const file = openHeads(path)
      assert.equal(file.last?.size, heads[heads.indexOf(head) - 1]?.size)
      file.append([head])
      assert.deepEqual(file.last, head)
      file.close()
    }
    const file = openHeads(path)
    assert.deepEqual(file.since(0), heads)
    assert.deepEqual(file.since(9), heads.slice(2))
    assert.deepEqual(file.since(8), heads.slice(1))
    assert.deepEqual(file.since(1000), heads.slice(3))
    assert.deepEqual(file.find(9), heads[2])
    assert.equal(file.find(8), undefined)
    assert.equal(readFileSync(path, 'utf8'), heads.map(head => `${canonical(head)}\n`).join(''))
    file.close()
  })

  it('reads no more of a long file than it must, whatever its length', () => {
    const heads = chain(Array.from({ length: 700 }, (_, at) => at * 3)) // some chunks of 64 KiB
    const file = openHeads(path)
    file.append(heads)
    assert.deepEqual(file.since(0), heads)
    for (const at of [0, 1, 177, 350, 698, 699]) assert.deepEqual(file.find(at * 3), heads[at])
    file.close()
    appendFileSync(path, '')
    writeFileSync(path, Buffer.concat([Buffer.from('damaged at the beginning\n'), readFileSync(path)]))
    const damaged = openHeads(path)
    assert.deepEqual(damaged.since(1500), heads.slice(500))
    assert.throws(() => damaged.since(0) && damaged.find(-1), { code: 'corrupt' })
    damaged.close()
  })

  it('cuts what a crash left of a line', () => {
    const heads = chain([3, 6])
    const whole = heads.map(head => `${canonical(head)}\n`).join('')
    for (const cut of [1, 2, 50, 300]) {
      const file = openHeads(path)
      file.append(heads)
      file.close()
      truncateSync(path, whole.length - cut)
      const again = openHeads(path)
      assert.deepEqual(again.last, heads[0])
      again.close()
      assert.equal(readFileSync(path, 'utf8'), `${canonical(heads[0])}\n`)
      rmSync(path)
    }
  })

  it('refuses a damaged line', () => {
    const file = openHeads(path)
    file.append(chain([3, 6]))
    file.close()
    appendFileSync(path, '{"not":"a head"}\n')
    assert.throws(() => openHeads(path), { code: 'corrupt' })
  })
})

import assert from 'node:assert/strict'
import { generateKeyPairSync, hash, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { canonical } from '../../ledger/canonical.ts'
import { compactRange, inclusionPath, leafHash as ledgerLeaf, nodeHash as ledgerNode } from '../../ledger/merkle.ts'
import type { InclusionProof, SignedHead, SigningKeys } from './api.ts'
import { checkProof, headDigest, isSigned, leafHash, rootOf, toHex } from './evidence.ts'
import { checkKept } from './kept-head.ts'
import { linesOf } from './lines.ts'
import { growingTree } from './tree.ts'

const records = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 40 })

/** The complete subtrees of a log, as a ledger keeps them. */
function subtrees(leaves: readonly Uint8Array[]): (level: number, index: number) => Uint8Array {
  const at = (level: number, index: number): Uint8Array =>
    level === 0 ? leaves[index]! : ledgerNode(at(level - 1, 2 * index), at(level - 1, 2 * index + 1))
  return at
}

function rootHex(leaves: readonly Uint8Array[]): string {
  const range = compactRange()
  for (const leaf of leaves) range.append(leaf)
  return toHex(range.root())
}

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')
const KEY = raw.toString('base64')
const KEY_ID = hash('sha256', raw, 'hex').slice(0, 16)
const KEYS: SigningKeys = { ledger: KEY_ID, keys: [{ keyId: KEY_ID, publicKey: KEY }] }

function signed(statement: Omit<SignedHead, 'signature' | 'keyId'>): SignedHead {
  const unsigned = { ...statement, keyId: KEY_ID }
  return { ...unsigned, signature: sign(null, Buffer.from(canonical(unsigned)), privateKey).toString('base64') }
}

function proofOf(lines: readonly string[], index: number): InclusionProof {
  const leaves = lines.map(line => ledgerLeaf(line))
  const head = signed({ size: lines.length, root: rootHex(leaves), at: 1_700_000_000_000, previous: '0'.repeat(64) })
  const path = inclusionPath(index, lines.length, subtrees(leaves)).map(toHex)
  return { record: lines[index]!, index, path, head, publicKey: KEY }
}

const LINES = ['a', 'b', 'c', 'd', 'e'].map(id => canonical({ id, kind: 'prediction' }))

async function verdicts(id: string, proof: InclusionProof, keys: SigningKeys = KEYS): Promise<boolean[]> {
  return (await checkProof(id, proof, keys)).map(({ isRight }) => isRight)
}

describe('evidence, checked as a browser does', () => {
  test('the tree is the ledger’s: leaves, paths and roots', async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.nat(), async (lines, chosen) => {
        const leaves = lines.map(line => ledgerLeaf(line))
        const index = chosen % lines.length
        assert.equal(toHex(await leafHash(lines[index]!)), toHex(leaves[index]!))
        const path = inclusionPath(index, lines.length, subtrees(leaves)).map(toHex)
        assert.equal(await rootOf(leaves[index]!, index, lines.length, path), rootHex(leaves))
        const tree = growingTree()
        for (const [at, leaf] of leaves.entries()) {
          await tree.append(leaf)
          assert.equal(await tree.root(), rootHex(leaves.slice(0, at + 1)))
        }
      }),
      { numRuns: 60 },
    )
  })

  test('a path that does not fit leads nowhere', async () => {
    const leaf = await leafHash('a')
    const other = toHex(await leafHash('b'))
    for (const [index, size, path] of [
      [0, 1, [other]],
      [0, 2, []],
      [2, 2, [other]],
      [-1, 2, [other]],
      [0, 2, ['zz']],
    ] as const) {
      assert.equal(await rootOf(leaf, index, size, path), undefined)
    }
  })

  test('a true proof is right in every step', async () => {
    for (const [index, id] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      assert.deepEqual(await verdicts(id, proofOf(LINES, index)), [true, true, true])
    }
  })

  test('each falsehood shows in its step', async () => {
    const proof = proofOf(LINES, 2)
    assert.deepEqual(await verdicts('d', proof), [false, true, true], 'a proof of another record')
    const edited = { ...proof, record: canonical({ id: 'c', kind: 'prediction', value: 1 }) }
    assert.deepEqual(await verdicts('c', edited), [true, false, true], 'an edited record')
    assert.deepEqual(await verdicts('c', { ...proof, index: 1 }), [true, false, true], 'another place')
    const grown = { ...proof, head: { ...proof.head, at: proof.head.at + 1 } }
    assert.deepEqual(await verdicts('c', grown), [true, true, false], 'an edited head')
    assert.deepEqual(await verdicts('c', proof, { ledger: 'x', keys: [] }), [true, true, false], 'a key of another')
  })

  test('a head’s digest is what the next one names', async () => {
    const head = signed({ size: 3, root: 'ab'.repeat(32), at: 5, previous: '0'.repeat(64) })
    assert.equal(await headDigest(head), hash('sha256', canonical(head), 'hex'))
    assert.equal(await isSigned(head, KEY), true)
    assert.equal(await isSigned({ ...head, size: 4 }, KEY), false)
    assert.equal(await isSigned(head, 'not base64!'), false)
  })

  test('a head that was kept must still be there', () => {
    const [first, second] = [1, 2].map(size => signed({ size, root: 'ab'.repeat(32), at: size, previous: '' }))
    assert.equal(checkKept(undefined, [first!]), undefined)
    assert.equal(checkKept(first, [first!, second!])?.isRight, true)
    assert.equal(checkKept(second, [first!])?.isRight, false)
    assert.equal(checkKept({ ...first!, root: 'cd'.repeat(32) }, [first!, second!])?.isRight, false)
  })
})

test('lines of a stream are whole, wherever it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.integer({ min: 1, max: 9 }), async (texts, cut) => {
      const wanted = texts.map(text => text.replaceAll('\n', ' ')).filter(text => text !== '')
      const bytes = new TextEncoder().encode(wanted.map(text => `${text}\n`).join(''))
      const pieces = Array.from({ length: Math.ceil(bytes.length / cut) }, (_, at) =>
        bytes.slice(at * cut, (at + 1) * cut),
      )
      const found: string[] = []
      for await (const lines of linesOf(new Blob(pieces).stream(), 3)) found.push(...lines)
      assert.deepEqual(found, wanted)
    }),
  )
})

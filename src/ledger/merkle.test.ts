import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  compactRange,
  consistencyPath,
  EMPTY_ROOT,
  inclusionPath,
  leafHash,
  nodeHash,
  subtreesOf,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'

/**
 * The vectors of the Certificate Transparency reference implementation of RFC 6962
 * (google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc): inputs, roots, paths, consistency proofs.
 */
const INPUTS: readonly string[] = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const ROOTS: readonly string[] = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const AUDIT_PATHS: readonly { readonly index: number; readonly size: number; readonly path: readonly string[] }[] = [
  { index: 0, size: 1, path: [] },
  {
    index: 0,
    size: 8,
    path: [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  },
  {
    index: 5,
    size: 8,
    path: [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  },
  { index: 2, size: 3, path: ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'] },
  {
    index: 1,
    size: 5,
    path: [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  },
]
const CONSISTENCY: readonly { readonly from: number; readonly to: number; readonly path: readonly string[] }[] = [
  { from: 1, to: 1, path: [] },
  {
    from: 1,
    to: 8,
    path: [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  },
  {
    from: 6,
    to: 8,
    path: [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  },
  {
    from: 2,
    to: 5,
    path: [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  },
]

const leaves = INPUTS.map(input => leafHash(Buffer.from(input, 'hex')))
const reference = subtreesOf(leaves)
const many = Array.from({ length: 70 }, (_, index) => leafHash(`record ${index}`))
const manySubtrees = subtreesOf(many)

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** RFC 6962 §2.1 as it is written: the definition that everything else must agree with. */
function definition(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return EMPTY_ROOT
  if (hashes.length === 1) return hashes[0]!
  let split = 1
  while (split * 2 < hashes.length) split *= 2
  return nodeHash(definition(hashes.slice(0, split)), definition(hashes.slice(split)))
}

/** The same bytes with one bit changed. */
function damaged(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[Math.floor(bit / 8) % copy.length]! ^= 1 << (bit % 8)
  return copy
}

/** [index, size] with index < size ≤ 70. */
const leafOfTree = fc
  .integer({ min: 1, max: many.length })
  .chain(size => fc.tuple(fc.integer({ min: 0, max: size - 1 }), fc.constant(size)))
const bit = fc.nat(255)

describe('the Merkle tree of RFC 6962', () => {
  it('has the roots of the reference', () => {
    const range = compactRange()
    for (const [size, root] of ROOTS.entries()) {
      assert.equal(hex(treeRoot(size, reference)), root)
      assert.equal(hex(range.root()), root)
      if (size < leaves.length) range.append(leaves[size]!)
    }
  })

  it('has the audit paths of the reference', () => {
    for (const { index, size, path } of AUDIT_PATHS)
      assert.deepEqual(inclusionPath(index, size, reference).map(hex), path)
  })

  it('has the consistency proofs of the reference', () => {
    for (const { from, to, path } of CONSISTENCY) assert.deepEqual(consistencyPath(from, to, reference).map(hex), path)
  })

  it('is the tree of the definition at every size, also when it goes on from one', () => {
    for (let size = 0; size <= many.length; size++) {
      const root = hex(definition(many.slice(0, size)))
      assert.equal(hex(treeRoot(size, manySubtrees)), root)
      for (const from of [0, Math.floor(size / 3), size]) {
        const range = compactRange(from, manySubtrees)
        for (const leaf of many.slice(from, size)) range.append(leaf)
        assert.equal(hex(range.root()), root)
        assert.equal(range.size, size)
      }
    }
  })

  it('tells texts and bytes alike, leaves and nodes apart', () => {
    const [a, b] = [leafHash('a'), leafHash('b')]
    assert.equal(hex(leafHash('Z\u00fcrich')), hex(leafHash(Buffer.from('Z\u00fcrich'))))
    assert.notEqual(hex(leafHash(Buffer.concat([a, b]))), hex(nodeHash(a, b)))
    const large = Buffer.alloc(200_000, 'x')
    assert.equal(hex(leafHash(large)), hex(leafHash(large.toString())))
  })

  it('refuses to prove what is not there', () => {
    assert.throws(() => inclusionPath(3, 3, reference), RangeError)
    assert.throws(() => inclusionPath(-1, 3, reference), RangeError)
    assert.throws(() => inclusionPath(0, 9, reference), RangeError)
    assert.throws(() => consistencyPath(4, 3, reference), RangeError)
  })
})

describe('proofs', () => {
  it('law: the path of every leaf in every tree verifies, and for no other leaf, place or size', () => {
    for (let size = 1; size <= many.length; size++) {
      const root = treeRoot(size, manySubtrees)
      for (let index = 0; index < size; index++) {
        const path = inclusionPath(index, size, manySubtrees)
        assert.ok(verifyInclusion(many[index]!, index, size, path, root))
        assert.ok(!verifyInclusion(many[(index + 1) % many.length]!, index, size, path, root))
        assert.ok(!verifyInclusion(many[index]!, index + 1, size, path, root))
        assert.ok(!verifyInclusion(many[index]!, index, size, [...path, root], root))
        assert.ok(!verifyInclusion(many[index]!, index, size, path.slice(1), root) || path.length === 0)
      }
    }
    assert.ok(!verifyInclusion(many[0]!, 0, 0, [], EMPTY_ROOT))
  })

  it('law: an inclusion proof with one bit changed anywhere does not verify', () => {
    fc.assert(
      fc.property(leafOfTree, bit, fc.nat(), ([index, size], at, which) => {
        const root = treeRoot(size, manySubtrees)
        const path = inclusionPath(index, size, manySubtrees)
        const place = which % (path.length + 2)
        const changed = path.map((hash, level) => (level === place ? damaged(hash, at) : hash))
        const leaf = place === path.length ? damaged(many[index]!, at) : many[index]!
        const wanted = place === path.length + 1 ? damaged(root, at) : root
        assert.ok(!verifyInclusion(leaf, index, size, changed, wanted))
      }),
    )
  })

  it('law: every tree is consistent with every later one', () => {
    for (let to = 0; to <= many.length; to++) {
      const toRoot = treeRoot(to, manySubtrees)
      for (let from = 0; from <= to; from++) {
        const fromRoot = treeRoot(from, manySubtrees)
        const path = consistencyPath(from, to, manySubtrees)
        assert.ok(verifyConsistency(from, fromRoot, to, toRoot, path), `${from} to ${to}`)
        assert.ok(!verifyConsistency(from, fromRoot, to, toRoot, [...path, toRoot]))
        if (path.length > 0) assert.ok(!verifyConsistency(from, fromRoot, to, toRoot, path.slice(0, -1)))
      }
    }
  })

  it('law: a tree is not consistent with one whose earlier leaf differs', () => {
    fc.assert(
      fc.property(leafOfTree, bit, ([index, size], at) => {
        const other = subtreesOf(many.map((leaf, place) => (place === index ? damaged(leaf, at) : leaf)))
        const to = many.length
        for (let from = index + 1; from <= size; from++) {
          const path = consistencyPath(from, to, other)
          assert.ok(!verifyConsistency(from, treeRoot(from, manySubtrees), to, treeRoot(to, other), path))
        }
      }),
      { numRuns: 30 },
    )
  })

  it('law: a consistency proof with one bit changed does not verify', () => {
    fc.assert(
      fc.property(leafOfTree, bit, fc.nat(), ([index, to], at, which) => {
        const from = index + 1
        const path = consistencyPath(from, to, manySubtrees)
        const place = which % (path.length + 2)
        const changed = path.map((hash, level) => (level === place ? damaged(hash, at) : hash))
        const [a, b] = [treeRoot(from, manySubtrees), treeRoot(to, manySubtrees)]
        const older = place === path.length ? damaged(a, at) : a
        const newer = place === path.length + 1 ? damaged(b, at) : b
        assert.ok(!verifyConsistency(from, older, to, newer, changed))
      }),
    )
  })
})

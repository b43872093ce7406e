import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { compactRange, inclusionPath, leafHash, subtreesOf, treeRoot, verifyInclusion } from './merkle.ts'
import { openTree } from './tree.ts'

const LEAVES = 70_000 // enough for a file of level 16
const leaves = Array.from({ length: LEAVES }, (_, index) => leafHash(`record ${index}`))

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bellwether-tree-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function rootOf(count: number): string {
  const range = compactRange()
  for (const leaf of leaves.slice(0, count)) range.append(leaf)
  return hex(range.root())
}

function level(number: number): string {
  return join(folder, `level-${number}.bin`)
}

describe('tree', () => {
  it('has the roots and paths of the Merkle tree, at every size it went through', () => {
    const tree = openTree(folder)
    for (let at = 0; at < LEAVES; at += 997) tree.append(Buffer.concat(leaves.slice(at, at + 997)))
    assert.equal(tree.size, LEAVES)
    for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, LEAVES]) {
      assert.equal(hex(tree.rootAt(size)), rootOf(size))
      if (size === 0) continue
      const root = tree.rootAt(size)
      for (const index of [0, Math.floor(size / 3), size - 1]) {
        assert.ok(verifyInclusion(tree.leaf(index), index, size, tree.path(index, size), root), `${index} of ${size}`)
      }
    }
    assert.equal(hex(tree.leaf(12_345)), hex(leaves[12_345]!))
    tree.close()
    assert.deepEqual(
      [0, 8, 16].map(number => statSync(level(number)).size / 32),
      [LEAVES, Math.floor(LEAVES / 256), Math.floor(LEAVES / 65_536)],
    )
    assert.ok(!existsSync(level(24)))
  })

  it('refuses what it does not hold', () => {
    const tree = openTree(folder)
    tree.append(Buffer.concat(leaves.slice(0, 10)))
    assert.throws(() => tree.rootAt(11), { code: 'invalid' })
    assert.throws(() => tree.path(3, 11), { code: 'invalid' })
    assert.throws(() => tree.leaf(10), { code: 'invalid' })
    assert.throws(() => tree.leaf(-1), { code: 'invalid' })
    tree.close()
  })

  it('makes upper files again that are short, missing, or longer than those below', () => {
    const first = openTree(folder)
    first.append(Buffer.concat(leaves))
    first.close()
    const wanted = [0, 8, 16].map(number => readFileSync(level(number)))
    const harm: (() => void)[] = [
      () => {
        rmSync(level(8))
        writeFileSync(level(16), Buffer.alloc(32)) // behind a gap, nothing is believed
      },
      () => rmSync(level(16)),
      () => truncateSync(level(8), 32 * 100 + 5),
      () => writeFileSync(level(16), Buffer.alloc(32 * 50)),
    ]
    for (const [at, damage] of harm.entries()) {
      damage()
      const tree = openTree(folder)
      if (at === 3) tree.truncate(1000) // a longer file may hold anything: what is right of it follows from below
      if (at === 3) tree.append(Buffer.concat(leaves.slice(1000)))
      assert.equal(hex(tree.rootAt(LEAVES)), rootOf(LEAVES))
      tree.close()
      assert.deepEqual(
        [0, 8, 16].map(number => readFileSync(level(number))),
        wanted,
      )
    }
  })

  it('forgets half a hash', () => {
    const first = openTree(folder)
    first.append(Buffer.concat(leaves.slice(0, 300)))
    first.close()
    truncateSync(level(0), 32 * 255 + 7)
    const tree = openTree(folder)
    assert.equal(tree.size, 255)
    assert.equal(statSync(level(8)).size, 0)
    tree.append(Buffer.concat(leaves.slice(255, 1000)))
    assert.equal(hex(tree.rootAt(1000)), rootOf(1000))
    tree.close()
  })

  it('says what to do where a hash is gone', () => {
    const tree = openTree(folder)
    tree.append(Buffer.concat(leaves.slice(0, 300)))
    truncateSync(level(0), 32 * 280)
    assert.throws(() => tree.rootAt(300), { code: 'corrupt', message: /remove its folder and restart/ })
    tree.close()
  })

  it('law: any order of growing, cutting and opening again makes the same tree', () => {
    const step = fc.oneof(
      fc.record({ grow: fc.nat(700) }),
      fc.record({ cut: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.constant({ open: true }),
    )
    const subtrees = subtreesOf(leaves)
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), steps => {
        let tree = openTree(folder)
        tree.truncate(0)
        for (const action of steps) {
          if ('grow' in action) tree.append(Buffer.concat(leaves.slice(tree.size, tree.size + action.grow)))
          if ('cut' in action) tree.truncate(Math.floor(tree.size * action.cut))
          if ('open' in action) {
            tree.close()
            tree = openTree(folder)
          }
        }
        const { size } = tree
        assert.equal(hex(tree.rootAt(size)), hex(treeRoot(size, subtrees)))
        for (const index of size === 0 ? [] : [0, size >> 1, size - 1]) {
          assert.deepEqual(tree.path(index, size).map(hex), inclusionPath(index, size, subtrees).map(hex))
        }
        tree.close()
      }),
      { numRuns: 50 },
    )
  })
})

/**
 * Purpose: a disk that is really full refuses records, loses none, and takes them again when there is room. Method: a
 * journal and its notary on a small file system in memory (needs the right to mount), and a journal whose process may not
 * make files beyond a size (`ulimit -f`, which needs no right and gives EFBIG).
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Problem } from '../../src/errors.ts'
import { type Journal, openJournal } from '../../src/ledger/journal.ts'
import { readJournalFile } from '../../src/ledger/journal-files.ts'
import { PROBE_MS } from '../../src/ledger/journal-flush.ts'
import { compactRange, leafHash } from '../../src/ledger/merkle.ts'
import { openNotary } from '../../src/ledger/notary.ts'
import { manualClock } from '../../src/platform/clock.ts'
import { openKeyring, openSigner } from '../../src/platform/crypto.ts'
import { recordText } from './record-text.ts'

const FILL = 400
const DISK_BYTES = 1 << 20

/** A file system of a megabyte at a new place, or the reason why there is none. */
function mountSmallDisk(): { readonly path: string } | { readonly reason: string } {
  const path = mkdtempSync(join(tmpdir(), 'bellwether-full-'))
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path])
  if (status === 0) return { path }
  rmSync(path, { recursive: true })
  return { reason: `No small disk can be mounted: ${error?.message ?? String(stderr).trim()}` }
}

function unmount(path: string): void {
  spawnSync('umount', [path])
  rmSync(path, { recursive: true })
}

function contents(journal: Journal): string[] {
  return journal.files().flatMap(file => [...readJournalFile(file)].flat().map(String))
}

/** Appends turns of records until the disk refuses one, and says which records were acknowledged. */
async function fillUp(journal: Journal, kept: string[], turn: number): Promise<void> {
  for (let next = kept.length; ; ) {
    const texts = Array.from({ length: turn }, () => recordText(next++, FILL))
    try {
      await journal.append(texts)
    } catch (error) {
      assert.ok(error instanceof Problem && error.code === 'storage_full' && error.status === 503, String(error))
      return
    }
    kept.push(...texts)
  }
}

describe('a full disk', () => {
  it('refuses, keeps what it acknowledged, and recovers by itself', async test => {
    const disk = mountSmallDisk()
    if ('reason' in disk) return test.skip(disk.reason)
    const clock = manualClock(1_800_000_000_000)
    const troubles: (string | undefined)[] = []
    const open = (): Journal =>
      openJournal(join(disk.path, 'journal'), {
        ...{ flushMs: 5, bytesMax: 200_000, ageMsMax: 3_600_000, clock, firstIndex: 0 },
        onTrouble: problem => troubles.push(problem?.code),
      })
    try {
      const ballast = join(disk.path, 'ballast')
      writeFileSync(ballast, Buffer.alloc(DISK_BYTES / 2))
      let journal = open()
      const kept: string[] = []
      for (const turn of [1, 7, 50]) {
        await fillUp(journal, kept, turn)
        for (let again = 0; again < 5; again++) await assert.rejects(journal.append(['{}']), { code: 'storage_full' })
        assert.equal(journal.size, kept.length)
        assert.deepEqual(contents(journal), kept)
        writeFileSync(ballast, Buffer.alloc(statSync(ballast).size - 60_000)) // somebody makes room
        clock.advance(PROBE_MS)
      }
      await journal.append([recordText(kept.length, FILL)], 'power')
      kept.push(recordText(kept.length, FILL))
      assert.deepEqual(troubles, ['storage_full', undefined, 'storage_full', undefined, 'storage_full', undefined])
      await journal.close()
      journal = open()
      assert.deepEqual(journal.cut, [])
      assert.deepEqual(contents(journal), kept)
      await journal.close()
    } finally {
      unmount(disk.path)
    }
    return undefined
  })

  it('keeps heads from being signed until there is room, and breaks no chain', async test => {
    const disk = mountSmallDisk()
    if ('reason' in disk) return test.skip(disk.reason)
    const home = mkdtempSync(join(tmpdir(), 'bellwether-full-'))
    try {
      const clock = manualClock(1_800_000_000_000)
      const journalFolder = join(home, 'journal')
      const limits = { flushMs: 5, bytesMax: 1 << 24, ageMsMax: 3_600_000, firstIndex: 0 }
      const journal = openJournal(journalFolder, { ...limits, clock })
      const ballast = join(disk.path, 'ballast')
      const notary = openNotary({
        journalFolder,
        treeFolder: join(disk.path, 'tree'),
        headsPath: join(disk.path, 'heads.jsonl'),
        journal,
        sealed: 0,
        signer: await openSigner(home, 'ledger', await openKeyring(home)),
        clock,
      })
      const first = await notary.head()
      writeFileSync(ballast, Buffer.alloc(DISK_BYTES - 50_000))
      const texts = Array.from({ length: 5000 }, (_, index) => recordText(index, FILL))
      await journal.append(texts) // 5,000 hashes are 160,000 bytes
      await assert.rejects(notary.head(), { code: 'storage_full' })
      rmSync(ballast)
      const head = await notary.head()
      const range = compactRange()
      for (const text of texts) range.append(leafHash(text))
      assert.equal(head.root, Buffer.from(range.root()).toString('hex'))
      const heads = readFileSync(join(disk.path, 'heads.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line))
      assert.deepEqual(heads, [first, head])
      await notary.close()
      await journal.close()
    } finally {
      unmount(disk.path)
      rmSync(home, { recursive: true })
    }
    return undefined
  })
})

describe('a file that may not grow', () => {
  it('is left whole, and followed by a new one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bellwether-limit-'))
    try {
      const writer = fileURLToPath(new URL('./limited-writer.ts', import.meta.url))
      const limited = `ulimit -f 200; exec "$0" "$@"` // blocks of 512 or 1024 bytes
      const { status, stdout, stderr } = spawnSync('sh', ['-c', limited, process.execPath, writer, folder], {
        encoding: 'utf8',
      })
      assert.equal(status, 0, stderr)
      const { codes, size } = JSON.parse(stdout)
      assert.deepEqual(codes, ['storage_full', 'storage_full'])
      const journal = openJournal(folder, {
        ...{ flushMs: 5, bytesMax: 1 << 24, ageMsMax: 3_600_000, firstIndex: 0 },
        clock: manualClock(0),
      })
      assert.deepEqual(journal.cut, [])
      const texts = contents(journal)
      assert.equal(texts.length, size)
      for (const [index, text] of texts.entries()) assert.equal(text, recordText(index, FILL))
      assert.ok(readdirSync(folder).filter(name => name.endsWith('.jsonl')).length > 1)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { Problem } from '../../src/errors.ts'
import { canonical } from '../../src/ledger/canonical.ts'
import type { SignedHead } from '../../src/ledger/evidence.ts'
import { headDigest, NO_PREVIOUS, parseHead, signHead, verifyHead } from '../../src/ledger/heads.ts'
import { type Journal, openJournal } from '../../src/ledger/journal.ts'
import { lineBytesMax, writeLine } from '../../src/ledger/journal-line.ts'
import { compactRange, leafHash, verifyInclusion } from '../../src/ledger/merkle.ts'
import { type Notary, type NotaryOptions, openNotary } from '../../src/ledger/notary.ts'
import { manualClock } from '../../src/platform/clock.ts'
import { openKeyring, openSigner, type Signer } from '../../src/platform/crypto.ts'
import { manualTimers } from '../../src/platform/timers.ts'

const clock = manualClock(1_800_000_000_000)
let keys: string
let signer: Signer
let other: Signer
let folder: string
let running: { journal: Journal; notary: Notary }[]

before(async () => {
  keys = mkdtempSync(join(tmpdir(), 'bellwether-keys-'))
  const keyring = await openKeyring(keys)
  signer = await openSigner(keys, 'ledger', keyring)
  other = await openSigner(keys, 'other', keyring)
})
after(() => rmSync(keys, { recursive: true }))
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bellwether-notary-'))
  running = []
})
afterEach(async () => {
  for (const { journal, notary } of running) {
    await notary.close()
    await journal.close()
  }
  rmSync(folder, { recursive: true })
})

interface Opened {
  readonly journal: Journal
  readonly notary: Notary
  readonly troubles: Problem[]
}

function open(options: Partial<NotaryOptions> = {}): Opened {
  const { sealed = 0 } = options
  const journalFolder = join(folder, 'journal')
  const limits = { flushMs: 50, bytesMax: 1 << 24, ageMsMax: 3_600_000 }
  const journal = openJournal(journalFolder, { ...limits, clock, timers: manualTimers(), firstIndex: sealed })
  const troubles: Problem[] = []
  const notary = openNotary({
    journalFolder,
    treeFolder: join(folder, 'tree'),
    headsPath: headsPath(),
    journal,
    sealed,
    signer,
    clock,
    onTrouble: problem => troubles.push(problem),
    ...options,
  })
  const opened = { journal, notary, troubles }
  running.push(opened)
  return opened
}

async function shut(opened: Opened): Promise<void> {
  running.splice(
    running.findIndex(({ notary }) => notary === opened.notary),
    1,
  )
  await opened.notary.close()
  await opened.journal.close()
}

function headsPath(): string {
  return join(folder, 'heads.jsonl')
}

function writtenHeads(): SignedHead[] {
  if (!existsSync(headsPath())) return []
  return readFileSync(headsPath(), 'utf8')
    .split('\n')
    .flatMap(line => (line === '' ? [] : parseHead(line)))
}

function record(index: number): string {
  return `{"id":"record-${index}","text":"Z\u00fcrich"}`
}

function records(first: number, end: number): string[] {
  return Array.from({ length: end - first }, (_, at) => record(first + at))
}

function rootOf(texts: readonly string[]): string {
  const range = compactRange()
  for (const text of texts) range.append(leafHash(text))
  return Buffer.from(range.root()).toString('hex')
}

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex')
}

/** Puts another record in the place of one, with the right checksum, as somebody would who wants to hide it. */
function forge(file: string, index: number): void {
  const lines = readFileSync(file, 'utf8').split('\n')
  const text = record(index).replace('rich', 'ROSE')
  const buffer = Buffer.alloc(lineBytesMax(text))
  lines[index] = buffer.toString('utf8', 0, writeLine(text, buffer, 0) - 1)
  writeFileSync(file, lines.join('\n'))
}

async function* inBatches(from: number, to: number): AsyncGenerator<string[]> {
  for (let at = from; at < to; at += 1000) yield records(at, Math.min(to, at + 1000))
}

describe('notary', () => {
  it('signs the root of what the journal holds, and chains its heads', async () => {
    const { journal, notary } = open()
    const heads: SignedHead[] = []
    for (const size of [0, 1, 2, 700, 5000]) {
      clock.advance(1000)
      await journal.append(records(journal.size, size))
      const head = await notary.head()
      assert.equal(head.size, size)
      assert.equal(head.root, rootOf(records(0, size)))
      assert.equal(head.at, clock.now())
      assert.equal(head.previous, heads.length === 0 ? NO_PREVIOUS : headDigest(heads.at(-1)!))
      assert.ok(verifyHead(head, signer.publicKey))
      heads.push(head)
    }
    assert.deepEqual(writtenHeads(), heads)
  })

  it('signs only what is on the device', async () => {
    const { journal, notary } = open()
    await journal.append(records(0, 3))
    assert.equal(journal.progress.flushed(), 0)
    await notary.head()
    assert.equal(journal.progress.flushed(), 3)
  })

  it('gives one head to all who ask at once, and the same while nothing comes', async () => {
    const { journal, notary } = open()
    await journal.append(records(0, 3))
    const heads = await Promise.all([notary.head(), notary.headAt(3), notary.head()])
    clock.advance(1000)
    heads.push(await notary.head())
    for (const head of heads) assert.deepEqual(head, heads[0])
    assert.equal(writtenHeads().length, 1)
  })

  it('has a head where files of the journal meet, and of no other size in the past', async () => {
    const { journal, notary } = open()
    for (const end of [10, 25, 40]) {
      await journal.append(records(journal.size, end))
      if (end < 40) await journal.roll()
    }
    const newest = await notary.head()
    assert.equal(newest.size, 40)
    for (const size of [10, 25]) {
      const head = await notary.headAt(size)
      assert.equal(head.size, size)
      assert.equal(head.root, rootOf(records(0, size)))
    }
    await assert.rejects(notary.headAt(11), { code: 'not_found' })
    await assert.rejects(notary.headAt(41), { code: 'invalid' })
    await assert.rejects(notary.headAt(-1), { code: 'invalid' })
    assert.deepEqual(
      writtenHeads().map(({ size }) => size),
      [10, 25, 40],
    )
  })

  it('proves records against its heads', async () => {
    const { journal, notary } = open()
    await journal.append(records(0, 3000))
    const head = await notary.head()
    await journal.append(records(3000, 3100))
    for (const index of [0, 1, 255, 256, 2047, 2999]) {
      const path = (await notary.path(index, head.size)).map(bytes)
      assert.ok(verifyInclusion(leafHash(record(index)), index, head.size, path, bytes(head.root)))
      assert.deepEqual(bytes(await notary.leaf(index)), leafHash(record(index)))
    }
    assert.deepEqual(bytes(await notary.leaf(3099)), leafHash(record(3099)))
    await assert.rejects(notary.path(3, 3), { code: 'invalid' })
    await assert.rejects(notary.path(3, 3101), { code: 'invalid' })
    await assert.rejects(notary.leaf(3100), { code: 'invalid' })
  })

  it('signs by itself while records come', async () => {
    const { journal, notary } = open({ headEveryMs: 1 })
    await journal.append(records(0, 5), 'power')
    while (writtenHeads().length === 0) await notary.leaf(0)
    assert.deepEqual(
      writtenHeads().map(({ size }) => size),
      [5],
    )
  })

  it('refuses questions after it was closed', async () => {
    const opened = open()
    await shut(opened)
    await assert.rejects(opened.notary.head(), { code: 'unavailable' })
    await opened.notary.close()
  })

  it('says so where it cannot keep its files', async () => {
    mkdirSync(headsPath())
    const { notary, troubles } = open()
    await assert.rejects(notary.head(), { code: 'failed', message: /EISDIR/ })
    assert.deepEqual(
      troubles.map(({ code }) => code),
      ['failed'],
    )
  })
})

describe('notary after a restart', () => {
  it('goes on with the chain, over what is sealed and what is not', async () => {
    const first = open()
    await first.journal.append(records(0, 2000))
    await first.journal.roll()
    await first.journal.append(records(2000, 2500))
    const before = await first.notary.head()
    await first.journal.remove(first.journal.closedFiles()[0]!)
    await shut(first)
    const { journal, notary } = open({ sealed: 2000 })
    await notary.checked()
    assert.deepEqual(await notary.head(), before)
    await journal.append(records(2500, 2600))
    const head = await notary.head()
    assert.equal(head.root, rootOf(records(0, 2600)))
    assert.equal(head.previous, headDigest(before))
    const path = (await notary.path(3, 2600)).map(bytes)
    assert.ok(verifyInclusion(leafHash(record(3)), 3, 2600, path, bytes(head.root)))
  })

  it('makes the tree of sealed records again where it is lost, short or false', async () => {
    const first = open()
    await first.journal.append(records(0, 5000))
    await first.journal.roll()
    await first.journal.append(records(5000, 5100))
    const before = await first.notary.head()
    await first.journal.remove(first.journal.closedFiles()[0]!)
    await shut(first)
    const level = (number: number): string => join(folder, 'tree', `level-${number}.bin`)
    const asked: number[] = []
    const readSealed = (from: number, to: number): AsyncIterable<readonly string[]> => {
      asked.push(from)
      return inBatches(from, to)
    }
    const damages = [
      () => rmSync(join(folder, 'tree'), { recursive: true }),
      () => truncateSync(level(0), 32 * 1234),
      () => writeFileSync(level(8), Buffer.alloc(32 * 19)),
      () => rmSync(level(8)),
    ]
    for (const damage of damages) {
      damage()
      const again = open({ sealed: 5000, readSealed })
      assert.deepEqual(await again.notary.head(), before)
      assert.equal((await again.notary.path(7, 5100)).length, 13)
      assert.deepEqual(again.troubles, [])
      await shut(again)
    }
    assert.deepEqual(asked, [0, 1234, 0])
  })

  it('asks for the sealed records in vain: it says so', async () => {
    const opened = open({ sealed: 10 })
    await assert.rejects(opened.notary.checked(), { code: 'corrupt', message: /10 were wanted/ })
    await shut(opened)
    const readSealed = async function* (): AsyncGenerator<string[]> {
      yield records(0, 4)
      throw new Error('the segment is damaged')
    }
    const again = open({ sealed: 10, readSealed })
    await assert.rejects(again.notary.head(), { code: 'corrupt', message: /the segment is damaged/ })
    await again.journal.append(records(10, 11)) // answering goes on
    assert.equal(again.troubles.length, 1)
  })
})

describe('notary over records that contradict a head', () => {
  async function prepare(): Promise<string> {
    const first = open()
    await first.journal.append(records(0, 100))
    await first.notary.head()
    await first.journal.append(records(100, 200))
    await first.notary.head()
    await shut(first)
    return join(folder, 'journal', '000000000000.jsonl')
  }

  async function isRefused(words: RegExp): Promise<void> {
    const { notary, journal, troubles } = open()
    const heads = readFileSync(headsPath(), 'utf8')
    await assert.rejects(notary.checked(), { code: 'corrupt', message: words })
    await journal.append(records(200, 210))
    await assert.rejects(notary.head(), { code: 'corrupt', message: words })
    await assert.rejects(notary.path(1, 2), { code: 'corrupt' })
    assert.match(troubles[0]!.message, words)
    assert.equal(troubles.length, 1)
    assert.equal(readFileSync(headsPath(), 'utf8'), heads)
  }

  it('signs nothing more where a record was changed', async () => {
    forge(await prepare(), 150)
    await isRefused(/head of 200 records .* not the ones that were signed/)
  })

  it('names the first head that does not fit', async () => {
    forge(await prepare(), 50)
    await isRefused(/head of 100 records/)
  })

  it('signs nothing more where records were removed', async () => {
    const file = await prepare()
    const text = readFileSync(file)
    writeFileSync(file, text.subarray(0, text.lastIndexOf('\n', text.length - 2) + 1))
    writeFileSync(join(folder, 'journal', 'flushed'), '')
    await isRefused(/there are 199 records now, so some were removed/)
  })

  it('signs nothing more where heads were exchanged', async () => {
    await prepare()
    const [a, b] = writtenHeads()
    const forged = { ...b!, at: 5 }
    writeFileSync(headsPath(), `${canonical(a)}\n${canonical(forged)}\n`)
    await isRefused(/signature is false/)
    const { size, root, at } = b!
    const unchained = signHead({ size, root, at, previous: NO_PREVIOUS }, signer)
    writeFileSync(headsPath(), `${canonical(a)}\n${canonical(unchained)}\n`)
    await isRefused(/does not follow the head before/)
  })

  it('still checks the roots of heads that an older key has signed', async () => {
    const first = open({ signer: other })
    await first.journal.append(records(0, 100))
    await first.notary.head()
    await shut(first)
    const second = open()
    await second.journal.append(records(100, 200))
    assert.equal((await second.notary.head()).previous, headDigest(writtenHeads()[0]!))
    await shut(second)
    forge(join(folder, 'journal', '000000000000.jsonl'), 50)
    await isRefused(/head of 100 records/)
  })
})

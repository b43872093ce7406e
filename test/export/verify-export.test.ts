import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { canonical } from '../../src/ledger/canonical.ts'
import type { InclusionProof, SignedHead } from '../../src/ledger/evidence.ts'
import { headDigest, NO_PREVIOUS, signHead } from '../../src/ledger/heads.ts'
import { openJournal } from '../../src/ledger/journal.ts'
import { readJournalFile } from '../../src/ledger/journal-files.ts'
import { compactRange, leafHash } from '../../src/ledger/merkle.ts'
import { openNotary } from '../../src/ledger/notary.ts'
import { manualClock } from '../../src/platform/clock.ts'
import { openKeyring, openSigner, type Signer } from '../../src/platform/crypto.ts'
import { uuid7 } from '../../src/platform/ids.ts'

const VERIFIER = fileURLToPath(new URL('../../tools/verify-export.mjs', import.meta.url))
const SIZES = [100, 250, 251, 600]

let home: string
let signer: Signer
let stranger: Signer
/** An export as it was made. */
let original: string
/** A copy of it, for each test to spoil. */
let folder: string
let proof: InclusionProof

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'bellwether-export-'))
  const keyring = await openKeyring(home)
  signer = await openSigner(home, 'ledger', keyring)
  stranger = await openSigner(home, 'stranger', keyring)
  original = join(home, 'original')
  proof = await makeExport()
})
after(() => rmSync(home, { recursive: true }))
beforeEach(() => {
  folder = mkdtempSync(join(home, 'copy-'))
  cpSync(original, folder, { recursive: true })
})

/** A real export: records through the journal, heads by the notary. */
async function makeExport(): Promise<InclusionProof> {
  const clock = manualClock(1_800_000_000_000)
  const ids = uuid7(clock)
  const journalFolder = join(home, 'journal')
  const limits = { flushMs: 50, bytesMax: 1 << 20, ageMsMax: 3_600_000, firstIndex: 0 }
  const journal = openJournal(journalFolder, { ...limits, clock })
  const headsPath = join(home, 'heads.jsonl')
  const notary = openNotary({
    journalFolder,
    treeFolder: join(home, 'tree'),
    headsPath,
    journal,
    sealed: 0,
    signer,
    clock,
  })
  const texts: string[] = []
  for (const size of SIZES) {
    while (texts.length < size) {
      const features = { age: texts.length % 80, city: 'Z\u00fcrich', balance: texts.length * 1.37 }
      texts.push(canonical({ id: ids.next(), kind: 'prediction', at: clock.now(), features, n: texts.length }))
      await journal.append([texts.at(-1)!])
      clock.advance(7)
    }
    await notary.headAt(size)
  }
  mkdirSync(original)
  const lines = journal.files().flatMap(file => [...readJournalFile(file)].flat())
  assert.deepEqual(lines.map(String), texts)
  writeRecords(texts, original)
  copyFileSync(headsPath, join(original, 'heads.jsonl'))
  const head = await notary.head()
  const keys = [{ keyId: signer.keyId, publicKey: signer.publicKey }]
  writeFileSync(
    join(original, 'keys.json'),
    JSON.stringify({ format: 'bellwether-export/1', ledger: 'ledger-1', keys }),
  )
  const path = await notary.path(300, head.size)
  await notary.close()
  await journal.close()
  const { publicKey } = signer
  return { format: 'bellwether-inclusion-proof/1', record: texts[300]!, index: 300, path, head, publicKey }
}

function linesOf(name: string): string[] {
  return readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1)
}

function writeRecords(lines: readonly string[], to: string = folder): void {
  writeFileSync(join(to, 'records.jsonl'), lines.map(line => `${line}\n`).join(''))
}

function headsOf(): SignedHead[] {
  return linesOf('heads.jsonl').map(line => JSON.parse(line))
}

function writeHeads(heads: readonly SignedHead[]): void {
  writeFileSync(join(folder, 'heads.jsonl'), heads.map(head => `${canonical(head)}\n`).join(''))
}

function put(name: string, value: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}

/** Runs the verifier, and demands these words of it and this verdict. */
function verdict(isIntact: boolean, words: readonly string[] = [], options: readonly string[] = [folder]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [VERIFIER, ...options], { encoding: 'utf8' })
  assert.equal(status, isIntact ? 0 : 1, stdout + stderr)
  assert.match(stdout, isIntact ? /^INTACT$/m : /^NOT INTACT: \d+ faults$/m)
  for (const word of words) assert.ok(stdout.includes(word), `"${word}" is not said:\n${stdout}`)
  assert.equal(stderr, '')
  return stdout
}

/** Heads that a thief of the key would make over other records. */
function resigned(lines: readonly string[], by: Signer): SignedHead[] {
  const heads: SignedHead[] = []
  const range = compactRange()
  for (const [at, line] of lines.entries()) {
    range.append(leafHash(line))
    if (!SIZES.includes(at + 1) && at + 1 !== lines.length) continue
    const previous = heads.length === 0 ? NO_PREVIOUS : headDigest(heads.at(-1)!)
    heads.push(signHead({ size: at + 1, root: Buffer.from(range.root()).toString('hex'), at: 1, previous }, by))
  }
  return heads
}

describe('the verifier of exports', () => {
  it('finds an export intact, and says what could not show', () => {
    verdict(true, ['600 records', '4 heads', proof.head.root, 'NOTE   the keys', 'NOTE   whether the end'])
    const head = put('kept.json', headsOf()[2])
    const all = verdict(true, [], [folder, '--key', signer.publicKey, '--head', head, '--proof', put('p.json', proof)])
    assert.ok(!all.includes('NOTE'))
  })

  it('reads compressed records', () => {
    const bytes = readFileSync(join(folder, 'records.jsonl'))
    rmSync(join(folder, 'records.jsonl'))
    writeFileSync(join(folder, 'records.jsonl.gz'), gzipSync(bytes))
    verdict(true, ['600 records'])
    writeFileSync(join(folder, 'records.jsonl.gz'), gzipSync(bytes).subarray(0, 10_000))
    verdict(false)
  })

  it('finds an edited record, and between which heads', () => {
    for (const [index, first, last] of [
      [0, 1, 100],
      [99, 1, 100],
      [100, 101, 250],
      [250, 251, 251],
      [599, 252, 600],
    ] as const) {
      const lines = linesOf('records.jsonl')
      lines[index] = lines[index]!.replace('rich"', 'rack"')
      writeRecords(lines)
      const before = first === 1 ? 'no head covers fewer of them' : `records 1 to ${first - 1} are as they were signed`
      verdict(false, [`one of records ${first} to ${last}`, before])
      cpSync(original, folder, { recursive: true })
    }
  })

  it('finds any changed byte', () => {
    const bytes = readFileSync(join(folder, 'records.jsonl'))
    for (const at of [0, 5_000, 20_001, 77_777, bytes.length - 2, bytes.length - 1]) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 1
      writeFileSync(join(folder, 'records.jsonl'), damaged)
      verdict(false)
    }
  })

  it('finds an inserted record', () => {
    const lines = linesOf('records.jsonl')
    const inserted = lines[120]!.replace(/"n":\d+/, '"n":-1').replace(/(id":"[^"]*).(")/, '$1f$2')
    writeRecords(lines.toSpliced(120, 0, inserted))
    verdict(false, ['one of records 101 to 250', '1 records more than were signed'])
    writeRecords([...lines, inserted])
    verdict(false, ['1 records more than were signed'])
  })

  it('finds a record that is there twice, also where the heads say so too', () => {
    const lines = linesOf('records.jsonl')
    const twice = lines.toSpliced(120, 0, lines[4]!)
    writeRecords(twice)
    const { id } = JSON.parse(lines[4]!)
    const end = `two ids end in ${id.slice(-12)}`.slice(0, 14)
    verdict(false, [end])
    writeHeads(resigned(twice, signer))
    const said = verdict(false, [end])
    assert.ok(!said.includes('edited'))
  })

  it('finds records in another order', () => {
    const lines = linesOf('records.jsonl')
    ;[lines[300], lines[301]] = [lines[301]!, lines[300]!]
    writeRecords(lines)
    verdict(false, ['one of records 252 to 600', 'records 1 to 251 are as they were signed'])
  })

  it('finds a deleted record', () => {
    const lines = linesOf('records.jsonl')
    writeRecords(lines.toSpliced(120, 1))
    verdict(false, ['one of records 101 to 250', '1 of 600 records missing'])
    writeRecords(lines.toSpliced(400, 1))
    verdict(false, ['1 of 600 records missing', 'records 1 to 251 are as they were signed'])
  })

  it('finds an end that was cut off; together with its heads, by a head or a proof that was kept elsewhere', () => {
    writeRecords(linesOf('records.jsonl').slice(0, 251))
    verdict(false, ['349 of 600 records missing', 'truncated', 'records 1 to 251 are as they were signed'])
    const kept = put('kept.json', headsOf()[3])
    const old = put('old.json', headsOf()[1])
    writeHeads(headsOf().slice(0, 3))
    verdict(true, ['NOTE   whether the end was cut off'])
    verdict(true, [], [folder, '--head', old])
    verdict(false, ['600 records were signed, here are 251: truncated'], [folder, '--head', kept])
    verdict(false, ['600 records were signed, here are 251: truncated'], [folder, '--proof', put('p.json', proof)])
  })

  it('finds a torn end', () => {
    const text = readFileSync(join(folder, 'records.jsonl'), 'utf8')
    put('records.jsonl', text.slice(0, -1))
    verdict(false, ['ends in the middle of a line', '1 of 600 records missing'])
  })

  it('finds records that are not canonical', () => {
    const lines = linesOf('records.jsonl')
    for (const wrong of [`${lines[7]} `, lines[7]!.replace('{', '{"a":1,"a":1,'), 'null', '', '[]', '"\\ud800"']) {
      writeRecords(lines.toSpliced(7, 1, wrong))
      verdict(false)
    }
  })

  it('finds heads that were changed, exchanged, removed or added', () => {
    const heads = headsOf()
    writeHeads([heads[0]!, heads[2]!, heads[1]!, heads[3]!])
    verdict(false, ['heads.jsonl, line 2 does not follow the line before', 'line 3 goes back in size'])
    writeHeads(heads.toSpliced(1, 1))
    verdict(false, ['heads.jsonl, line 2 does not follow the line before'])
    writeHeads(heads.slice(1))
    verdict(false, ['heads.jsonl, line 1 does not follow'])
    writeHeads(heads.with(3, { ...heads[3]!, at: 5 }))
    verdict(false, ['heads.jsonl, line 4 is not signed by a known key'])
    writeHeads(heads.with(2, { ...heads[2]!, size: 252 }))
    verdict(false, ['heads.jsonl, line 3 is not signed', 'one of records 251 to 252'])
    const { size, root } = heads[3]!
    writeHeads([...heads, signHead({ size: size + 1, root, at: 5, previous: headDigest(heads[3]!) }, stranger)])
    verdict(false, ['heads.jsonl, line 5 is not signed', '1 of 601 records missing'])
    writeHeads([])
    verdict(false, ['600 records more than were signed'])
  })

  it('finds a ledger that was forged whole, by a key or a head that was kept elsewhere', () => {
    const kept = put('kept.json', headsOf()[0])
    const lines = linesOf('records.jsonl').map(line => line.replace('rich"', 'rack"'))
    writeRecords(lines)
    writeHeads(resigned(lines, stranger))
    verdict(false, ['heads.jsonl, line 1 is not signed by a known key'])
    const keys = [{ keyId: stranger.keyId, publicKey: stranger.publicKey }]
    put('keys.json', { format: 'bellwether-export/1', ledger: 'ledger-1', keys })
    verdict(true, ['NOTE   the keys'])
    verdict(false, ['not signed by a known key'], [folder, '--key', signer.publicKey])
    verdict(false, ['records 1 to 100 are not what was signed'], [folder, '--head', kept])
  })

  it('finds heads that the owner of the key has made anew', () => {
    const kept = put('kept.json', headsOf()[3])
    writeHeads(resigned(linesOf('records.jsonl'), signer))
    verdict(true)
    verdict(false, ['is not in heads.jsonl: it was removed or made anew'], [folder, '--head', kept])
  })

  it('says so where there is nothing to check, or not enough', () => {
    verdict(false, ['nothing to check'], [])
    verdict(false, ['cannot be checked'], [join(folder, 'nowhere')])
    verdict(false, ['cannot be checked'], [folder, '--nonsense'])
    rmSync(join(folder, 'heads.jsonl'))
    verdict(false, ['cannot be checked'])
  })
})

describe('the verifier of proofs', () => {
  it('shows that a record is under a head, without the ledger', () => {
    const { id } = JSON.parse(proof.record)
    const file = put('proof.json', proof)
    verdict(true, [`PROVEN ${id} is record 301 of 600`], ['--proof', file])
    verdict(true, [], ['--proof', file, '--key', signer.publicKey])
    verdict(false, ['not signed by a known key'], ['--proof', file, '--key', stranger.publicKey])
  })

  it('does not take a proof in which anything was changed', () => {
    const changes: Partial<InclusionProof>[] = [
      { record: proof.record.replace('rich', 'rack') },
      { record: ` ${proof.record}` },
      { index: 299 },
      { index: -1 },
      { index: 1e9 },
      { path: proof.path.toReversed() },
      { path: proof.path.slice(1) },
      { path: [] },
      { path: [...proof.path, proof.path[0]!] },
      { head: { ...proof.head, root: proof.path[0]! } },
      { head: { ...proof.head, size: 599 } },
      { head: { ...proof.head, at: 1 } },
      { publicKey: stranger.publicKey },
    ]
    for (const change of changes) {
      const said = verdict(false, [], ['--proof', put('proof.json', { ...proof, ...change })])
      assert.ok(!said.includes('PROVEN'), canonical(change))
    }
  })
})

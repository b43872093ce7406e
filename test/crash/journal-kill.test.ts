/**
 * Purpose: what a journal acknowledged survives `kill -9` at any moment, exactly once and in order. Method: a child
 * process writes at full speed and reports what was acknowledged through a pipe; it is killed after a seeded number of
 * acknowledgements, while it writes, rolls files and signs heads; then the files are read as they lie, byte by byte, and
 * the next child must find exactly that, cut exactly the torn tail, and go on. CRASH_ROUNDS=50 makes it long.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { recordOf } from '../../src/ledger/journal-line.ts'
import { recordText } from './record-text.ts'
import type { Orders } from './writer.ts'

const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 5)
const SEED = 20_261_122
const TURNS_MAX = 40
const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url))

/** One round each, in turn: what is being done when the process is killed. */
const SCENES: readonly Omit<Orders, 'folder'>[] = [
  { bytesMax: 1 << 26, flushMs: 50, durability: 'process', appends: 64, records: 1, fill: 400, isSigning: false },
  { bytesMax: 20_000, flushMs: 1, durability: 'process', appends: 16, records: 1, fill: 400, isSigning: false },
  { bytesMax: 1 << 26, flushMs: 50, durability: 'process', appends: 4, records: 60, fill: 4000, isSigning: false },
  { bytesMax: 100_000, flushMs: 5, durability: 'process', appends: 16, records: 2, fill: 400, isSigning: true },
  { bytesMax: 30_000, flushMs: 5, durability: 'power', appends: 16, records: 2, fill: 400, isSigning: true },
]

/** What lies in the files, read without the journal's own recovery. */
interface Found {
  /** Whole records in order, over all files. */
  readonly records: readonly string[]
  /** Bytes after the last whole line of the last file. */
  readonly tornBytes: number
}

interface Life {
  readonly opened: { readonly size: number; readonly cut: readonly { readonly bytesCut: number }[] }
  readonly wasChecked: boolean
  /** Records that were acknowledged, and that a head was signed over. */
  readonly acknowledged: number
  readonly signed: number
}

let home: string
/** A new one for each round of scenes, so that the rounds stay short. */
let folder: string
let random: () => number

before(() => {
  home = mkdtempSync(join(tmpdir(), 'bellwether-kill-'))
  let state = SEED
  random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0 // Numerical Recipes' generator: only moments are chosen
    return state / 2 ** 32
  }
})
after(() => rmSync(home, { recursive: true }))

/** Runs a writer and kills it when it has acknowledged so many turns. */
async function liveAndDie(orders: Orders, turns: number): Promise<Life> {
  const child: ChildProcess = spawn(process.execPath, [WRITER, JSON.stringify(orders)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = new Promise<NodeJS.Signals | null>(resolve => child.once('close', (_, signal) => resolve(signal)))
  let opened: Life['opened'] | undefined
  const life = { wasChecked: false, acknowledged: 0, signed: 0 }
  let left = turns
  let complaint = ''
  child.stderr!.on('data', data => {
    complaint += data
  })
  for await (const line of createInterface(child.stdout!)) {
    const [word, rest] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]
    if (word === 'opened') opened = JSON.parse(rest)
    else if (line === 'checked') life.wasChecked = true
    else if (word === 'signed') life.signed = Number(rest)
    else if (word === 'acknowledged') life.acknowledged = Number(rest)
    if (word === 'acknowledged' && left-- === 0) child.kill('SIGKILL')
  }
  assert.equal(await closed, 'SIGKILL', complaint)
  return { opened: opened!, ...life }
}

function readAsItLies(): Found {
  const journal = join(folder, 'journal')
  const names = readdirSync(journal).filter(name => name.endsWith('.jsonl'))
  const records: string[] = []
  let tornBytes = 0
  for (const name of names.sort()) {
    assert.equal(tornBytes, 0, 'only the last file may be torn')
    assert.equal(Number(name.slice(0, 12)), records.length, 'a file is named by its first record')
    const bytes = readFileSync(join(journal, name))
    let at = 0
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, at)) {
      const record = recordOf(bytes.subarray(at, end))
      assert.ok(record !== undefined, `a damaged line in ${name}`)
      records.push(record.toString())
      at = end + 1
    }
    tornBytes = bytes.length - at
  }
  return { records, tornBytes }
}

describe('a journal whose process is killed', () => {
  it(`keeps all that it acknowledged, ${ROUNDS} times`, async test => {
    let before: Found = { records: [], tornBytes: 0 }
    let torn = 0
    let written = 0
    for (let round = 0; round < ROUNDS; round++) {
      const scene = SCENES[round % SCENES.length]!
      if (scene === SCENES[0]) {
        folder = mkdtempSync(join(home, 'ledger-'))
        before = { records: [], tornBytes: 0 }
      }
      const life = await liveAndDie({ folder, ...scene }, Math.floor(random() * TURNS_MAX))
      const where = `round ${round}`
      assert.equal(life.opened.size, before.records.length, where)
      const cut = life.opened.cut.reduce((sum, { bytesCut }) => sum + bytesCut, 0)
      assert.equal(cut, before.tornBytes, `${where}: the torn tail, and nothing else, is cut and reported`)
      assert.equal(life.wasChecked, scene.isSigning, where)
      const found = readAsItLies()
      assert.ok(found.records.length >= Math.max(life.acknowledged, life.signed), where)
      for (const [index, record] of before.records.entries()) assert.ok(record === found.records[index], where)
      for (let index = before.records.length; index < found.records.length; index++) {
        assert.equal(found.records[index], recordText(index, scene.fill), where)
      }
      torn += found.tornBytes > 0 ? 1 : 0
      written += found.records.length - before.records.length
      before = found
    }
    test.diagnostic(`${written} records written, ${torn} of ${ROUNDS} kills left a torn tail`)
  })
})

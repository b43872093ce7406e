/**
 * What a record costs in the journal, on one core: appends a second for lines of 450 bytes in turns of 1, 16 and 64, beside
 * the same bytes through a bare `writeSync`. Both write to a new file each time, and neither waits for the device.
 *
 *   node bench/journal.ts [FOLDER]      FOLDER lies on the disk to be measured; default: the folder for temporary files
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openJournal } from '../src/ledger/journal.ts'
import { lineBytesMax, writeLine } from '../src/ledger/journal-line.ts'
import { systemClock } from '../src/platform/clock.ts'

const RECORDS = 200_000
const LINE_BYTES = 450
const TURNS = [1, 16, 64]
const ROUNDS = 5

/** A record as serving makes it: put together from parts, so that it is no flat string yet. */
function record(index: number): string {
  const features = `{"age":${20 + (index % 60)},"balance":${(index * 37) % 200_000},"tenure":${index % 10}}`
  const start = `{"actor":"local","at":${1_800_000_000_000 + index},"door":"http","features":${features},"id":"record-${index}"`
  return `${start},"kind":"prediction","x":"${'y'.repeat(LINE_BYTES - 11 - start.length - 26)}"}`
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Seconds of processor time, of this process, that work takes. */
async function seconds(work: () => Promise<void>): Promise<number> {
  const startedAt = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(startedAt)
  return (user + system) / 1e6
}

async function appending(folder: string, turn: number): Promise<void> {
  const limits = { flushMs: 3_600_000, bytesMax: 2 ** 40, ageMsMax: 3_600_000, firstIndex: 0 }
  const journal = openJournal(folder, { ...limits, clock: systemClock })
  for (let index = 0; index < RECORDS; index += turn) {
    const waiting: Promise<void>[] = []
    for (let at = 0; at < turn; at++) waiting.push(journal.append([record(index + at)]))
    await Promise.all(waiting)
  }
  await journal.close()
}

/** The floor: the records are made and their bytes go to a file, once a turn. */
async function writing(folder: string, turn: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(turn * lineBytesMax(record(0)))
  let length = 0
  for (let at = 0; at < turn; at++) length = writeLine(record(at), buffer, length)
  const fd = openSync(join(folder, 'raw'), 'w')
  for (let index = 0; index < RECORDS; index += turn) {
    for (let at = 0; at < turn; at++) buffer[at * LINE_BYTES] = record(index + at).length
    writeSync(fd, buffer, 0, length)
    await nextTurn()
  }
  closeSync(fd)
}

async function best(parent: string, work: (folder: string) => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const folder = mkdtempSync(join(parent, 'bellwether-bench-'))
    least = Math.min(least, await seconds(() => work(folder)))
    rmSync(folder, { recursive: true })
  }
  return least
}

const parent = process.argv[2] ?? tmpdir()
process.stdout.write('records in a turn   appends/s on a core   µs a record   bare writeSync µs   share of it\n')
for (const turn of TURNS) {
  const bare = await best(parent, folder => writing(folder, turn))
  const ours = await best(parent, folder => appending(folder, turn))
  const micros = (spent: number): string => ((spent / RECORDS) * 1e6).toFixed(2)
  const cells = [turn, Math.round(RECORDS / ours), micros(ours), micros(bare), `${Math.round((bare / ours) * 100)} %`]
  const widths = [17, 22, 14, 20, 14]
  process.stdout.write(`${cells.map((cell, at) => String(cell).padStart(widths[at]!)).join('')}\n`)
}

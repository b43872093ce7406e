/**
 * A process that writes to a journal as fast as it can and says on its standard output what was acknowledged, until it is
 * killed. Started by the tests beside it with its orders as JSON in the first argument.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { openJournal } from '../../src/ledger/journal.ts'
import { openNotary } from '../../src/ledger/notary.ts'
import type { Durability } from '../../src/ledger/record.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { openKeyring, openSigner } from '../../src/platform/crypto.ts'
import { recordText } from './record-text.ts'

export interface Orders {
  readonly folder: string
  readonly bytesMax: number
  readonly flushMs: number
  readonly durability: Durability
  /** Appends of one turn of the event loop. */
  readonly appends: number
  /** Records of one append. */
  readonly records: number
  /** Length of a record's filling. */
  readonly fill: number
  /** Whether a notary signs heads as fast as it can at the same time. */
  readonly isSigning: boolean
}

/** Standard output is a pipe: what was written here reaches the parent even if this process dies at once. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}

const orders = JSON.parse(process.argv[2]!) as Orders
const journalFolder = join(orders.folder, 'journal')
const { bytesMax, flushMs, fill } = orders
const journal = openJournal(journalFolder, {
  bytesMax,
  flushMs,
  ageMsMax: 3_600_000,
  clock: systemClock,
  firstIndex: 0,
})
say(`opened ${JSON.stringify({ size: journal.size, cut: journal.cut })}`)

if (orders.isSigning) {
  const signer = await openSigner(orders.folder, 'ledger', await openKeyring(orders.folder))
  const notary = openNotary({
    journalFolder,
    treeFolder: join(orders.folder, 'tree'),
    headsPath: join(orders.folder, 'heads.jsonl'),
    journal,
    sealed: 0,
    signer,
    clock: systemClock,
  })
  await notary.checked()
  say('checked')
  void (async () => {
    for (;;) say(`signed ${(await notary.head()).size}`)
  })()
}

for (let next = journal.size; ; ) {
  const waiting: Promise<void>[] = []
  for (let append = 0; append < orders.appends; append++) {
    const texts = Array.from({ length: orders.records }, () => recordText(next++, fill))
    waiting.push(journal.append(texts, orders.durability))
  }
  await Promise.all(waiting)
  say(`acknowledged ${next}`)
}

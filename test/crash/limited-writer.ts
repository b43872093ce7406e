/**
 * A process that may not make files beyond a size: fills its journal until it is refused, which begins a new file, until
 * it is refused again, and tells what it met and how many records it has.
 */
import { asProblem } from '../../src/errors.ts'
import { openJournal } from '../../src/ledger/journal.ts'
import { PROBE_MS } from '../../src/ledger/journal-flush.ts'
import { manualClock } from '../../src/platform/clock.ts'
import { recordText } from './record-text.ts'

const FILL = 400

const clock = manualClock(1_800_000_000_000)
const limits = { flushMs: 5, bytesMax: 1 << 24, ageMsMax: 3_600_000, firstIndex: 0 }
const journal = openJournal(process.argv[2]!, { ...limits, clock })
const codes: string[] = []
while (codes.length < 2) {
  try {
    await journal.append([recordText(journal.size, FILL), recordText(journal.size + 1, FILL)])
  } catch (error) {
    codes.push(asProblem(error).code)
    clock.advance(PROBE_MS)
  }
}
await journal.close()
process.stdout.write(JSON.stringify({ codes, size: journal.size }))

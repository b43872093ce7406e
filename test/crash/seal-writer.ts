/**
 * A process that appends to a ledger of tiny segments, so that it is sealing nearly all the time, and says what was
 * acknowledged, until it is killed. Started by `seal-kill.test.ts` with the data folder in the first argument.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openLedger } from '../../src/ledger/open-ledger.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { openKeyring, openSigner } from '../../src/platform/crypto.ts'
import { recordText } from './record-text.ts'

const data = process.argv[2]!
const say = (line: string): void => void writeSync(1, `${line}\n`)
const complain = (fields: object, message: string): void => void writeSync(2, `${message} ${JSON.stringify(fields)}\n`)

const ledger = await openLedger({
  folder: join(data, 'ledger'),
  signer: await openSigner(data, 'ledger', await openKeyring(data)),
  clock: systemClock,
  log: { info: (_, message) => say(message), warn: () => undefined, error: complain },
  options: { segmentBytesMax: 10_000, segmentAgeMsMax: 60_000, flushMs: 1, engineMemory: '128MB', engineThreads: 1 },
})
say('opened')
for (let next = ledger.size; ; ) {
  const texts = Array.from({ length: 10 }, () => recordText(next++, 300))
  await ledger.append(texts)
  say(`acknowledged ${next}`)
  await pause(10)
}

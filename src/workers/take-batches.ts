/** The other end of `remoteJournal`: writes what workers send, and tells them when it is kept. */
import { asProblem, type Problem } from '../errors.ts'
import type { Journal } from '../ledger/journal.ts'
import { LINK_HEAD_BYTES, type Link } from '../platform/link.ts'
import { callNumbers } from './calls.ts'
import { BATCH, BATCH_HEAD_BYTES, KEPT, NOT_KEPT } from './protocol.ts'
import type { NotKept } from './remote-journal.ts'

const OFFSET = BATCH_HEAD_BYTES - LINK_HEAD_BYTES

/** @param count is handed the calls of records that were written, in their order: see `readCalls`. */
export function takeBatches(
  link: Pick<Link, 'onFrame' | 'send'>,
  ledger: Pick<Journal, 'appendLines'>,
  count: (calls: Float64Array) => void,
): void {
  link.onFrame(BATCH, bytes => {
    const number = bytes.readUInt32LE(0)
    const records = bytes.readUInt32LE(4)
    const linesEnd = OFFSET + bytes.readUInt32LE(8)
    const durability = bytes[12] === 1 ? 'power' : 'process'
    const calls = callNumbers(bytes.subarray(linesEnd))
    ledger.appendLines(bytes.subarray(OFFSET, linesEnd), records, durability).then(
      () => {
        link.send(KEPT, keptFrame(number))
        count(calls)
      },
      error => link.send(NOT_KEPT, notKeptFrame(number, asProblem(error))),
    )
  })
}

function keptFrame(number: number): Buffer {
  const frame = Buffer.allocUnsafe(LINK_HEAD_BYTES + 4)
  frame.writeUInt32LE(number, LINK_HEAD_BYTES)
  return frame
}

function notKeptFrame(number: number, { code, message, retryAfterSeconds }: Problem): Buffer {
  const told: NotKept = { code, message, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }
  return Buffer.concat([keptFrame(number), Buffer.from(JSON.stringify(told))])
}

/**
 * A worker's end of the journal: the records of one turn of the event loop become lines here and go, with what is to be
 * counted of their calls, in one frame to the process that has the journal. Whoever appended waits until it has written them.
 */
import { Problem, type ProblemCode } from '../errors.ts'
import { hasLineFeed, lineBytesMax, writeLine } from '../ledger/journal-line.ts'
import type { Durability } from '../ledger/record.ts'
import type { Link } from '../platform/link.ts'
import type { Journey } from '../serving/journey.ts'
import { CallWriter, type LanesOf } from './calls.ts'
import { BATCH, BATCH_HEAD_BYTES, KEPT, NOT_KEPT } from './protocol.ts'

const BUFFER_BYTES = 1 << 18
/** Buffers that are kept for the next turns. */
const SPARE_MAX = 4
/**
 * Batches that wait for the disk at once. Where the other process cannot keep up, what comes meanwhile goes together: a frame
 * for each turn would cost it, and us, more than the records do.
 */
const UNDER_WAY_MAX = 2
/** What may be under way, as the journal itself would let wait. */
const UNDER_WAY_BYTES_MAX = 64 << 20

interface Batch extends PromiseWithResolvers<void> {
  bytes: number
}

/** Why a batch was not kept. */
export interface NotKept {
  readonly code: ProblemCode
  readonly message: string
  readonly retryAfterSeconds?: number
}

export interface RemoteJournal {
  /** As `Ledger.append`, with the journey that the records are of. */
  append(records: readonly string[], durability: Durability, journey: Journey): Promise<void>
  /** Resolves when all that was appended is kept or refused. */
  settled(): Promise<void>
}

/** @param lanes the same for all of a worker. */
export function remoteJournal(link: Link, lanes: LanesOf): RemoteJournal {
  const wire = new Wire(link)
  const turns = { process: new Turn(wire, lanes, 'process'), power: new Turn(wire, lanes, 'power') }
  return {
    append: (records, durability, journey) => turns[durability].append(records, journey),
    settled: () => wire.settled(),
  }
}

/** Batches under way. */
class Wire {
  readonly #link: Link
  readonly #underWay = new Map<number, Batch>()
  readonly #spare: Buffer[] = []
  #last = 0
  #bytes = 0

  constructor(link: Link) {
    this.#link = link
    link.onFrame(KEPT, bytes => this.#take(bytes.readUInt32LE(0))?.resolve())
    link.onFrame(NOT_KEPT, bytes => {
      const { code, message, ...more } = JSON.parse(bytes.toString('utf8', 4)) as NotKept
      this.#take(bytes.readUInt32LE(0))?.reject(new Problem(code, message, more))
    })
    void link.gone.then(() => {
      for (const { reject } of this.#underWay.values()) reject(goneProblem())
    })
  }

  /** Why no more is taken now, if so. */
  refusal(bytes: number): Problem | undefined {
    if (this.#bytes + bytes <= UNDER_WAY_BYTES_MAX) return undefined
    const wanted = `at most ${UNDER_WAY_BYTES_MAX} bytes at once`
    if (bytes > UNDER_WAY_BYTES_MAX) {
      return new Problem('too_large', `Cannot append: ${bytes} bytes of records, ${wanted}`)
    }
    const message = `Cannot append: ${this.#bytes + bytes} bytes would wait for the disk, ${wanted}`
    return new Problem('overloaded', message, { retryAfterSeconds: 1 })
  }

  buffer(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)
  }

  /** @param bytes of the frame, at the front of the buffer, which must not be used any more. */
  send(buffer: Buffer, bytes: number, batch: Batch): void {
    if (this.#link.isGone) {
      batch.reject(goneProblem())
      return
    }
    this.#last = (this.#last + 1) >>> 0
    buffer.writeUInt32LE(this.#last, BATCH_HEAD_BYTES - 13)
    batch.bytes = bytes
    this.#underWay.set(this.#last, batch)
    this.#bytes += bytes
    this.#link.send(BATCH, buffer.subarray(0, bytes), () => {
      if (buffer.length === BUFFER_BYTES && this.#spare.length < SPARE_MAX) this.#spare.push(buffer)
    })
  }

  async settled(): Promise<void> {
    while (this.#underWay.size > 0) {
      await Promise.allSettled([...this.#underWay.values()].map(({ promise }) => promise))
    }
  }

  #take(number: number): Batch | undefined {
    const batch = this.#underWay.get(number)
    this.#underWay.delete(number)
    this.#bytes -= batch?.bytes ?? 0
    return batch
  }
}

function goneProblem(): Problem {
  return new Problem('unavailable', 'Cannot append: the process that keeps the journal is gone')
}

/** The batch that fills. */
class Turn {
  readonly #wire: Wire
  readonly #durability: Durability
  readonly #calls: CallWriter
  #batch: Batch | undefined
  #buffer: Buffer = Buffer.alloc(0)
  #used = 0
  #count = 0
  #underWay = 0
  /** Whether the batch that fills goes as soon as one before it is kept. */
  #isHeld = false

  constructor(wire: Wire, lanes: LanesOf, durability: Durability) {
    this.#wire = wire
    this.#durability = durability
    this.#calls = new CallWriter(lanes)
  }

  append(records: readonly string[], journey: Journey): Promise<void> {
    let length = 0
    for (const record of records) length += record.length
    const refused = this.#wire.refusal(this.#used + length)
    if (refused !== undefined) return Promise.reject(refused)
    if (hasLineFeed(records)) {
      return Promise.reject(new TypeError('Cannot append a record: it holds a line feed, canonical JSON has none'))
    }
    this.#batch ??= this.#begin()
    for (const record of records) {
      this.#makeRoom(lineBytesMax(record))
      this.#used = writeLine(record, this.#buffer, this.#used)
    }
    this.#count += records.length
    this.#calls.add(journey)
    return this.#batch.promise
  }

  /** After the poll for input, as the journal does: all requests that it found share the frame. */
  #begin(): Batch {
    this.#buffer = this.#wire.buffer()
    this.#used = BATCH_HEAD_BYTES
    this.#count = 0
    setImmediate(this.#go)
    return { ...Promise.withResolvers<void>(), bytes: 0 }
  }

  readonly #go = (): void => {
    if (this.#underWay < UNDER_WAY_MAX) this.#send()
    else this.#isHeld = true
  }

  /** Or not: in either case another may go. */
  readonly #kept = (): void => {
    this.#underWay--
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#send()
  }

  #send(): void {
    const batch = this.#batch!
    this.#batch = undefined
    this.#underWay++
    batch.promise.then(this.#kept, this.#kept)
    const lines = this.#used - BATCH_HEAD_BYTES
    this.#makeRoom(this.#calls.bytes)
    const buffer = this.#buffer
    const bytes = this.#used + this.#calls.bytes
    buffer.writeUInt32LE(this.#count, BATCH_HEAD_BYTES - 9)
    buffer.writeUInt32LE(lines, BATCH_HEAD_BYTES - 5)
    buffer[BATCH_HEAD_BYTES - 1] = this.#durability === 'power' ? 1 : 0
    this.#calls.moveTo(buffer, this.#used)
    this.#used = 0
    this.#wire.send(buffer, bytes, batch)
  }

  #makeRoom(bytes: number): void {
    const wanted = this.#used + bytes
    if (wanted <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#used)
    this.#buffer = larger
  }
}

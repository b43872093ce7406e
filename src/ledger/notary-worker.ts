import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { asProblem, Problem, type ProblemCode } from '../errors.ts'
import { diskProblem } from './disk.ts'
import type { SignedHead } from './evidence.ts'
import { type Heads, headDigest, NO_PREVIOUS, openHeads, verifyHead } from './heads.ts'
import { type JournalTail, tailJournal } from './journal-tail.ts'
import { leafHashes, verifyInclusion } from './merkle.ts'
import { type Progress, progress } from './progress.ts'
import { openTree, type Tree } from './tree.ts'

/** The thread of the notary (see `notary.ts`). Everything here may wait for the disk. */

export interface NotaryStart {
  readonly journalFolder: string
  readonly treeFolder: string
  readonly headsPath: string
  readonly shared: SharedArrayBuffer
  readonly sealed: number
  readonly publicKey: string
  readonly keyId: string
  readonly headEveryMs: number
}

interface ProblemMessage {
  readonly code: ProblemCode
  readonly message: string
}

export type ToNotary =
  | { readonly what: 'head'; readonly number: number; readonly size: number }
  | { readonly what: 'path'; readonly number: number; readonly index: number; readonly size: number }
  | { readonly what: 'leaf'; readonly number: number; readonly index: number }
  | { readonly what: 'check'; readonly number: number }
  | { readonly what: 'signed'; readonly head: SignedHead }
  | { readonly what: 'sealed'; readonly records: readonly string[]; readonly problem?: ProblemMessage }
  | { readonly what: 'close' }

export type ToOwner =
  | { readonly what: 'answer'; readonly number: number; readonly answer: unknown }
  | ({ readonly what: 'refusal'; readonly number: number } & ProblemMessage)
  | { readonly what: 'sign'; readonly size: number; readonly root: string; readonly previous: string }
  | { readonly what: 'sealed'; readonly from?: number }
  | ({ readonly what: 'trouble' } & ProblemMessage)

/** How long new records may wait for their hashes while they come, milliseconds: waiting makes batches. */
const POLL_MS = 25
/** After so long without a record the thread sleeps until the writer calls it. */
const IDLE_MS = 1000
const SLEEP_MS_MAX = 3_600_000
/** How long a disk that refused is left alone. */
const RETRY_MS = 1000

const NO_HASHES = new Uint8Array(0)

const start = workerData as NotaryStart
const port = parentPort!

class NotaryThread {
  private readonly journal: Progress = progress(start.shared)
  private readonly ready: Promise<void>
  private heads!: Heads
  private tree!: Tree
  private tail!: JournalTail
  /** Read and hashed, but not in the tree yet: the disk may have refused them. */
  private hashed: Uint8Array = NO_HASHES
  /** Why nothing is answered any more. */
  private broken: Problem | undefined
  private signing: Promise<unknown> = Promise.resolve()
  private headAtMs = performance.now()
  private signed: PromiseWithResolvers<SignedHead> | undefined
  private sealedBatch: PromiseWithResolvers<readonly string[]> | undefined
  private closing = false
  private lastTrouble: ProblemCode | undefined

  constructor() {
    this.ready = this.open().catch(error => this.breakDown(error))
    void this.follow()
  }

  hear(message: ToNotary): void {
    switch (message.what) {
      case 'signed':
        this.signed?.resolve(message.head)
        break
      case 'sealed':
        if (message.problem === undefined) this.sealedBatch?.resolve(message.records)
        else this.sealedBatch?.reject(new Problem(message.problem.code, message.problem.message))
        break
      case 'close':
        void this.close()
        break
      case 'head':
        this.answer(message.number, () => this.headAt(message.size))
        break
      case 'path':
        this.answer(message.number, () => this.path(message.index, message.size))
        break
      case 'leaf':
        this.answer(message.number, () => this.leaf(message.index))
        break
      case 'check':
        this.answer(message.number, async () => undefined)
        break
    }
  }

  private answer(number: number, work: () => Promise<unknown>): void {
    const answered = this.ready.then(() => {
      if (this.broken !== undefined) throw this.broken
      return work()
    })
    answered.then(
      answer => tell({ what: 'answer', number, answer }),
      error => tell({ what: 'refusal', number, ...problemMessage(error) }),
    )
  }

  private async open(): Promise<void> {
    this.heads = openHeads(start.headsPath)
    this.tree = openTree(start.treeFolder)
    // Hashes of unsealed records are always made again: a machine that died may have left anything in their place.
    if (this.tree.size > start.sealed) this.tree.truncate(start.sealed)
    const written = this.journal.written()
    await this.build(written)
    let wrong = this.contradiction(written)
    if (wrong !== undefined && start.sealed > 0) {
      this.tree.truncate(0) // the tree is a cache; the records decide
      await this.build(written)
      wrong = this.contradiction(written)
    }
    if (wrong !== undefined) throw wrong
  }

  /** Brings the tree from what it holds to the first `written` records. */
  private async build(written: number): Promise<void> {
    let isFirst = true
    while (this.tree.size < start.sealed) {
      this.sealedBatch = Promise.withResolvers()
      tell(isFirst ? { what: 'sealed', from: this.tree.size } : { what: 'sealed' })
      isFirst = false
      const records = await this.sealedBatch.promise
      const { size } = this.tree
      if (records.length === 0 || size + records.length > start.sealed) {
        const found = `${size + records.length} sealed records were read, ${start.sealed} were wanted`
        throw new Problem('corrupt', `Cannot build the tree: ${found}`)
      }
      this.tree.append(leafHashes(records))
    }
    this.tail?.close()
    this.tail = tailJournal(start.journalFolder, start.sealed)
    await this.catchUp(written)
  }

  /** The first head of earlier runs that is not one of these records. Older ones, of sealed records only, are `audit verify`'s. */
  private contradiction(written: number): Problem | undefined {
    let before: SignedHead | undefined
    for (const head of this.heads.since(start.sealed)) {
      const found = this.judge(head, before, written)
      if (found !== undefined) {
        const signedAt = new Date(head.at).toISOString()
        const advice = 'restore the data folder from a backup; an export and `audit verify` tell where'
        return new Problem(
          'corrupt',
          `Cannot go on from the head of ${head.size} records signed at ${signedAt}: ${found}; ${advice}`,
        )
      }
      before = head
    }
    return undefined
  }

  private judge(head: SignedHead, before: SignedHead | undefined, written: number): string | undefined {
    if (head.keyId === start.keyId && !verifyHead(head, start.publicKey)) return 'its signature is false'
    if (before !== undefined && head.previous !== headDigest(before)) return 'it does not follow the head before it'
    if (head.size > written) return `there are ${written} records now, so some were removed`
    if (hex(this.tree.rootAt(head.size)) !== head.root) return 'the records under it are not the ones that were signed'
    return undefined
  }

  /** Reads, hashes and adds one batch of records. */
  private step(written: number): void {
    if (this.hashed.length === 0) this.hashed = leafHashes(this.tail.read(written))
    try {
      this.tree.append(this.hashed)
    } catch (error) {
      throw error instanceof Problem ? error : diskProblem('keep the hashes of records', error)
    }
    this.hashed = NO_HASHES
  }

  private async catchUp(size: number): Promise<void> {
    while (this.tree.size < size) {
      this.step(size)
      await nextTurn() // questions in between
    }
  }

  private async follow(): Promise<void> {
    await this.ready
    let newAtMs = performance.now()
    while (!this.closing && this.broken === undefined) {
      const { size } = this.tree
      try {
        await this.catchUp(this.journal.written())
        await this.signNowAndThen()
        this.lastTrouble = undefined
      } catch (error) {
        this.meet(error)
        await pause(RETRY_MS)
      }
      const nowMs = performance.now()
      if (this.tree.size > size) newAtMs = nowMs
      if (nowMs - newAtMs < IDLE_MS) await pause(POLL_MS)
      else await this.journal.sleep(this.tree.size, this.untilNextHeadMs())
    }
  }

  private async signNowAndThen(): Promise<void> {
    if (this.untilNextHeadMs() > 0) return
    await this.headAt(Math.min(this.journal.flushed(), this.tree.size))
  }

  private untilNextHeadMs(): number {
    const size = Math.min(this.journal.flushed(), this.tree.size)
    if (size <= (this.heads.last?.size ?? 0)) return SLEEP_MS_MAX
    return Math.max(0, this.headAtMs + start.headEveryMs - performance.now())
  }

  /** One at a time, so that heads make one chain. */
  private headAt(size: number): Promise<SignedHead> {
    const head = this.signing.then(() => this.makeHead(size))
    this.signing = head.catch(() => undefined)
    return head
  }

  private async makeHead(size: number): Promise<SignedHead> {
    await this.catchUp(size)
    const { last } = this.heads
    if (last !== undefined && size <= last.size) return this.oldHead(size, last)
    const isDue = (boundary: number): boolean => boundary > (last?.size ?? 0) && boundary < size
    const made: SignedHead[] = []
    for (const at of [...this.tail.boundaries.filter(isDue), size]) {
      made.push(await this.sign(at, made.at(-1) ?? last))
    }
    this.tree.flush()
    this.heads.append(made)
    this.headAtMs = performance.now()
    return this.heads.last!
  }

  private oldHead(size: number, last: SignedHead): SignedHead {
    const head = size === last.size ? last : this.heads.find(size)
    if (head !== undefined) return head
    throw new Problem(
      'not_found',
      `Cannot sign a head of ${size} records: there is one of ${last.size}, heads only grow`,
    )
  }

  private sign(size: number, before: SignedHead | undefined): Promise<SignedHead> {
    const root = hex(this.tree.rootAt(size))
    const previous = before === undefined ? NO_PREVIOUS : headDigest(before)
    this.signed = Promise.withResolvers()
    tell({ what: 'sign', size, root, previous })
    return this.signed.promise
  }

  private async path(index: number, size: number): Promise<string[]> {
    if (!(index >= 0 && index < size && size <= this.journal.written())) {
      throw new Problem('invalid', `Cannot prove record ${index} of ${size}: there are ${this.journal.written()}`)
    }
    await this.catchUp(size)
    const path = this.tree.path(index, size)
    const { last } = this.heads
    const root = last?.size === size ? Buffer.from(last.root, 'hex') : this.tree.rootAt(size)
    if (verifyInclusion(this.tree.leaf(index), index, size, path, root)) return path.map(hex)
    throw new Problem(
      'corrupt',
      `Cannot prove record ${index}: the tree is damaged; remove ${start.treeFolder} and restart`,
    )
  }

  private async leaf(index: number): Promise<string> {
    if (index < this.journal.written()) await this.catchUp(index + 1)
    return hex(this.tree.leaf(index))
  }

  private meet(error: unknown): void {
    const { code, message } = problemMessage(error)
    if (code !== this.lastTrouble) tell({ what: 'trouble', code, message })
    this.lastTrouble = code
    if (code === 'corrupt') this.broken = new Problem(code, message)
  }

  private breakDown(error: unknown): void {
    this.meet(error)
    this.broken ??= error instanceof Problem ? error : diskProblem('open the tree', error)
  }

  private async close(): Promise<void> {
    this.closing = true
    await this.ready
    await this.signing
    if (this.broken === undefined) this.tree.flush()
    process.exit() // of this thread
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function problemMessage(error: unknown): ProblemMessage {
  const isDiskError = typeof (error as NodeJS.ErrnoException).syscall === 'string'
  const { code, message } = isDiskError ? diskProblem('keep the tree', error) : asProblem(error)
  return { code, message }
}

function tell(message: ToOwner): void {
  port.postMessage(message)
}

const thread = new NotaryThread()
port.on('message', (message: ToNotary) => thread.hear(message))

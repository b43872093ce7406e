import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Problem, type ProblemCode } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Signer } from '../platform/crypto.ts'
import { workerUrl } from '../platform/threads.ts'
import type { SignedHead } from './evidence.ts'
import { signHead } from './heads.ts'
import type { Journal } from './journal.ts'
import type { ToNotary, ToOwner } from './notary-worker.ts'

export interface NotaryOptions {
  /** Folder of the journal that `journal` writes. */
  readonly journalFolder: string
  readonly treeFolder: string
  readonly headsPath: string
  readonly journal: Pick<Journal, 'size' | 'flush' | 'progress'>
  /** Number of records that are sealed: the journal begins with the record of this index. */
  readonly sealed: number
  readonly signer: Signer
  readonly clock: Clock
  /** At least so often is a head signed while records come, milliseconds. Default 60,000. */
  readonly headEveryMs?: number
  /**
   * The canonical texts of the sealed records from one index up to, not including, another, in batches of at most some
   * thousands. Asked for only where the tree has lost its hashes.
   */
  readonly readSealed?: (from: number, to: number) => AsyncIterable<readonly string[]>
  /** The notary cannot do its duty; `corrupt` where the records contradict a head that was signed before. */
  readonly onTrouble?: (problem: Problem) => void
}

/**
 * Keeps the Merkle tree over the ledger and signs its heads, on a thread of its own: it reads what the journal wrote, so
 * that the answering thread pays nothing but a counter.
 *
 * Duties: a head is signed only over records that are on the device; sizes of heads only grow, and each names the one
 * before; where files of the journal meet, there is a head of exactly that size. Nothing is signed over records that
 * contradict a head signed before: all questions are then answered with `corrupt`.
 */
export interface Notary {
  /** The newest head; made now where records came since. Those who ask at the same time share one. */
  head(): Promise<SignedHead>
  /**
   * The head of exactly this size: one that was signed, or a new one. `invalid` for a size beyond the journal's;
   * `not_found` for one below the newest head's for which none was signed (where files of the journal meet, one was).
   */
  headAt(size: number): Promise<SignedHead>
  /** RFC 6962 audit path, leaf to root, hex, of a record in the tree of the first `size` records. */
  path(index: number, size: number): Promise<string[]>
  /** A leaf's hash, hex. */
  leaf(index: number): Promise<string>
  /** Resolves when the records were compared with the heads of earlier runs; rejects with what was found. */
  checked(): Promise<void>
  close(): Promise<void>
}

const HEAD_EVERY_MS = 60_000

export function openNotary(options: NotaryOptions): Notary {
  return new ThreadNotary(options)
}

interface Pending {
  readonly resolve: (answer: unknown) => void
  readonly reject: (problem: Error) => void
}

class ThreadNotary implements Notary {
  private readonly options: NotaryOptions
  private readonly worker: Worker
  private readonly pending = new Map<number, Pending>()
  private asked = 0
  private sharedHead: Promise<SignedHead> | undefined
  private sealedRecords: AsyncIterator<readonly string[]> | undefined
  private ended: Problem | undefined

  constructor(options: NotaryOptions) {
    this.options = options
    const { journalFolder, treeFolder, headsPath, journal, sealed, signer, headEveryMs = HEAD_EVERY_MS } = options
    const { publicKey, keyId } = signer
    const shared = journal.progress.shared
    const workerData = { journalFolder, treeFolder, headsPath, shared, sealed, publicKey, keyId, headEveryMs }
    this.worker = new Worker(workerUrl(import.meta.url, './notary-worker'), { workerData, name: 'notary' })
    this.worker.unref()
    this.worker.on('message', (message: ToOwner) => this.hear(message))
    this.worker.on('error', error =>
      this.end(new Problem('failed', 'Cannot go on: the notary failed', { cause: error })),
    )
    this.worker.on('exit', () => this.end(new Problem('unavailable', 'Cannot ask the notary: it is closed')))
  }

  head(): Promise<SignedHead> {
    this.sharedHead ??= this.headAt(this.options.journal.size).finally(() => {
      this.sharedHead = undefined
    })
    return this.sharedHead
  }

  async headAt(size: number): Promise<SignedHead> {
    const { journal } = this.options
    if (!(Number.isSafeInteger(size) && size >= 0 && size <= journal.size)) {
      throw new Problem('invalid', `Cannot sign a head of ${size} records: the ledger has ${journal.size}`)
    }
    if (journal.progress.flushed() < size) await journal.flush()
    return (await this.ask({ what: 'head', size })) as SignedHead
  }

  async path(index: number, size: number): Promise<string[]> {
    return (await this.ask({ what: 'path', index, size })) as string[]
  }

  async leaf(index: number): Promise<string> {
    return (await this.ask({ what: 'leaf', index })) as string
  }

  async checked(): Promise<void> {
    await this.ask({ what: 'check' })
  }

  async close(): Promise<void> {
    if (this.ended !== undefined) return
    const exit = once(this.worker, 'exit')
    this.worker.ref()
    this.tell({ what: 'close' })
    await exit
  }

  private ask(question: Question): Promise<unknown> {
    if (this.ended !== undefined) return Promise.reject(this.ended)
    const number = this.asked++
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    if (this.pending.size === 0) this.worker.ref() // the process waits for an answer, but not for the thread
    this.pending.set(number, { resolve, reject })
    this.tell({ ...question, number })
    return promise
  }

  private tell(message: ToNotary): void {
    this.worker.postMessage(message)
  }

  private hear(message: ToOwner): void {
    switch (message.what) {
      case 'answer':
        this.settle(message.number, pending => pending.resolve(message.answer))
        break
      case 'refusal':
        this.settle(message.number, pending => pending.reject(problemOf(message)))
        break
      case 'sign': {
        const { size, root, previous } = message
        const head = signHead({ size, root, previous, at: this.options.clock.now() }, this.options.signer)
        this.tell({ what: 'signed', head })
        break
      }
      case 'sealed':
        void this.sendSealed(message.from)
        break
      case 'trouble':
        this.options.onTrouble?.(problemOf(message))
        break
    }
  }

  private settle(number: number, settle: (pending: Pending) => void): void {
    const pending = this.pending.get(number)
    this.pending.delete(number)
    if (this.pending.size === 0) this.worker.unref()
    if (pending !== undefined) settle(pending)
  }

  /** One batch of sealed records at a time, so that neither thread holds many. `from` begins anew; without it, the next. */
  private async sendSealed(from: number | undefined): Promise<void> {
    try {
      const { readSealed, sealed } = this.options
      if (from !== undefined) this.sealedRecords = readSealed?.(from, sealed)[Symbol.asyncIterator]()
      const batch = await this.sealedRecords?.next()
      this.tell({ what: 'sealed', records: batch === undefined || batch.done ? [] : batch.value })
    } catch (error) {
      const message = `Cannot read the sealed records: ${error instanceof Error ? error.message : String(error)}`
      this.tell({ what: 'sealed', records: [], problem: { code: 'corrupt', message } })
    }
  }

  private end(problem: Problem): void {
    if (this.ended !== undefined) return
    this.ended = problem
    for (const { reject } of this.pending.values()) reject(problem)
    this.pending.clear()
    if (problem.code === 'failed') this.options.onTrouble?.(problem)
  }
}

type Question =
  | { readonly what: 'head'; readonly size: number }
  | { readonly what: 'path'; readonly index: number; readonly size: number }
  | { readonly what: 'leaf'; readonly index: number }
  | { readonly what: 'check' }

function problemOf({ code, message }: { readonly code: ProblemCode; readonly message: string }): Problem {
  return new Problem(code, message)
}

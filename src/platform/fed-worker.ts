/**
 * A worker thread that is fed with files: it asks its owner for the next piece of one when it is ready for it, so that no more
 * than a piece waits in between. Its owner alone knows where files lie and how they are encrypted.
 */
import type { Readable } from 'node:stream'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { type FieldProblem, Problem, type ProblemCode } from '../errors.ts'

type FromWorker =
  | { readonly kind: 'next'; readonly role: string }
  | { readonly kind: 'done'; readonly result: unknown }
  | {
      readonly kind: 'problem'
      readonly code: ProblemCode
      readonly message: string
      readonly fields: readonly FieldProblem[]
    }

/** The next piece of the file last asked for; none: it ends. */
interface ToWorker {
  readonly piece?: Uint8Array
}

export interface FedWork {
  /** The program: calls `serveFed`. */
  readonly program: URL
  /** Names the thread. */
  readonly name: string
  /** Handed to the program. */
  readonly task: unknown
  /** Opens a file; each is read once. */
  readonly open: (role: string) => Readable
  readonly heapMbMax: number
}

const ALIVE_MS = 60_000

/** Resolves to what the program made. Throws the `Problem` that it threw; `too_large` where it needed too much memory. */
export function runFed<T>({ program, name, task, open, heapMbMax }: FedWork): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const worker = new Worker(program, {
    workerData: task,
    name,
    resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
  })
  const feeder = filesFor(worker, open)
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'next') feeder.next(message.role).catch(reject)
    else if (message.kind === 'done') resolve(message.result as T)
    else reject(new Problem(message.code, message.message, { fields: message.fields }))
  })
  worker.on('error', error => reject(isOutOfMemory(error) ? tooMuch(error, heapMbMax) : error))
  worker.on('exit', status => reject(new Error(`The ${name} ended with status ${status} and without a result`)))
  return promise.finally(async () => {
    feeder.close()
    await worker.terminate()
  })
}

/** Reads the files for a worker, piece by piece as it asks. */
function filesFor(
  worker: Worker,
  open: (role: string) => Readable,
): { next(role: string): Promise<void>; close(): void } {
  const streams = new Map<string, { readonly stream: Readable; readonly pieces: AsyncIterator<Uint8Array> }>()
  return {
    async next(role): Promise<void> {
      let file = streams.get(role)
      if (file === undefined) {
        const stream = open(role)
        file = { stream, pieces: stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array> }
        streams.set(role, file)
      }
      const { done, value } = await file.pieces.next()
      worker.postMessage((done === true ? {} : { piece: value }) satisfies ToWorker)
    },
    close(): void {
      for (const { stream } of streams.values()) stream.destroy()
    },
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
}

function tooMuch(cause: unknown, heapMbMax: number): Problem {
  return new Problem('too_large', `Cannot examine the files: they need more than ${heapMbMax} MB of memory`, { cause })
}

/** A file of the task, piece by piece. One file is read to its end before the next is begun. */
export type Fed = (role: string) => AsyncIterable<Uint8Array>

/**
 * The other side: what the program of a worker thread calls. Does nothing where it is not in one.
 *
 * @param transferred buffers of the result that are handed over, not copied.
 */
export async function serveFed<Task, Result>(
  work: (task: Task, files: Fed) => Promise<Result>,
  transferred: (result: Result) => ArrayBuffer[] = () => [],
): Promise<void> {
  const port = parentPort
  if (port === null) return
  const files: Fed = async function* (role) {
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<ToWorker>()
      port.once('message', resolve)
      port.postMessage({ kind: 'next', role } satisfies FromWorker)
      const { piece } = await promise
      if (piece === undefined) return
      yield piece
    }
  }
  // Whoever waits for another server waits by timers that keep nothing alive.
  const alive = setInterval(() => {}, ALIVE_MS)
  try {
    const result = await work(workerData as Task, files)
    port.postMessage({ kind: 'done', result } satisfies FromWorker, transferred(result))
  } catch (error) {
    // Anything but a Problem is a fault of ours: it ends this thread as an uncaught error, which the owner hears of.
    if (!(error instanceof Problem)) throw error
    const { code, message, fields } = error
    port.postMessage({ kind: 'problem', code, message, fields } satisfies FromWorker)
  } finally {
    clearInterval(alive)
  }
}

/** Runs at most `active` at a time and lets at most `waiting` wait; beyond, throws what `full` makes. */
export function turns(active: number, waiting: number, full: () => Problem): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = []
  let running = 0
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= active) {
      if (queue.length >= waiting) throw full()
      const { promise, resolve } = Promise.withResolvers<void>()
      queue.push(resolve)
      await promise
    } else running++
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

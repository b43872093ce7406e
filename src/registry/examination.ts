/** Starts the worker thread that examines or loads, feeds it with files, and hears its result. */
import type { Readable } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { Problem } from '../errors.ts'
import { workerUrl } from '../platform/threads.ts'
import type { PythonSettings } from '../predictor/external.ts'
import type { Model } from '../predictor/model.ts'
import type { Examination } from './examine.ts'
import type { FromWorker, ToWorker, WorkerTask } from './examine-worker.ts'
import type { Manifest } from './manifest.ts'
import type { FileRole } from './submission.ts'

/** At work at once: more would take the answering thread's core. */
const WORKERS_MAX = 1
const WAITING_MAX = 64
const HEAP_MB_MAX = 2048

/** Opens a file of the submission; read once. */
export type OpenFile = (role: FileRole) => Readable

export interface Examiner {
  /** Throws what `examine` throws; `overloaded` where too many wait already. */
  examine(manifest: Manifest, roles: readonly FileRole[], open: OpenFile, python?: PythonSettings): Promise<Examination>
  /** The artifact as plain data; `corrupt` where its SHA-256 is another. */
  load(sha256: string, open: OpenFile): Promise<Model>
}

export function openExaminer(): Examiner {
  const inTurn = turns(WORKERS_MAX, WAITING_MAX)
  return {
    examine: (manifest, roles, open, python) => {
      const task = { kind: 'examine', manifest, roles, ...(python === undefined ? {} : { python }) } as const
      return inTurn(() => runWorker<Examination>(task, open))
    },
    // Loading is waited for by a server that starts or rolls back: it does not queue behind examinations.
    load: (sha256, open) => runWorker<Model>({ kind: 'load', sha256 }, open),
  }
}

/** Runs at most `active` at a time and lets at most `waiting` wait. */
function turns(active: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = []
  let running = 0
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= active) {
      if (queue.length >= waiting)
        throw new Problem('overloaded', `Cannot register: ${waiting} registrations wait already`)
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

function runWorker<T extends Examination | Model>(task: WorkerTask, open: OpenFile): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const worker = new Worker(workerUrl(import.meta.url, './examine-worker'), {
    workerData: task,
    name: 'examination',
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  })
  const feeder = filesFor(worker, open)
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'next') feeder.next(message.role).catch(reject)
    else if (message.kind === 'done') resolve(message.result as T)
    else reject(new Problem(message.code, message.message, { fields: message.fields }))
  })
  worker.on('error', error => reject(isOutOfMemory(error) ? tooMuch(error) : error))
  worker.on('exit', status => reject(new Error(`The examination ended with status ${status} and without a result`)))
  return promise.finally(async () => {
    feeder.close()
    await worker.terminate()
  })
}

/** Reads the files for a worker, piece by piece as it asks. */
function filesFor(worker: Worker, open: OpenFile): { next(role: FileRole): Promise<void>; close(): void } {
  const streams = new Map<FileRole, { readonly stream: Readable; readonly pieces: AsyncIterator<Uint8Array> }>()
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

function tooMuch(cause: unknown): Problem {
  return new Problem('too_large', `Cannot examine the files: they need more than ${HEAP_MB_MAX} MB of memory`, {
    cause,
  })
}

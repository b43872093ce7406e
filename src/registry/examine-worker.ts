/**
 * The worker thread of one examination or one loading. It asks its owner for the next piece of a file when it is ready for
 * it, so that no more than a piece waits in between.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { type FieldProblem, Problem, type ProblemCode } from '../errors.ts'
import { QUIET, systemSurroundings } from '../platform/surroundings.ts'
import type { PythonSettings } from '../predictor/external.ts'
import type { Model } from '../predictor/model.ts'
import { openRuntimes } from '../runtimes/runtimes.ts'
import { allBytes, type Examination, examine, type Outside, type Sources } from './examine.ts'
import { loadVerified } from './load-verified.ts'
import type { Manifest } from './manifest.ts'
import type { FileRole } from './submission.ts'

export type WorkerTask =
  | {
      readonly kind: 'examine'
      readonly manifest: Manifest
      readonly roles: readonly FileRole[]
      readonly python?: PythonSettings
    }
  | { readonly kind: 'load'; readonly sha256: string }

export type FromWorker =
  | { readonly kind: 'next'; readonly role: FileRole }
  | { readonly kind: 'done'; readonly result: Examination | Model }
  | {
      readonly kind: 'problem'
      readonly code: ProblemCode
      readonly message: string
      readonly fields: readonly FieldProblem[]
    }

/** The next piece of the file last asked for; none: it ends. */
export interface ToWorker {
  readonly piece?: Uint8Array
}

const ALIVE_MS = 60_000
const port = parentPort
if (port !== null) {
  const task = workerData as WorkerTask
  // Whoever waits for another server waits by timers that keep nothing alive.
  const alive = setInterval(() => {}, ALIVE_MS)
  try {
    const result =
      task.kind === 'load'
        ? await loadModel(task.sha256)
        : await examine(task.manifest, sourcesOf(task.roles), outsideOf(task))
    port.postMessage({ kind: 'done', result } satisfies FromWorker, buffersOf(result))
  } catch (error) {
    // Anything but a Problem is a fault of ours: it ends this thread as an uncaught error, which the owner hears of.
    if (!(error instanceof Problem)) throw error
    const { code, message, fields } = error
    port.postMessage({ kind: 'problem', code, message, fields } satisfies FromWorker)
  } finally {
    clearInterval(alive)
  }
}

async function loadModel(sha256: string): Promise<Model> {
  return loadVerified(await allBytes(pieces('artifact')), sha256)
}

function outsideOf({ python }: { readonly python?: PythonSettings }): Outside {
  const runtimes = openRuntimes(systemSurroundings(QUIET))
  return python === undefined ? { runtimes } : { runtimes, python }
}

function sourcesOf(roles: readonly FileRole[]): Sources {
  return {
    artifact: () => pieces('artifact'),
    ...(roles.includes('reference') ? { reference: () => pieces('reference') } : {}),
    ...(roles.includes('evaluation') ? { evaluation: () => pieces('evaluation') } : {}),
  }
}

async function* pieces(role: FileRole): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { promise, resolve } = Promise.withResolvers<ToWorker>()
    port!.once('message', resolve)
    port!.postMessage({ kind: 'next', role } satisfies FromWorker)
    const { piece } = await promise
    if (piece === undefined) return
    yield piece
  }
}

/** Typed arrays are handed over, not copied. */
function buffersOf(result: Examination | Model): ArrayBuffer[] {
  const values = 'sets' in result ? [...Object.values(result), ...Object.values(result.sets)] : []
  return values.filter(value => ArrayBuffer.isView(value)).map(view => view.buffer as ArrayBuffer)
}

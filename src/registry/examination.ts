/** Starts the worker thread that examines or loads, feeds it with files, and hears its result. */
import type { Readable } from 'node:stream'
import { Problem } from '../errors.ts'
import { runFed, turns } from '../platform/fed-worker.ts'
import { workerUrl } from '../platform/threads.ts'
import type { PythonSettings } from '../predictor/external.ts'
import type { Model } from '../predictor/model.ts'
import type { Examination } from './examine.ts'
import type { WorkerTask } from './examine-worker.ts'
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
  const full = () => new Problem('overloaded', `Cannot register: ${WAITING_MAX} registrations wait already`)
  const inTurn = turns(WORKERS_MAX, WAITING_MAX, full)
  return {
    examine: (manifest, roles, open, python) => {
      const task = { kind: 'examine', manifest, roles, ...(python === undefined ? {} : { python }) } as const
      return inTurn(() => runWorker<Examination>(task, open))
    },
    // Loading is waited for by a server that starts or rolls back: it does not queue behind examinations.
    load: (sha256, open) => runWorker<Model>({ kind: 'load', sha256 }, open),
  }
}

function runWorker<T extends Examination | Model>(task: WorkerTask, open: OpenFile): Promise<T> {
  return runFed<T>({
    program: workerUrl(import.meta.url, './examine-worker'),
    name: 'examination',
    task,
    open: role => open(role as FileRole),
    heapMbMax: HEAP_MB_MAX,
  })
}

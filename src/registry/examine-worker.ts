/** The worker thread of one examination or one loading. */
import { type Fed, serveFed } from '../platform/fed-worker.ts'
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

await serveFed<WorkerTask, Examination | Model>(async (task, files) => {
  if (task.kind === 'load') return loadVerified(await allBytes(files('artifact')), task.sha256)
  return await examine(task.manifest, sourcesOf(task.roles, files), outsideOf(task))
}, buffersOf)

function outsideOf({ python }: { readonly python?: PythonSettings }): Outside {
  const runtimes = openRuntimes(systemSurroundings(QUIET))
  return python === undefined ? { runtimes } : { runtimes, python }
}

function sourcesOf(roles: readonly FileRole[], files: Fed): Sources {
  return {
    artifact: () => files('artifact'),
    ...(roles.includes('reference') ? { reference: () => files('reference') } : {}),
    ...(roles.includes('evaluation') ? { evaluation: () => files('evaluation') } : {}),
  }
}

/** Typed arrays are handed over, not copied. */
function buffersOf(result: Examination | Model): ArrayBuffer[] {
  const values = 'sets' in result ? [...Object.values(result), ...Object.values(result.sets)] : []
  return values.filter(value => ArrayBuffer.isView(value)).map(view => view.buffer as ArrayBuffer)
}

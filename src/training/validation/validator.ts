/** Starts the worker thread of a validation: it takes seconds to minutes, and the answering thread must not wait for it. */
import type { Readable } from 'node:stream'
import { Problem } from '../../errors.ts'
import { runFed, turns } from '../../platform/fed-worker.ts'
import type { Objects } from '../../platform/objects.ts'
import { workerUrl } from '../../platform/threads.ts'
import type { ModelVersion } from '../../registry/version.ts'
import type { GateRole, GateTask } from './gate-worker.ts'
import type { Report } from './report.ts'

const WORKERS_MAX = 1
const WAITING_MAX = 16
const HEAP_MB_MAX = 2048

/** Runs the gate. Throws what `runGate` throws; `overloaded` where too many wait already. */
export type Validator = (task: GateTask) => Promise<Report>

export function openValidator(objects: Objects): Validator {
  const full = () => new Problem('overloaded', `Cannot validate: ${WAITING_MAX} validations wait already`)
  const inTurn = turns(WORKERS_MAX, WAITING_MAX, full)
  return async task => {
    requireEvaluation(task.candidate)
    const open = (role: string): Readable => objects.stream(fileOf(task, role as GateRole))
    return await inTurn(() =>
      runFed<Report>({
        program: workerUrl(import.meta.url, './gate-worker'),
        name: 'validation',
        task,
        open,
        heapMbMax: HEAP_MB_MAX,
      }),
    )
  }
}

function requireEvaluation({ model, version, evaluation }: ModelVersion): void {
  if (evaluation !== undefined) return
  const problem = 'it was registered without evaluation data; name it in model.yaml as evaluation, with its target'
  throw new Problem('invalid', `Cannot validate ${model}@${version}: ${problem}`, {
    fields: [{ field: 'evaluation', problem: 'is missing' }],
  })
}

/** SHA-256 of the file in a role. */
function fileOf({ candidate, champion }: GateTask, role: GateRole): string {
  switch (role) {
    case 'candidate artifact':
      return candidate.artifact.sha256
    case 'candidate evaluation':
    case 'champion evaluation':
      return candidate.evaluation!.sha256
    case 'candidate reference':
      return candidate.reference!.sha256
    case 'champion artifact':
      return champion!.artifact.sha256
    case 'champion reference':
      return champion!.reference!.sha256
  }
}

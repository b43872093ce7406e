/**
 * Changes of MLflow's things that stand in the ledger: what disappears, comes back, is registered or is pointed to. What is logged does
 * not: it is by far the most, and is kept with its time already (docs/adr/0027).
 */
import { canonical } from '../../ledger/canonical.ts'
import { CHANGE_TOPIC } from '../../ledger/changes.ts'
import type { ChangeRecord } from '../../ledger/record.ts'
import { enqueue } from '../../platform/outbox.ts'
import type { Actor } from '../../route.ts'
import { type Message, messages } from './fields.ts'
import type { Writing } from './group-commit.ts'
import { runIdIn } from './runs.ts'
import type { Tracking } from './tracking.ts'

interface Recorded {
  readonly action: string
  readonly target: (from: Message, answer: Message) => string
  /** Fields of the request that say the rest. */
  readonly detail?: readonly string[]
}

const run = (from: Message): string => `mlflow-run:${runIdIn(from)}`
const experiment = (from: Message): string => `mlflow-experiment:${String(from['experiment_id'])}`
const model = (from: Message): string => `mlflow-model:${String(from['name'])}`
const version = (from: Message): string => `${model(from)}/${String(from['version'])}`

/** By the path of the change. */
const RECORDED: Readonly<Record<string, Recorded>> = {
  'POST experiments/delete': { action: 'experiment:deleted', target: experiment },
  'POST experiments/restore': { action: 'experiment:restored', target: experiment },
  'POST runs/delete': { action: 'run:deleted', target: run },
  'POST runs/restore': { action: 'run:restored', target: run },
  'DELETE logged-models/:model_id': {
    action: 'logged-model:deleted',
    target: from => `mlflow-logged-model:${String(from['model_id'])}`,
  },
  'POST registered-models/create': { action: 'mlflow-model:registered', target: model },
  'POST registered-models/rename': { action: 'mlflow-model:renamed', target: model, detail: ['new_name'] },
  'DELETE registered-models/delete': { action: 'mlflow-model:deleted', target: model },
  'POST registered-models/alias': { action: 'mlflow-alias:moved', target: version, detail: ['alias'] },
  'DELETE registered-models/alias': { action: 'mlflow-alias:removed', target: model, detail: ['alias'] },
  'POST model-versions/create': {
    action: 'mlflow-version:registered',
    target: (from, answer) => {
      const [made = {}] = messages(answer, 'model_version')
      return version({ ...from, version: made['version'] })
    },
    detail: ['source', 'run_id'],
  },
  'POST model-versions/transition-stage': { action: 'mlflow-stage:moved', target: version, detail: ['stage'] },
  'DELETE model-versions/delete': { action: 'mlflow-version:deleted', target: version },
}

/** @param what method and path. False where it is none that the ledger is to have. */
export async function recordChange(
  parts: Tracking,
  tx: Writing,
  what: string,
  { from, answer, actor }: { readonly from: Message; readonly answer: Message; readonly actor: Actor },
): Promise<boolean> {
  const recorded = RECORDED[what]
  if (recorded === undefined) return false
  const said = (recorded.detail ?? []).filter(name => from[name] !== undefined && from[name] !== '')
  const detail = Object.fromEntries(said.map(name => [name, String(from[name])]))
  await put(parts, tx, actor, { action: recorded.action, target: recorded.target(from, answer), detail })
  return true
}

/** A path below which artifacts were deleted, and how many. */
export async function recordDeletedArtifacts(
  parts: Tracking,
  tx: Writing,
  actor: Actor,
  { path, files }: { readonly path: string; readonly files: number },
): Promise<void> {
  await put(parts, tx, actor, { action: 'artifact:deleted', target: `mlflow-artifact:${path}`, detail: { files } })
}

async function put(
  { ids, clock }: Tracking,
  tx: Writing,
  actor: Actor,
  told: Pick<ChangeRecord, 'action' | 'target' | 'detail'>,
): Promise<void> {
  const record: ChangeRecord = { kind: 'change', id: ids.next(), at: clock.now(), actor: actor.id, ...told }
  await enqueue(tx, { id: record.id, topic: CHANGE_TOPIC, payload: canonical(record), at: record.at })
}

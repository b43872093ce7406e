/** What run times count, as Prometheus reads it. */
import type { RuntimeCounts } from './runtime.ts'

interface Family {
  readonly count: string
  readonly name: string
  readonly help: string
  /** Milliseconds, told as seconds. */
  readonly isTime?: boolean
}

const PYTHON: readonly Family[] = [
  { count: 'ready', name: 'python_workers', help: 'Python workers that are ready or at work' },
  { count: 'waitingRows', name: 'python_waiting_rows', help: 'Rows that wait for a Python worker' },
  { count: 'restarts', name: 'python_worker_restarts_total', help: 'Python workers started again after one ended' },
  { count: 'batches', name: 'python_batches_total', help: 'Batches handed to Python workers' },
  { count: 'rows', name: 'python_rows_total', help: 'Rows handed to Python workers' },
  { count: 'failures', name: 'python_batch_failures_total', help: 'Batches that Python workers did not answer' },
  { count: 'busyMs', name: 'python_busy_seconds_total', help: 'Time that Python workers worked', isTime: true },
]

const REMOTE: readonly Family[] = [
  { count: 'open', name: 'remote_circuit_open', help: '1 while a remote model is left alone because it failed' },
  { count: 'requests', name: 'remote_requests_total', help: 'Requests to remote models' },
  { count: 'retries', name: 'remote_retries_total', help: 'Requests to remote models that were sent again' },
  { count: 'failures', name: 'remote_failures_total', help: 'Requests that remote models did not answer' },
  {
    count: 'busyMs',
    name: 'remote_busy_seconds_total',
    help: 'Time that requests to remote models took',
    isTime: true,
  },
]

const ONNX: readonly Family[] = [
  { count: 'runs', name: 'onnxruntime_runs_total', help: 'Runs of graphs by ONNX Runtime' },
  { count: 'rows', name: 'onnxruntime_rows_total', help: 'Rows answered by ONNX Runtime' },
  { count: 'failures', name: 'onnxruntime_failures_total', help: 'Runs that ONNX Runtime did not finish' },
  { count: 'busyMs', name: 'onnxruntime_busy_seconds_total', help: 'Time that ONNX Runtime worked', isTime: true },
]

/** What one model counts; names of models and versions need no escaping. */
export interface Counted {
  readonly kind: 'python' | 'remote' | 'onnx-graph'
  /** `churn@1.0.0` */
  readonly name: string
  readonly counts: RuntimeCounts
}

export function countsText(all: readonly Counted[]): string {
  return [
    ...familyTexts(PYTHON, all, 'python'),
    ...familyTexts(REMOTE, all, 'remote'),
    ...familyTexts(ONNX, all, 'onnx-graph'),
  ].join('')
}

function* familyTexts(
  families: readonly Family[],
  all: readonly Counted[],
  wanted: Counted['kind'],
): Generator<string> {
  const those = all.filter(({ kind }) => kind === wanted)
  if (those.length === 0) return
  for (const { count, name, help, isTime } of families) {
    yield `# HELP ${name} ${help}\n# TYPE ${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}\n`
    for (const { name: model, counts } of those) {
      const value = (counts[count] ?? 0) / (isTime === true ? 1000 : 1)
      const at = model.lastIndexOf('@')
      yield `${name}{model="${model.slice(0, at)}",version="${model.slice(at + 1)}"} ${value}\n`
    }
  }
}

/** Runs as a data scientist's sweep leaves them: logged over MLflow's protocol, as its client does. */
import type { RunningServer } from '../server.ts'

type Logging = Pick<RunningServer, 'url'> & { readonly key?: string }

const START = Date.UTC(2026, 10, 20, 9)

export async function logged(
  { url, key }: Logging,
  path: string,
  body: object,
): Promise<Readonly<Record<string, unknown>>> {
  const authorization: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const response = await fetch(`${url}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path}: ${text}`)
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}

async function fileLogged(
  { url, key }: Logging,
  path: string,
  content: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const authorization: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const address = `${url}/api/2.0/mlflow-artifacts/artifacts/${path}`
  const response = await fetch(address, { method: 'PUT', headers: authorization, body: content })
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
}

interface Sweep {
  readonly experiment: string
  readonly parent: string
  /** The best last. */
  readonly runs: readonly string[]
}

/** A picture of one red point. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
)
export const HOSTILE = '<!doctype html><script>document.title = "taken over"</script><h1>A page of the run</h1>'
const DRAWN = `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40" viewBox="0 0 80 40">
<script>top.document.title = 'taken over'</script><rect width="80" height="40" fill="#0f6d66"/></svg>`

/** A search with `count` runs nested in one, the last still going on. */
export async function makeSweep(server: Logging, count: number): Promise<Sweep> {
  const { experiment_id } = await logged(server, 'experiments/create', { name: 'churn/xgboost sweep' })
  const experiment = String(experiment_id)
  const parent = await begin(server, experiment, { name: 'sweep', at: START, tags: [] })
  const runs: string[] = []
  for (let at = 0; at < count; at++) {
    const run = await begin(server, experiment, {
      name: `trial-${at}`,
      at: START + (at + 1) * 60_000,
      tags: [{ key: 'mlflow.parentRunId', value: parent }],
    })
    await logged(server, 'runs/log-batch', { run_id: run, ...trial(at) })
    if (at < count - 1)
      await logged(server, 'runs/update', {
        run_id: run,
        status: at === 1 ? 'FAILED' : 'FINISHED',
        end_time: START + (at + 1) * 60_000 + 45_000,
      })
    runs.push(run)
  }
  await logged(server, 'runs/update', { run_id: parent, status: 'FINISHED', end_time: START + 3_600_000 })
  await furnish(server, experiment, runs[0]!)
  return { experiment, parent, runs }
}

async function begin(
  server: Logging,
  experiment: string,
  { name, at, tags }: { readonly name: string; readonly at: number; readonly tags: readonly object[] },
): Promise<string> {
  const { run } = await logged(server, 'runs/create', {
    experiment_id: experiment,
    run_name: name,
    user_id: 'ana',
    start_time: at,
    tags: [...tags, { key: 'mlflow.source.name', value: 'train.py' }, { key: 'team', value: 'retention' }],
  })
  return (run as { info: { run_id: string } }).info.run_id
}

function trial(at: number): object {
  const rate = [0.3, 0.1, 0.05, 0.02, 0.01][at % 5]!
  const steps = Array.from({ length: 80 }, (_, step) => step)
  const point = (key: string, value: number | string, step: number) => ({
    key,
    value,
    step,
    timestamp: START + at * 60_000 + step * 500,
  })
  return {
    params: [
      { key: 'learning_rate', value: String(rate) },
      { key: 'max_depth', value: String(3 + (at % 4)) },
      { key: 'booster', value: at % 3 === 0 ? 'dart' : 'gbtree' },
      { key: 'seed', value: '7' },
    ],
    metrics: [
      ...steps.map(step =>
        point('train/loss', 0.7 * Math.exp(-step * rate) + 0.03 * Math.sin(step * (at + 2)) + 0.1, step),
      ),
      ...steps.map(step => point('valid/auc', 0.86 - 0.3 * Math.exp(-step * rate) - at * 0.004, step)),
      point('best_iteration', 40 + at, 0),
      point('gradient_norm', at === 2 ? 'NaN' : 1 / (at + 1), 0),
    ],
  }
}

async function furnish(server: Logging, experiment: string, run: string): Promise<void> {
  const dataset = {
    ...{ name: 'customers', digest: 'ab12cd34', source_type: 'local', source: '{"uri": "customers.csv"}' },
    ...{ schema: '{"mlflow_colspec": []}', profile: '{"num_rows": 10000}' },
  }
  const tags = [{ key: 'mlflow.data.context', value: 'training' }]
  await logged(server, 'runs/log-inputs', { run_id: run, datasets: [{ dataset, tags }] })
  const root = `${experiment}/${run}/artifacts`
  await fileLogged(server, `${root}/report.html`, HOSTILE)
  await fileLogged(server, `${root}/notes.txt`, 'It learns fast, and forgets nothing.\n')
  await fileLogged(server, `${root}/plots/importance.png`, PNG)
  await fileLogged(server, `${root}/plots/drawing.svg`, DRAWN)
  await fileLogged(server, `${root}/model/params.json`, '{"max_depth":3,"eta":0.3}')
  await fileLogged(server, `${root}/model/model.ubj`, new Uint8Array([0, 1, 2, 255]))
}

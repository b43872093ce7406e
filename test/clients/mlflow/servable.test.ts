/** What MLflow's client logged becomes a version of ours in one call, and answers what its own library does. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { MLFLOW_PYTHON, skipUnless } from '../../services.ts'
import { ask, type RunningApp, withApp } from '../../serving/app.ts'

const DRIVER = fileURLToPath(new URL('models.py', import.meta.url))

interface Logged {
  readonly name: string
  readonly uri: string
  readonly rows: readonly Readonly<Record<string, number>>[]
  /** What the library answers to the rows. */
  readonly answers: readonly number[]
  /** Loading it runs code. */
  readonly code?: true
  readonly registered?: true
}

interface Version {
  readonly signature: { readonly outputs: readonly { readonly name: string }[] }
  readonly origin: { readonly source: string; readonly run: string; readonly loggedModel: string }
}

interface Made {
  readonly models: readonly Logged[]
  /** Address of the training data. */
  readonly data: string
}

async function logged(url: string): Promise<Made> {
  const cwd = mkdtempSync(join(tmpdir(), 'bellwether-mlflow-models-'))
  try {
    const out = join(cwd, 'made.json')
    const env = { ...process.env, MLFLOW_TRACKING_URI: url, MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0', OMP_NUM_THREADS: '1' }
    await promisify(execFile)(MLFLOW_PYTHON, [DRIVER, out], { cwd, env, maxBuffer: 1 << 26 })
    return JSON.parse(readFileSync(out, 'utf8')) as Made
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

async function served({ url }: RunningApp, { name, uri, rows, answers, code, registered }: Logged): Promise<void> {
  const address = `${url}/models/register-logged`
  const own = registered === true ? {} : { name, version: '1.0.0' }
  if (code === true) {
    const refused = await ask(address, { source: uri, ...own })
    assert.equal(refused.status, 422, JSON.stringify(refused.body))
    assert.match(String(refused.body['detail']), /trust: code/)
  }
  const body = { source: uri, ...own, ...(code === true ? { model: { trust: 'code' } } : {}) }
  const made = await ask(address, body)
  assert.equal(made.status, 201, `${name}: ${JSON.stringify(made.body)}`)
  assert.equal((await ask(address, body)).status, 200)
  const { signature, origin } = made.body['version'] as Version
  const { outputs } = signature
  assert.equal(origin.source, uri)
  assert.match(`${origin.run} ${origin.loggedModel}`, /^[0-9a-f]{32} m-[0-9a-f]{32}$/)
  const { predictions } = (await ask(`${url}/models/${name}/predict`, rows)).body as {
    predictions: readonly { version: string; outputs: Readonly<Record<string, number>> }[]
  }
  for (const [at, { version, outputs: found }] of predictions.entries()) {
    assert.equal(version, '1.0.0')
    const value = found[outputs[0]!.name]!
    assert.ok(Math.abs(value - answers[at]!) < 1e-6, `${name}: ${value}, its library says ${answers[at]}`)
  }
}

test('each kind of logged model answers as its library does', { skip: skipUnless('mlflow') }, async () => {
  await withApp({ 'python.command': MLFLOW_PYTHON }, async app => {
    const { models, data } = await logged(app.url)
    for (const model of models) await served(app, model)

    const address = `${app.url}/models/register-logged`
    const [{ uri }] = models as [Logged]
    const profiled = await ask(address, {
      source: uri,
      name: 'profiled',
      version: '2.0.0',
      reference: data,
      evaluation: data,
      model: { target: 'y', owner: 'team' },
    })
    assert.equal(profiled.status, 201, JSON.stringify(profiled.body))
    const { reference, measuredMetrics, owner } = profiled.body['version'] as {
      reference: { rows: number }
      measuredMetrics: Readonly<Record<string, number>>
      owner: string
    }
    assert.equal(reference.rows, 200)
    assert.equal(owner, 'team')
    assert.ok(measuredMetrics['auc_roc']! > 0.9)

    const wrong: readonly (readonly [object, number, RegExp])[] = [
      [{ source: uri }, 422, /'name' is missing/],
      [{ source: uri, name: 'x' }, 422, /'version' is missing/],
      [{ source: uri, name: 'x', version: 'one' }, 422, /version/],
      [{ source: uri, name: 'x', version: '1.0.0', model: { name: 'y' } }, 422, /name stands beside it/],
      [{ source: uri, name: 'x', version: '1.0.0', model: { what: 1 } }, 422, /what is not a key/],
      [{ source: 's3://bucket/model', name: 'x', version: '1.0.0' }, 422, /'source'/],
      [{ source: '/etc', name: 'x', version: '1.0.0' }, 422, /'source'/],
      [{ source: 'mlflow-artifacts:/../x', name: 'x', version: '1.0.0' }, 422, /path/],
      [{ source: 'mlflow-artifacts:/nothing', name: 'x', version: '1.0.0' }, 404, /MLmodel/],
      [{ source: 'models:/nobody/1' }, 404, /nobody/],
      [{ source: 'models:/light@nobody' }, 404, /alias/],
      [{ source: uri, name: 'x', version: '1.0.0', reference: `${data}.gz` }, 404, /file/],
      [{ source: models[1]!.uri, name: 'xgboost', version: '1.0.0' }, 409, /other content/],
    ]
    for (const [body, status, told] of wrong) {
      const refused = await ask(address, body)
      assert.equal(refused.status, status, `${JSON.stringify(body)}: ${JSON.stringify(refused.body)}`)
      assert.match(String(refused.body['detail']), told)
    }
  })
})

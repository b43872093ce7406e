/** Who may do what, by the stock client: tokens, user and password, roles; and many clients at once. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { postgresPlace } from '../../postgres.ts'
import { MLFLOW_PYTHON, skipUnless } from '../../services.ts'
import { withApp } from '../../serving/app.ts'

const AT_ONCE = fileURLToPath(new URL('at_once.py', import.meta.url))
const skip = skipUnless('mlflow')

/** Tries to read, to write, to register and to move an alias, and says of each what became of it. */
const TRY = `
import json, os, sys, warnings
warnings.filterwarnings("ignore")
from mlflow import MlflowClient
def outcome(call):
    try:
        call()
        return "ok"
    except Exception as error:
        return getattr(error, "error_code", type(error).__name__)
for at, credentials in enumerate(json.loads(sys.argv[1])):
    for name in ("TOKEN", "USERNAME", "PASSWORD"):
        os.environ.pop(f"MLFLOW_TRACKING_{name}", None)
    os.environ.update(credentials)
    client = MlflowClient()
    print(outcome(lambda: client.search_experiments()), outcome(lambda: client.create_run("0")),
          outcome(lambda: client.create_registered_model(f"m{at}")),
          outcome(lambda: client.set_registered_model_alias("known", "live", "1")),
          outcome(lambda: client.create_webhook("hook", "https://example.org", ["prompt.created"])))
`

async function tried(url: string, credentials: readonly object[]): Promise<readonly string[]> {
  const env = { ...process.env, MLFLOW_TRACKING_URI: url, MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0' }
  const { stdout } = await promisify(execFile)(MLFLOW_PYTHON, ['-c', TRY, JSON.stringify(credentials)], { env })
  return stdout.trim().split('\n')
}

test('keys come as a token or as a password, and roles hold', { skip }, async () => {
  await withApp({}, async ({ url, key }) => {
    const [admin, scientist, viewer, approver] = [
      await key('admin'),
      await key('scientist'),
      await key('viewer'),
      await key('approver'),
    ]
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json' }
    for (const [path, body] of [
      ['registered-models', { name: 'known' }],
      ['model-versions', { name: 'known', source: 's3://bucket/model' }],
    ] as const)
      assert.ok(
        (await fetch(`${url}/api/2.0/mlflow/${path}/create`, { method: 'POST', headers, body: JSON.stringify(body) }))
          .ok,
      )
    const denied = 'PERMISSION_DENIED'
    const unknown = Array(5).fill('UNAUTHENTICATED').join(' ')
    const all: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
      [{ MLFLOW_TRACKING_TOKEN: admin }, 'ok ok ok ok ok'],
      [{ MLFLOW_TRACKING_USERNAME: 'anybody', MLFLOW_TRACKING_PASSWORD: admin }, 'ok ok ok ok ok'],
      [{ MLFLOW_TRACKING_TOKEN: scientist }, `ok ok ok ${denied} ${denied}`],
      [{ MLFLOW_TRACKING_TOKEN: viewer }, `ok ${denied} ${denied} ${denied} ${denied}`],
      [{ MLFLOW_TRACKING_TOKEN: approver }, `ok ${denied} ${denied} ok ${denied}`],
      [{ MLFLOW_TRACKING_TOKEN: `${admin}x` }, unknown],
      [{ MLFLOW_TRACKING_USERNAME: 'admin', MLFLOW_TRACKING_PASSWORD: 'password' }, unknown],
      [{}, unknown],
    ]
    const found = await tried(
      url,
      all.map(([credentials]) => credentials),
    )
    assert.deepEqual(
      found,
      all.map(([, wanted]) => wanted),
    )
  })
})

async function atOnce(flags: Readonly<Record<string, unknown>>): Promise<void> {
  await withApp(flags, async ({ url }) => {
    const env = { ...process.env, MLFLOW_TRACKING_URI: url }
    const { stdout } = await promisify(execFile)(MLFLOW_PYTHON, [AT_ONCE], { env })
    assert.match(stdout, /^ok$/m)
  })
}

test('many at once, kept in SQLite', { skip }, () => atOnce({}))

test('many at once, kept in PostgreSQL', { skip: skip || skipUnless('postgres') }, async (t: TestContext) => {
  const { url } = await postgresPlace(t)
  await atOnce({ 'database.url': url })
})

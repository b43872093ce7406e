/** MLflow's own client, unmodified: the exercise that was recorded against its own server, against ours. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { postgresPlace } from '../postgres.ts'
import { PYTHON, skipUnless } from '../services.ts'
import { withApp } from '../serving/app.ts'

const DRIVER = fileURLToPath(new URL('mlflow_exercise.py', import.meta.url))
const HAS_CLIENT = existsSync(join(PYTHON, '..', 'mlflow'))
const skip = skipUnless('python') || (HAS_CLIENT ? false : 'the whole of MLflow is not installed')

async function exercised(t: TestContext, flags: Readonly<Record<string, unknown>>): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), 'bellwether-mlflow-'))
  t.after(() => rmSync(cwd, { recursive: true, force: true }))
  await withApp(flags, async ({ url, key }) => {
    const password = await key('admin')
    const env = { ...process.env, MLFLOW_TRACKING_USERNAME: 'anybody', MLFLOW_TRACKING_PASSWORD: password }
    const ran = promisify(execFile)(PYTHON, [DRIVER], { cwd, env: { ...env, MLFLOW_TRACKING_URI: url } })
    const { stdout } = await ran
    assert.match(stdout, /\['d\.json', 't\.txt'\]/)
    assert.match(stdout, /^ok$/m)
    assert.doesNotMatch(stdout, /^stage /m)
  })
}

test('a whole life of runs and models, kept in SQLite', { skip }, t => exercised(t, {}))

test('a whole life of runs and models, kept in PostgreSQL', { skip: skip || skipUnless('postgres') }, async t => {
  const { url } = await postgresPlace(t)
  await exercised(t, { 'database.url': url })
})

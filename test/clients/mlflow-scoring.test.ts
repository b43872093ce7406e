/** MLflow's own client of scoring servers, unmodified, against `/invocations`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { tinyAnswer } from '../journeys/model.ts'
import { PYTHON, skipUnless } from '../services.ts'
import { STRICT, withApp } from '../serving/app.ts'

const DRIVER = fileURLToPath(new URL('mlflow_scoring.py', import.meta.url))

interface Seen {
  readonly version: string
  readonly answers: readonly (readonly number[])[]
  readonly table: readonly number[]
  readonly refused: string
}

test('the client of MLflow scores frames and arrays', { skip: skipUnless('python') }, async () => {
  await withApp({}, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const { hostname, port } = new URL(app.url)
    const { stdout } = await promisify(execFile)(PYTHON, [DRIVER, hostname, port])
    const { version, answers, table, refused } = JSON.parse(stdout) as Seen
    assert.match(version, /^\d+\.\d+\.\d+/)
    for (const values of [...answers, table]) {
      assert.equal(values.length, 2)
      for (const [at, wanted] of [tinyAnswer(20, 1), tinyAnswer(47, 2)].entries())
        assert.ok(Math.abs(values[at]! - wanted) < 1e-6)
    }
    assert.match(refused, /422.*INVALID_PARAMETER_VALUE.*age is missing/)
    const records = await app.records()
    assert.equal(records.filter(({ kind }) => kind === 'prediction').length, 6)
    assert.equal(records.filter(({ kind }) => kind === 'refusal').length, 1)
  })
})

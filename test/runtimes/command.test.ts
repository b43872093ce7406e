/** `bellwether register` with Python models: a pickle, an MLflow folder, requirements beside model.yaml. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bellwether, startServer, temporaryFolder, withServer } from '../server.ts'
import { PYTHON, skipUnless } from '../services.ts'
import { artifactOf, isRunning, pickled } from './python.ts'

const MLFLOW = `
import sys, mlflow.pyfunc, pandas
from mlflow.models import infer_signature
class Sum(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input.sum(axis=1)
frame = pandas.DataFrame({'a': [1.0], 'b': [2.0]})
mlflow.pyfunc.save_model(sys.argv[1], python_model=Sum(), signature=infer_signature(frame), pip_requirements=[])
`

test('a pickle and an MLflow folder are registered and asked by commands', { skip: skipUnless('python') }, async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true }))
  const file = (name: string, text: string | Uint8Array): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  file('sum.pkl', artifactOf(pickled('def predict(self, frame):\n    return frame.sum(axis=1)')))
  file('requirements.txt', 'numpy>=2\n')
  file('rows.csv', 'a,b\n1,2.5\n0.125,4\n')
  mkdirSync(join(folder, 'mlflow'))
  execFileSync(PYTHON, ['-c', MLFLOW, join(folder, 'mlflow/model')], { stdio: 'ignore' })
  const python = 'reference: rows.csv\ntrust: code\npython: {requirements: requirements.txt}\n'
  const pickle = file('pickle.yaml', `name: pickle\nversion: 1.0.0\nartifact: sum.pkl\n${python}`)
  const mlflow = file('mlflow.yaml', `name: mlflow\nversion: 1.0.0\nartifact: mlflow/model\n${python}`)
  const env = { BELLWETHER_PYTHON_COMMAND: PYTHON }
  await withServer({ env }, async server => {
    const run = async (...args: string[]): Promise<string> => {
      const { status, stdout, stderr } = await bellwether([...args, '--server', server.url])
      assert.equal(status, 0, stderr)
      return stdout
    }
    for (const [name, yaml] of [
      ['pickle', pickle],
      ['mlflow', mlflow],
    ] as const) {
      const registered = await run('register', yaml)
      assert.match(registered, new RegExp(`Registered ${name}@1\\.0\\.0`))
      assert.match(registered, /by {9}1 process of .*python, which runs code of the artifact/)
      assert.match(registered, /Note: loading this artifact runs its code/)
      assert.match(await run('register', yaml), /is registered already/, 'the same folder is the same artifact')
      assert.deepEqual(await outputsOf(server.url, name), { prediction: 3.75 })
    }
    const files = ['--input', join(folder, 'rows.csv'), '--output', join(folder, 'out.csv'), '--server', server.url]
    const here = await bellwether(['predict', 'pickle', ...files])
    assert.match(here.stderr, /computed where the server says; to score a file, let the server answer: --record/)
    const { status, stderr } = await bellwether(['predict', 'pickle', '--record', ...files])
    assert.equal(status, 0, stderr)
    assert.match(readFileSync(join(folder, 'out.csv'), 'utf8'), /\n1,2\.5,.*3\.5.*\n0\.125,4,.*4\.125/)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    assert.match(metrics, /python_workers\{model="mlflow",version="1\.0\.0"\} 1\n/)
    assert.match(metrics, /python_rows_total\{model="pickle",version="1\.0\.0"\} 3\n/)

    const [worker] = workersOf(server.pid)
    assert.ok(worker !== undefined)
    await server.kill('SIGKILL')
    const again = await startServer({ data: server.data, env })
    try {
      assert.ok(!isRunning(worker), 'no worker outlives its server')
      assert.deepEqual(await outputsOf(again.url, 'pickle'), { prediction: 3.75 })
    } finally {
      await again.kill('SIGTERM')
    }
    assert.deepEqual(workersOf(again.pid), [])
  })
})

async function outputsOf(url: string, model: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/models/${model}/predict`, { method: 'POST', headers, body: '{"a":1.5,"b":2.25}' })
  return ((await answer.json()) as { outputs: unknown }).outputs
}

/** Processes that a server started and that run Python. */
function workersOf(server: number): readonly number[] {
  const all = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n')
  return all
    .map(line => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)!)
    .filter(([, , parent, args]) => Number(parent) === server && args!.includes('worker.py'))
    .map(([, pid]) => Number(pid))
}

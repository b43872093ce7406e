/** Training jobs and what they are good for: MLflow in them, the same once more, versions that came from them. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tinyModel } from '../journeys/model.ts'
import { bellwether } from '../server.ts'
import { MLFLOW_PYTHON, skipUnless } from '../services.ts'
import { artifact, folderOf, keptOf, server, sha256, type Told, trained } from './job-runs.ts'

interface Again extends Told {
  readonly isReproduced: boolean
  readonly differences: readonly string[]
  readonly compared: readonly {
    readonly kind: string
    readonly name: string
    readonly first?: string
    readonly again?: string
    readonly isSame: boolean
  }[]
}

interface Provenance {
  readonly buildDefinition: { readonly buildType: string; readonly resolvedDependencies: readonly object[] }
  readonly runDetails: { readonly metadata: { readonly invocationId: string } }
}

const TRAINING_JOB = 'urn:bellwether:training-job:1'

const AUTOLOGGED = `
import mlflow, os
mlflow.autolog()
from sklearn.linear_model import LogisticRegression
model = LogisticRegression(C=float(os.environ['BELLWETHER_PARAM_C']))
with mlflow.start_run() as run:
    model.fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    mlflow.log_metric('mine', 0.25)
    mlflow.log_artifact('train.py', 'code')
    print('run', run.info.run_id)
`

test("MLflow's own autologging lands in the same run", { skip: skipUnless('mlflow') }, async t => {
  const yaml = `name: autologged\ncommand: [${MLFLOW_PYTHON}, train.py]\nparameters: {C: 0.5, more: x}\nseed: 1\n`
  const { told, status, stderr } = await trained(folderOf(t, { 'job.yaml': yaml, 'train.py': AUTOLOGGED }))
  assert.equal(status, 0, stderr)
  const { params, metrics, status: kept } = await keptOf(told.run)
  assert.equal(kept, 'FINISHED')
  assert.equal(params['C'], '0.5')
  assert.equal(params['more'], 'x')
  assert.equal(params['solver'], 'lbfgs')
  assert.equal(metrics['mine'], 0.25)
  assert.ok(metrics['training_accuracy_score'] !== undefined)
  assert.match(await artifact(told.run, 'bellwether/log.txt'), new RegExp(`^run ${told.run}$`, 'm'))
  assert.equal(await artifact(told.run, 'code/train.py'), AUTOLOGGED)
  assert.match(await artifact(told.run, 'bellwether/packages.txt'), /^mlflow==3/m)
})

const MEASURED = `import os, mlflow
mlflow.log_metric('auc', 0.5 + int(os.environ.get('DRIFT', '0')) / 1000)
open('model.txt', 'w').write('model of ' + os.environ['BELLWETHER_SEED'])
`

test('a run done again: the same, then differences that are named', { skip: skipUnless('mlflow') }, async t => {
  const yaml = `name: again\ncommand: [${MLFLOW_PYTHON}, train.py]\nseed: 3\ndata: {train: a.csv}\noutputs: [model.txt]\nenvironment: {pass: [DRIFT]}\n`
  const folder = folderOf(t, { 'job.yaml': yaml, 'train.py': MEASURED, 'a.csv': '1\n' })
  const { url } = await server()
  const again = async (run: string, env: Readonly<Record<string, string>>, ...args: readonly string[]) => {
    const ended = await bellwether(['train', '--again', run, '--server', url, '--json', ...args], env)
    return { ...ended, told: (ended.stdout === '' ? {} : JSON.parse(ended.stdout)) as Again }
  }
  const first = await trained(folder, [], { DRIFT: '0' })
  assert.equal(first.status, 0, first.stderr)
  const { run } = first.told

  const same = await again(run, { DRIFT: '0' })
  assert.equal(same.status, 0, same.stderr)
  assert.equal(same.told.isReproduced, true)
  assert.deepEqual(
    same.told.compared.map(({ kind, name, isSame }) => [kind, name, isSame]),
    [
      ['metric', 'auc', true],
      ['output', 'model.txt', true],
    ],
  )
  const { tags } = await keptOf(same.told.run)
  assert.equal(tags['bellwether.job.again'], run)
  assert.equal(tags['bellwether.job.reproduced'], 'true')

  const drifted = await again(run, { DRIFT: '1' })
  assert.equal(drifted.status, 1)
  assert.deepEqual(
    drifted.told.compared.filter(({ isSame }) => !isSame).map(({ name, first: was, again: is }) => [name, was, is]),
    [['auc', '0.5', '0.501']],
  )
  const tolerated = await again(run, { DRIFT: '1' }, '--tolerance', '0.01')
  assert.equal(tolerated.status, 0, tolerated.stderr)

  writeFileSync(join(folder, 'a.csv'), '2\n')
  const refused = await again(run, { DRIFT: '0' })
  assert.equal(refused.status, 73)
  assert.match(
    (JSON.parse(refused.stderr) as { detail: string }).detail,
    /data\.train: was \w{12}, is \w{12} \(a\.csv has other/,
  )
  const anyway = await again(run, { DRIFT: '0' }, '--anyway')
  assert.equal(anyway.status, 0, anyway.stderr)
  assert.equal(anyway.told.differences.length, 1)
})

test('what a job wrote is registered, with where it came from, signed', async t => {
  const folder = folderOf(t, {
    'job.yaml':
      'name: registering\ncommand: cp "$BELLWETHER_DATA_SOURCE" made.json\ndata: {source: tiny.json}\noutputs: [made.json]\nregister: model.yaml\n',
    'model.yaml': 'name: from-job\nversion: 1.0.0\nartifact: made.json\n',
    'tiny.json': tinyModel(),
  })
  const { url } = await server()
  const { status, told, stderr } = await trained(folder)
  assert.equal(status, 0, stderr)
  const place = `${url}/models/from-job/versions/1.0.0/evidence`
  const { statements } = (await (await fetch(place)).json()) as {
    statements: { about: string; isBelieved: boolean; predicate: Provenance }[]
  }
  const [from] = statements.filter(({ predicate }) => predicate.buildDefinition?.buildType === TRAINING_JOB)
  assert.equal(from!.isBelieved, true)
  assert.equal(from!.about, 'provenance')
  assert.equal(from!.predicate.runDetails.metadata.invocationId, told.run)
  const digest = { sha256: sha256(tinyModel()) }
  assert.deepEqual(from!.predicate.buildDefinition.resolvedDependencies, [{ name: 'data source', digest }])

  const say = (run: string): Promise<Response> =>
    fetch(`${place}/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ run }),
    })
  const repeated = await say(told.run)
  assert.equal(repeated.status, 200)
  const other = await trained(folderOf(t, { 'job.yaml': 'name: other\ncommand: exit 0\n' }))
  const refused = await say(other.told.run)
  assert.equal(refused.status, 422)
  assert.match(await refused.text(), /none of its outputs has the SHA-256/)
  const missing = await say('0'.repeat(32))
  assert.equal(missing.status, 404)
})

/** Validation as its users meet it: commands, a server that holds the champion's place, models in Python, folds as scikit-learn's. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../src/math/random.ts'
import type { Report } from '../../src/training/validation/report.ts'
import { bellwether, type Ended, temporaryFolder, withServer } from '../server.ts'
import { PYTHON, skipUnless } from '../services.ts'

const EXAMPLE = fileURLToPath(new URL('../../examples/churn', import.meta.url))

function folderOf(t: TestContext): string {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The example's model.yaml under another version, with rules. */
function churn(folder: string, version: string, validation: string): string {
  const given = readFileSync(join(EXAMPLE, 'model.yaml'), 'utf8')
  const text = given
    .replace(/^version: .*$/m, `version: ${version}`)
    .replaceAll(/^(artifact|reference|evaluation): (.*)$/gm, (_, key, path) => `${key}: ${join(EXAMPLE, path)}`)
  const file = join(folder, `churn-${version}.yaml`)
  writeFileSync(file, `${text}\nvalidation: ${validation}\n`)
  return file
}

function reportOf({ stdout }: Ended): Report {
  return (JSON.parse(stdout) as { report: Report }).report
}

describe('on the command line', () => {
  test('a model.yaml is judged before it is registered', async t => {
    const folder = folderOf(t)
    const data = ['--data', join(folder, 'data')]
    const good = churn(folder, '1.0.0', '{metrics: {auc_roc: {minimum: 0.75}}}')
    const told = await bellwether(['validate', good, ...data])
    assert.equal(told.status, 0, told.stderr)
    assert.match(told.stdout, /^churn@1\.0\.0 passed: /)
    assert.match(told.stdout, /auc_roc is 0\.7958 \(0\.7698 to 0\.8196\); the lower end must be at least 0\.75/)
    assert.match(told.stdout, /Nothing is kept: churn@1\.0\.0 is not registered/)
    const strict = churn(folder, '1.0.1', '{metrics: {auc_roc: {minimum: 0.79}}}')
    const failed = await bellwether(['validate', strict, ...data, '--json'])
    assert.equal(failed.status, 1)
    const wrong = reportOf(failed).checks.filter(({ status }) => status === 'failed')
    assert.deepEqual(
      wrong.map(({ name, limit }) => [name, limit]),
      [['metrics.auc_roc.minimum', 0.79]],
    )
  })

  const refused: readonly (readonly [string, string, RegExp])[] = [
    [
      'a metric of another task',
      '{metrics: {rmse: {maximum: 1}}}',
      /validation\.metrics\.rmse is rmse, which does not exist for a binary model/,
    ],
    [
      'a metric that there is not',
      '{metrics: {auc: {minimum: 1}}}',
      /validation\.metrics\.auc is not a key of model\.yaml/,
    ],
    [
      'a limit below the other',
      '{metrics: {auc_roc: {minimum: 0.9, maximum: 0.8}}}',
      /minimum is 0\.9, more than the maximum 0\.8/,
    ],
    ['a column of slices that is not there', '{slices: {columns: [postcode]}}', /evaluation data: it lacks postcode/],
    ['a group that is not there', '{leaks: {group: customer}}', /it lacks customer/],
    [
      'a probe that there is not',
      '{leaks: {off: [leak]}}',
      /validation\.leaks\.off\[0\] is "leak", wanted one of targetCopy/,
    ],
  ]
  for (const [what, rules, message] of refused) {
    test(`${what} is refused`, async t => {
      const folder = folderOf(t)
      const ended = await bellwether(['validate', churn(folder, '1.0.0', rules), '--data', join(folder, 'data')])
      assert.equal(ended.status, 65, ended.stdout)
      assert.match(ended.stderr, message)
    })
  }

  test('a version that is none is a mistake of whoever types', async t => {
    const data = ['--data', folderOf(t)]
    assert.equal((await bellwether(['validate', 'churn', ...data])).status, 64)
    assert.equal((await bellwether(['validate', 'churn@1.0.0', ...data])).status, 66)
    assert.equal((await bellwether(['validate', 'nothing.yaml', ...data])).status, 66)
  })
})

for (const workers of [1, 2]) {
  test(`a server of ${workers === 1 ? 'one process' : 'two workers'} holds the place`, async t => {
    const folder = folderOf(t)
    await withServer({ args: workers === 1 ? [] : ['--workers', String(workers)] }, async ({ url }) => {
      const run = (...args: string[]): Promise<Ended> => bellwether([...args, '--server', url])
      const registered = await run('register', churn(folder, '1.0.0', '{}'))
      assert.match(registered.stdout, /Note: it becomes champion only after a passed validation/)
      const asked = await fetch(`${url}/models/churn/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      })
      assert.equal(asked.status, 404)
      assert.match(((await asked.json()) as { detail: string }).detail, /no version of it is champion yet/)
      const early = await run('alias', 'set', 'churn', 'champion', '1.0.0')
      assert.equal(early.status, 73)
      assert.match(early.stderr, /it has no validation; run: bellwether validate churn@1\.0\.0/)
      assert.equal((await run('validate', 'churn@1.0.0')).status, 0)
      assert.equal((await run('alias', 'set', 'churn', 'champion', '1.0.0')).status, 0)
      assert.match((await run('evidence', 'churn@1.0.0')).stdout, /^validation +believed .*passed$/m)
      await run('register', churn(folder, '1.1.0', '{comparison: {rule: better}}'))
      const same = await run('validate', 'churn@1.1.0', '--json')
      assert.equal(same.status, 1)
      const { comparison } = reportOf(same)
      assert.deepEqual([comparison?.against, comparison?.gain.value, comparison?.gain.pValue], ['churn@1.0.0', 0, 1])
      const late = await run('alias', 'set', 'churn', 'champion', '1.1.0')
      assert.match(late.stderr, /its validation failed: auc_roc is 0\.7958, that of churn@1\.0\.0 0\.7958/)
      const listed = await run('validations', 'churn@1.1.0')
      assert.match(listed.stdout, /failed +1 +0 +churn@1\.0\.0 +local/)
      assert.match((await run('validations', 'churn@1.1.0', '--report', 'latest')).stdout, /^churn@1\.1\.0 FAILED/)
      const changes = await run('ledger', 'query', '--kind', 'change', '--json')
      assert.match(changes.stdout, /model:validated/)
    })
  })
}

test('models of Python are judged as scikit-learn judges them', { skip: skipUnless('python') }, async t => {
  const folder = folderOf(t)
  const script = fileURLToPath(new URL('validate_models.py', import.meta.url))
  const made = spawnSync(PYTHON, [script, folder], { encoding: 'utf8' })
  assert.equal(made.status, 0, made.stderr)
  const wanted = JSON.parse(made.stdout) as Record<string, Record<string, number>>
  const data = ['--data', join(folder, 'data')]
  for (const [name, metrics] of Object.entries(wanted)) {
    const env = { BELLWETHER_PYTHON_COMMAND: PYTHON }
    const ended = await bellwether(['validate', join(folder, name, 'model.yaml'), ...data, '--json'], env)
    assert.equal(ended.status, 0, `${name}: ${ended.stderr}${ended.stdout}`)
    const report = reportOf(ended)
    for (const [metric, value] of Object.entries(metrics)) {
      const found = report.metrics[metric]!
      assert.ok(Math.abs(found.value - value) < 1e-9, `${name}: ${metric} is ${found.value}, wanted ${value}`)
      assert.ok(found.low <= value && value <= found.high, `${name}: ${metric} ${found.low} to ${found.high}`)
    }
    assert.deepEqual(report.slices.rows.map(({ slice }) => slice).sort(), ['north', 'south'])
    assert.ok(report.stress.rows.every(({ broken }) => broken === 0))
  }
})

test('rows are divided as scikit-learn divides them', { skip: skipUnless('python') }, async t => {
  const folder = folderOf(t)
  mkdirSync(folder, { recursive: true })
  const random = seededRandom(5)
  const rows = Array.from({ length: 300 }, () => {
    const label = ['no', 'yes', 'maybe'][Math.floor(random() ** 2 * 3)]
    const day = new Date(Date.UTC(2024, 0, 1) + Math.floor(random() * 1000) * 86_400_000).toISOString().slice(0, 10)
    return `${label},shop-${Math.floor(random() ** 2 * 14)},${day}`
  })
  const file = join(folder, 'rows.csv')
  writeFileSync(file, ['label,customer,asked', ...rows, ''].join('\n'))
  const script = fileURLToPath(new URL('split_rows.py', import.meta.url))
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['kfold', '-', []],
    ['kfold', '7', []],
    ['stratified', '-', ['--target', 'label']],
    ['stratified', '12', ['--target', 'label']],
    ['group', '-', ['--group', 'customer']],
    ['group', '3', ['--group', 'customer']],
    ['stratified-group', '-', ['--target', 'label', '--group', 'customer']],
    ['stratified-group', '5', ['--target', 'label', '--group', 'customer']],
    ['leave-one-group-out', '-', ['--group', 'customer']],
    ['time-series', '-', ['--time', 'asked', '--gap', '3']],
  ]
  for (const [way, seed, more] of cases) {
    const folds = join(folder, 'folds.csv')
    const seeded = seed === '-' ? [] : ['--seed', seed]
    const ended = await bellwether(['split', file, '--by', way, '--folds', '4', ...seeded, ...more, '-o', folds])
    assert.equal(ended.status, 0, ended.stderr)
    const compared = spawnSync(PYTHON, [script, file, folds, way, '4', seed], { encoding: 'utf8' })
    assert.equal(compared.status, 0, `${way} ${seed}: ${compared.stderr}`)
  }
})

test('what cannot be divided is told', async t => {
  const folder = folderOf(t)
  const file = join(folder, 'rows.csv')
  writeFileSync(file, 'label,asked\nyes,2024-01-01\nno,soon\nyes,2024-01-03\n')
  const out = ['-o', join(folder, 'folds.csv')]
  const told = async (...args: string[]): Promise<string> => (await bellwether(['split', file, ...args, ...out])).stderr
  assert.match(await told('--by', 'thirds'), /Cannot split by thirds: wanted kfold/)
  assert.match(await told('--by', 'stratified'), /--target is missing/)
  assert.match(await told('--by', 'kfold', '--group', 'label'), /it takes no --group/)
  assert.match(await told('--by', 'kfold', '--folds', '4'), /3 rows, wanted at least 4/)
  assert.match(await told('--by', 'time-series', '--time', 'asked', '--folds', '2'), /the column asked .* row 2/)
  assert.match(await told('--by', 'group', '--group', 'customer'), /it lacks customer/)
})

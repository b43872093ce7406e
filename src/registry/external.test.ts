/** Who may bring models that others compute, how they are run, and what their columns and answers are called. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ROLE_NAMES } from '../access/roles.ts'
import { readCsv } from '../data/csv.ts'
import { externalColumns, pythonOf, remoteArtifact, requireTrusted } from './external.ts'
import { outputsOf } from './infer.ts'
import type { Manifest } from './manifest.ts'
import { parseManifest } from './manifest.ts'
import { truthOf } from './measure.ts'
import type { Feature } from './signature.ts'
import { bytesOf, streamed } from './stumps.suite.ts'

const HEAD = { name: 'churn', version: '1.0.0' }

describe('who may', () => {
  const wishes: readonly (readonly [Partial<Manifest>, readonly string[]])[] = [
    [{}, ROLE_NAMES],
    [{ python: { workers: 2, requirements: ['numpy'] } }, ROLE_NAMES],
    [{ trust: 'code' }, ['admin']],
    [{ python: { command: 'python3.12' } }, ['admin']],
    [{ python: { environment: '/opt/venv' } }, ['admin']],
    [{ remote: { url: 'https://models.example', model: 'm' } }, ['admin']],
  ]
  for (const [wish, allowed] of wishes) {
    test(`${JSON.stringify(wish)}: ${allowed.length === 1 ? allowed[0] : 'whoever may register'}`, () => {
      for (const role of ROLE_NAMES) {
        const judge = (): void => requireTrusted({ ...HEAD, ...wish }, { roles: [role] })
        if (allowed.includes(role)) judge()
        else assert.throws(judge, { code: 'forbidden', message: /needs the permission model:trust/ })
      }
    })
  }
})

describe('how Python is run', () => {
  test('what is not said has a default; without python there is none', () => {
    assert.equal(pythonOf({ ...HEAD, trust: 'code' }, undefined, 'python3'), undefined)
    const python = { workers: 3, batch: { waitMs: 2 }, requirements: 'requirements.txt' }
    const settings = pythonOf({ ...HEAD, python }, 'numpy==2.0\n\nscipy\r\n', 'python3')
    assert.deepEqual(settings, {
      command: 'python3',
      trust: false,
      requirements: ['numpy==2.0', 'scipy'],
      workers: 3,
      threads: 1,
      timeoutMs: 10_000,
      startMs: 120_000,
      memoryMb: 2048,
      rowsMax: 4096,
      waitMs: 2,
    })
  })

  test('a program of its own needs trust', () => {
    const python = { environment: '/opt/venv/' }
    assert.equal(pythonOf({ ...HEAD, trust: 'code', python }, undefined, 'python3')?.command, '/opt/venv/bin/python')
    assert.throws(() => pythonOf({ ...HEAD, python }, undefined, 'python3'), {
      code: 'invalid',
      message: /trust: code/,
    })
  })
})

describe('model.yaml', () => {
  const parsed = (text: string): Manifest => parseManifest(`name: a\nversion: 1.0.0\n${text}`)
  test('what is behind another server has that description as its artifact', async () => {
    const text = 'name: a\nversion: 1.0.0\nremote: {model: m, url: https://models.example}\n'
    assert.equal(
      Buffer.from((await remoteArtifact(text))!).toString(),
      '{"remote":{"model":"m","url":"https://models.example"}}',
    )
    assert.equal(await remoteArtifact('name: a\nversion: 1.0.0\n'), undefined)
  })

  for (const [text, why] of [
    ['remote: {url: https://a, model: m}\nartifact: model.pkl\n', /remote is given beside artifact/],
    ['remote: {url: https://a, model: m}\npython: {}\n', /remote is given beside python/],
    ['remote: {url: https://a}\n', /remote\.model is missing/],
    ['remote: {url: "https://a b", model: m}\n', /remote\.url/],
    ['remote: {url: https://a, model: m, headers: {authorization: PATH}}\n', /remote\.headers\.authorization/],
    ['python: {command: a, environment: /b}\n', /python\.environment is given beside command/],
    ['python: {method: __reduce__}\n', /python\.method/],
    ['python: {memoryMb: 1}\n', /python\.memoryMb/],
    ['trust: everything\n', /trust is "everything", wanted one of code/],
  ] as const) {
    test(`refused: ${text.trim().replaceAll('\n', '; ')}`, () => {
      assert.throws(() => parsed(text), { code: 'invalid', message: why })
    })
  }
})

test('columns are typed as pandas would read them', async () => {
  const table = await readCsv(streamed(bytesOf('a,b,c,d,e,f\n1,0,true,1.5,x,1\n2,1,false,2,y,\n')), { what: 'data' })
  const feature = (name: string, type: Feature['type'], nullable = false): Feature => ({
    ...{ name, type, nullable, sensitive: false, protected: false },
    ...(type === 'string' ? { categories: ['x', 'y'] } : {}),
  })
  const inputs = [
    feature('a', 'integer'),
    feature('b', 'boolean'),
    feature('c', 'boolean'),
    feature('d', 'number'),
    feature('e', 'string'),
    feature('f', 'integer', true),
  ]
  const typesOf = (reference: typeof table | undefined): string[] =>
    externalColumns({ inputs, outputs: [] }, reference).map(({ type }) => type)
  assert.deepEqual(typesOf(table), ['int', 'int', 'bool', 'float', 'text', 'float'])
  assert.deepEqual(typesOf(undefined), ['int', 'bool', 'bool', 'float', 'text', 'float'])
})

test('each class, or each target, has an output of its own', () => {
  const artifact = { features: [], featureTypes: [], named: true, categories: [], answers: 'probability' } as const
  const names = (task: 'multiclass' | 'regression', classes: string[] | undefined, count: number): string[] => {
    const model = { ...artifact, task, ...(classes === undefined ? {} : { classes }) }
    return outputsOf(model, HEAD, count).map(({ name }) => name)
  }
  assert.deepEqual(names('multiclass', ['low', 'high', 'none'], 3), ['low', 'high', 'none'])
  assert.deepEqual(names('multiclass', undefined, 3), ['0', '1', '2'])
  assert.deepEqual(names('regression', undefined, 2), ['prediction_0', 'prediction_1'])
})

test('the names of the classes of a binary model are true values, too', async () => {
  const truth = async (csv: string): Promise<number[]> => {
    const table = await readCsv(streamed(bytesOf(csv)), { what: 'data' })
    return [...truthOf(table, 'left', { task: 'binary', classes: ['no', 'yes'] }, 'data')]
  }
  assert.deepEqual(await truth('left\nyes\nno\nyes\n'), [1, 0, 1])
  assert.deepEqual(await truth('left\n1\n0\n'), [1, 0])
  await assert.rejects(truth('left\nyes\nmaybe\n'), { code: 'invalid', message: /wanted 0 or 1/ })
  await assert.rejects(truth('left,x\nyes,1\n,1\n'), { code: 'invalid', message: /missing in 1 rows/ })
})

/**
 * The exercise that was recorded against MLServer, against us: the requests of the record as they are, and the stock clients doing
 * it all again. Where we answer otherwise than MLServer did, a table says why.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { tinyAnswer, tinyModel } from '../journeys/model.ts'
import { PYTHON, skipUnless } from '../services.ts'
import { type RunningApp, withApp } from '../serving/app.ts'

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** One line of the record. */
interface Recorded {
  readonly m: string
  readonly p: string
  readonly req: unknown
  readonly st: number
  readonly res: Readonly<Record<string, unknown>> | null
}

const RECORDED = readFileSync(file('mlserver-tritonclient.trace.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Recorded)

/** What we answer where MLServer did not know the path, or refused its own protocol. */
const OTHERWISE: Readonly<Record<string, number>> = {
  'GET /v2/models/m1/config': 200,
  'POST /v2/repository/index': 200, // MLServer wants a body, which the client does not send
  'GET /v2/models/m1/stats': 200,
  'GET /v2/trace/setting': 200,
}

/** The model of four inputs and one output that the exercise asks. */
async function register({ transport }: RunningApp): Promise<void> {
  const model = JSON.parse(tinyModel())
  const { learner } = model
  learner.feature_names = ['a', 'b', 'c', 'd']
  learner.feature_types = ['float', 'float', 'float', 'float']
  learner.learner_model_param.num_feature = '4'
  for (const tree of learner.gradient_booster.model.trees) tree.tree_param.num_feature = '4'
  const inputs =
    'inputs: [{name: a, type: number}, {name: b, type: number}, {name: c, type: number}, {name: d, type: number}]'
  const signature = `signature:\n  ${inputs}\n  output: {name: predict, type: number}\n`
  const body = new FormData()
  body.append('model', `name: m1\nversion: 1.0.0\nartifact: model.json\n${signature}`)
  body.append('artifact', new File([JSON.stringify(model)], 'model.json'))
  const answer = await transport({ method: 'POST', path: '/models/register', body })
  assert.equal(answer.status, 201, await answer.text())
}

const WANTED = tinyAnswer(0, 0)

function judgeValues(values: unknown, count: number): void {
  const list = values as readonly number[]
  assert.equal(list.length, count)
  for (const value of list) assert.ok(Math.abs(value - WANTED) < 1e-6, String(value))
}

test('the recorded requests are answered as MLServer did, or better', async () => {
  await withApp({}, async app => {
    await register(app)
    let replayed = 0
    for (const { m: method, p: path, req, st, res } of RECORDED) {
      // Of binary bodies the record has the number of bytes only: the clients send them below.
      if (typeof req === 'string') continue
      // Without a type, as the client sends it.
      const body = req === null ? {} : { body: Buffer.from(JSON.stringify(req)) }
      const answer = await fetch(app.url + path, { method, ...body })
      assert.equal(answer.status, OTHERWISE[`${method} ${path}`] ?? st, `${method} ${path}`)
      const told = await toldBy(answer)
      // Whatever MLServer told, we tell; beyond that, its metadata and ready paths are empty.
      if (st === 200 && res !== null)
        for (const key of Object.keys(res)) assert.ok(key in told || key === 'parameters', key)
      if (path.endsWith('/infer')) judgeInference(told, res!)
      replayed++
    }
    assert.equal(replayed, RECORDED.length - 2)
  })
})

/** Where a binary answer is asked for, we give it; MLServer passes over the wish. */
async function toldBy(answer: Response): Promise<Record<string, unknown>> {
  const bytes = Buffer.from(await answer.arrayBuffer())
  const length = answer.headers.get('inference-header-content-length')
  const told = JSON.parse(bytes.toString('utf8', 0, length === null ? bytes.length : Number(length)))
  if (length === null) return told
  const [output] = told.outputs
  const { binary_data_size: size } = output.parameters
  assert.equal(size, bytes.length - Number(length))
  output.data = Array.from({ length: size / 8 }, (_, at) => bytes.readDoubleLE(Number(length) + at * 8))
  return told
}

/** Ours are doubles where MLServer's classifier had whole numbers, and without its hint at NumPy. */
function judgeInference(told: Record<string, unknown>, theirs: Readonly<Record<string, unknown>>): void {
  assert.equal(told['model_name'], theirs['model_name'])
  const [own] = told['outputs'] as Record<string, unknown>[]
  const [other] = theirs['outputs'] as Record<string, unknown>[]
  assert.deepEqual([own!['name'], own!['shape']], [other!['name'], other!['shape']])
  assert.equal(own!['datatype'], 'FP64')
  judgeValues(own!['data'], (other!['data'] as unknown[]).length)
}

test('the clients do the exercise, also compressed', { skip: skipUnless('python') }, async () => {
  await withApp({ 'server.grpcPort': 0 }, async app => {
    await register(app)
    const address = new URL(app.url).host
    const { stdout } = await promisify(execFile)(PYTHON, [
      file('triton_exercise.py'),
      address,
      app.grpc,
      'm1',
      'predict',
    ])
    const steps = new Map(JSON.parse(stdout) as [string, unknown][])
    const of = (name: string): Record<string, unknown> => steps.get(name) as Record<string, unknown>
    for (const name of ['live', 'ready', 'model ready']) assert.equal(steps.get(name), true, name)
    for (const name of ['config', 'config of a version']) {
      assert.deepEqual([of(name)['name'], of(name)['max_batch_size']], ['m1', 10_000])
      assert.deepEqual(of(name)['output'], [{ name: 'predict', data_type: 'TYPE_FP64', dims: [1] }])
    }
    assert.deepEqual(steps.get('index'), [{ name: 'm1', version: '1.0.0', state: 'READY', reason: '' }])
    assert.equal(steps.get('load'), null)
    for (const name of ['trace', 'trace of a model', 'log']) assert.deepEqual(steps.get(name), {}, name)
    for (const name of ['shared memory', 'shared memory of a GPU']) assert.deepEqual(steps.get(name), [], name)
    assert.equal(of('set log')['status'], '405')
    assert.match(of('set log')['message'] as string, /^Cannot answer: POST is not for this path/)
    assert.deepEqual(steps.get('config of none'), {
      status: '404',
      message: 'Cannot find the model "none": it is not registered',
    })
    for (const name of ['infer', 'infer no outputs'])
      for (const binary of ['True', 'False']) judgeValues(steps.get(`${name}, binary ${binary}`), 2)
    for (const coding of ['gzip', 'deflate'])
      for (const binary of ['True', 'False']) judgeValues(steps.get(`${coding}, binary ${binary}`), 1)
    assert.deepEqual(steps.get('grpc live'), [true, true, true])
    judgeValues(steps.get('grpc infer'), 2)
    const grpc = ['metadata', 'config', 'index', 'server'].map(name => steps.get(`grpc ${name}`))
    assert.deepEqual(grpc, ['m1', 10_000, [{ name: 'm1', version: '1.0.0', state: 'READY' }], 'bellwether'])
  })
})

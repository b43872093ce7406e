/** Models behind other servers: a second Bellwether, and servers that fail in every way. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { ExternalColumn } from '../../src/predictor/external.ts'
import type { AwaitedPredictor } from '../../src/predictor/predictor.ts'
import type { DeclaredRemote } from '../../src/runtimes/remote-keys.ts'
import { openRuntimes } from '../../src/runtimes/runtimes.ts'
import { ask, withApp } from '../serving/app.ts'
import { surroundings } from './python.ts'

const YAML = (url: string): string => `name: mirror
version: 1.0.0
remote: {url: ${JSON.stringify(url)}, model: tiny, task: binary, inputs: {years: age}}
`

async function register(
  url: string,
  yaml: string,
  key?: string,
): Promise<{ status: number; body: Record<string, never> }> {
  const body = new FormData()
  body.append('model', yaml)
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const answer = await fetch(`${url}/models/register`, { method: 'POST', headers, body })
  return { status: answer.status, body: (await answer.json()) as Record<string, never> }
}

test('formats: remote: a tensor for each feature', async () => {
  await withApp({}, async other => {
    await other.register('tiny')
    await withApp({}, async app => {
      const { status, body } = await register(app.url, YAML(other.url))
      assert.equal(status, 201, JSON.stringify(body))
      const { facts, format, signature } = body['version'] as unknown as Record<string, Record<string, unknown>>
      assert.equal(format, 'remote')
      assert.equal(facts!['platform'], 'bellwether_xgboost_json')
      assert.match(String((body['notes'] as unknown as string[])[0]), /may change without a new version here/)
      assert.deepEqual(
        (signature!['inputs'] as { name: string }[]).map(({ name }) => name),
        ['years', 'tenure'],
      )
      const answers = await ask(`${app.url}/predict`, [
        { years: 42, tenure: 3 },
        { years: 20, tenure: null },
      ])
      assert.equal(answers.status, 200, JSON.stringify(answers.body))
      const found = (answers.body['predictions'] as { outputs: { mirror_probability: number } }[]).map(
        ({ outputs }) => outputs.mirror_probability,
      )
      const wanted = await ask(`${other.url}/predict`, [
        { age: 42, tenure: 3 },
        { age: 20, tenure: null },
      ])
      assert.deepEqual(
        found,
        (wanted.body['predictions'] as { outputs: Record<string, number> }[]).map(
          ({ outputs }) => Object.values(outputs)[0],
        ),
      )
      const [record] = (await app.records()).filter(({ kind }) => kind === 'prediction')
      assert.equal(record?.kind === 'prediction' && record.model, 'mirror')

      const wrong = await register(
        app.url,
        YAML(other.url).replace('years: age', 'years: edge').replace('1.0.0', '2.0.0'),
      )
      assert.equal(wrong.status, 422)
      assert.match(String(wrong.body['detail']), /it has no input edge, but age, tenure/)
      const missing = await register(
        app.url,
        YAML(other.url).replace('model: tiny', 'model: none').replace('1.0.0', '2.0.0'),
      )
      assert.match(String(missing.body['detail']), /it answers 404/)
    })
  })
})

test('who may register models may not for that make the server call another', async () => {
  await withApp({}, async app => {
    await app.key('admin')
    const secret = await app.key('scientist')
    const { status, body } = await register(app.url, YAML('http://127.0.0.1:9'), secret)
    assert.equal(status, 403)
    assert.match(String(body['detail']), /model:trust/)
    for (const url of ['file:///etc/passwd', 'http://user:word@example.com', 'ftp://x', 'http://x/?a']) {
      assert.equal((await register(app.url, YAML(url))).status, 401, 'nobody is asked without a key')
    }
  })
  await withApp({}, async app => {
    for (const url of ['file:///etc/passwd', 'http://user:word@example.com', 'ftp://x', 'http://x/?a']) {
      const { status, body } = await register(app.url, YAML(url))
      assert.equal(status, 422)
      assert.match(String(body['detail']), /remote\.url/)
    }
  })
})

const METADATA = {
  name: 'm',
  versions: ['1'],
  platform: 'test',
  inputs: [{ name: 'x', datatype: 'FP64', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
}
const COLUMNS: readonly ExternalColumn[] = ['a', 'b'].map(name => ({ name, type: 'float' }))

type Infer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

/** A server of another make: answers metadata, and to inferences as told. */
async function foreign(
  infer: Infer,
  use: (predictor: AwaitedPredictor, world: { readonly requests: () => number }) => Promise<void>,
  declared: Partial<DeclaredRemote> = {},
  {
    metadata = METADATA,
    extensions = [] as string[],
    environment = {} as Record<string, string>,
    columns = COLUMNS,
  } = {},
): Promise<void> {
  let requests = 0
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', piece => pieces.push(piece as Buffer))
    request.on('end', () => {
      if (request.url === '/v2') return void response.end(JSON.stringify({ extensions }))
      if (request.method === 'GET') return void response.end(JSON.stringify(metadata))
      requests++
      infer(request, response, Buffer.concat(pieces))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const runtimes = openRuntimes({ ...surroundings(), random: () => 0.5, environment })
    const described = await runtimes.describeRemote({ url, model: 'm', ...declared })
    const { predictor } = await described.open(columns)
    try {
      await use(predictor, { requests: () => requests })
    } finally {
      await predictor.close()
      await described.close()
    }
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

async function predicted(predictor: AwaitedPredictor, ...rows: number[]): Promise<number[]> {
  const out = new Float64Array(rows.length / 2)
  await predictor.predict(Float64Array.from(rows), out.length, out)
  return [...out]
}

/** Answers the sum of each row. */
const sums: Infer = (_, response, body) => {
  const { inputs } = JSON.parse(body.toString()) as { inputs: [{ data: number[]; shape: [number, number] }] }
  const [{ data, shape }] = inputs
  const answers = Array.from({ length: shape[0] }, (_, row) => [data[2 * row]! + data[2 * row + 1]!])
  response.end(JSON.stringify({ outputs: [{ name: 'y', datatype: 'FP64', shape: [shape[0], 1], data: answers }] }))
}

test('formats: remote: one tensor for all features', async () => {
  const seen: (string | undefined)[] = []
  const told: Infer = (request, response, body) => {
    seen.push(request.headers['x-key'] as string | undefined)
    sums(request, response, body)
  }
  const rows = Array.from({ length: 50 }, (_, at) => at)
  const wanted = Array.from({ length: 25 }, (_, at) => 4 * at + 1)
  const declared = { rowsMax: 7, headers: { 'x-key': 'BELLWETHER_REMOTE_TEST' } }
  const world = { environment: { BELLWETHER_REMOTE_TEST: 'secret' } }
  await foreign(
    told,
    async (predictor, { requests }) => {
      assert.deepEqual(await predicted(predictor, ...rows), wanted)
      assert.equal(requests(), 4)
      assert.deepEqual(new Set(seen), new Set(['secret']))
    },
    declared,
    world,
  )
  await assert.rejects(
    foreign(told, async () => {}, declared),
    { code: 'misconfigured', message: /BELLWETHER_REMOTE_TEST, which is not set/ },
  )
})

test('formats: remote: binary tensors', async () => {
  const binary: Infer = (request, response, body) => {
    const headBytes = Number(request.headers['inference-header-content-length'])
    const { inputs } = JSON.parse(body.subarray(0, headBytes).toString()) as { inputs: [{ shape: [number, number] }] }
    const count = inputs[0].shape[0]
    const answers = Buffer.alloc(4 * count)
    for (let row = 0; row < count; row++) {
      const [a, b] = [body.readDoubleLE(headBytes + 16 * row), body.readDoubleLE(headBytes + 16 * row + 8)]
      answers.writeFloatLE(Number.isNaN(a) ? -1 : a + b, 4 * row)
    }
    const output = { name: 'y', datatype: 'FP32', shape: [count, 1], parameters: { binary_data_size: answers.length } }
    const head = Buffer.from(JSON.stringify({ outputs: [output] }))
    response.setHeader('inference-header-content-length', head.length)
    response.end(Buffer.concat([head, answers]))
  }
  await foreign(
    binary,
    async predictor => assert.deepEqual(await predicted(predictor, 1, 2, Number.NaN, 0, 0.5, 0.25), [3, -1, 0.75]),
    {},
    { extensions: ['binary_tensor_data'] },
  )
})

test('what passes is asked again; what does not, is told', async () => {
  let failures = 2
  const flaky: Infer = (request, response, body) => {
    if (failures-- > 0) response.writeHead(503).end('later')
    else sums(request, response, body)
  }
  await foreign(flaky, async (predictor, { requests }) => {
    assert.deepEqual(await predicted(predictor, 1, 2), [3])
    assert.equal(requests(), 3)
  })
  const refusing: Infer = (_, response) => void response.writeHead(400).end('{"error":"x is too wide"}')
  await foreign(refusing, async (predictor, { requests }) => {
    await assert.rejects(predicted(predictor, 1, 2), { code: 'failed', message: /it answers 400: .*x is too wide/ })
    assert.equal(requests(), 1)
  })
  const silent: Infer = () => {}
  await foreign(
    silent,
    async (predictor, { requests }) => {
      await assert.rejects(predicted(predictor, 1, 2), { code: 'unavailable', message: /did not answer within 200 ms/ })
      assert.equal(requests(), 1)
    },
    { timeoutMs: 200 },
  )
  const elsewhere: Infer = (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
  await foreign(elsewhere, async predictor => {
    await assert.rejects(predicted(predictor, 1, 2), { code: 'failed', message: /it answers 302/ })
  })
  for (const [text, why] of [
    ['', /not JSON/],
    ['{"outputs":[]}', /no tensor y, but none/],
    ['{"outputs":[{"name":"y","data":[1,2,3]}]}', /3 numbers for 2 rows/],
    ['{"outputs":[{"name":"y","data":["a","b"]}]}', /holds "a"/],
    ['{"outputs":[{"name":"y","data":[1,2,3,4]}]}', /2 numbers a row, 1 were wanted/],
    [`{"a":"${'x'.repeat(1 << 18)}"}`, /more than \d+ bytes/],
  ] as const) {
    await foreign(
      (_, response) => void response.end(text),
      async predictor => {
        await assert.rejects(predicted(predictor, 1, 2, 3, 4), { code: 'failed', message: why })
      },
    )
  }
})

test('a server that is down is left alone for a while', async () => {
  const down: Infer = (_, response) => void response.writeHead(500).end()
  await foreign(down, async (predictor, { requests }) => {
    for (let at = 0; at < 5; at++)
      await assert.rejects(predicted(predictor, 1, 2), { code: 'unavailable', message: /500/ })
    await assert.rejects(predicted(predictor, 1, 2), { code: 'unavailable', message: /left alone for a while/ })
    assert.equal(requests(), 5)
    assert.match(predictor.fault!()!, /left alone/)
  })
})

interface Sent {
  readonly inputs: readonly {
    readonly name: string
    readonly shape: number[]
    readonly datatype: string
    readonly data: unknown[]
  }[]
}

test('formats: remote: numbers, whole numbers, truths and texts', async () => {
  const typed = ['FP32', 'INT64', 'BOOL', 'BYTES'].map((datatype, at) => ({ name: `t${at}`, datatype, shape: [-1] }))
  const columns: ExternalColumn[] = typed.map(({ name, datatype }) => ({
    name,
    ...(datatype === 'BYTES' ? { type: 'text', categories: ['x', 'ü'] } : { type: 'float' }),
  }))
  let sent: Sent | undefined
  const keep: Infer = (_, response, body) => {
    sent = JSON.parse(body.toString()) as Sent
    response.end('{"outputs":[{"name":"y","datatype":"INT64","shape":[2],"data":[7,8]}]}')
  }
  const world = { metadata: { ...METADATA, inputs: typed }, columns }
  await foreign(
    keep,
    async predictor => {
      const out = new Float64Array(2)
      await predictor.predict(Float64Array.of(1.5, 3, 1, 1, Number.NaN, Number.NaN, 0, 0), 2, out)
      assert.deepEqual([...out], [7, 8])
      assert.deepEqual(
        sent?.inputs.map(({ shape, data }) => [shape, data]),
        [
          [[2], [1.5, null]],
          [[2], [3, null]],
          [[2], [true, false]],
          [[2], ['ü', 'x']],
        ],
      )
      const half = predictor.predict(Float64Array.of(1, 0.5, 0, 0), 1, out)
      await assert.rejects(half, { code: 'invalid', message: /t1 is 0\.5, and its tensor takes INT64/ })
    },
    {},
    world,
  )
})

/** Answers so many numbers a row: the sum of the row, and what is left to 1. */
const shares: Infer = (_, response, body) => {
  const { inputs } = JSON.parse(body.toString()) as Sent
  const data = (inputs[0]!.data as number[]).flatMap((value, at, all) =>
    at % 2 === 1 ? [] : [1 - (value + all[at + 1]!), value + all[at + 1]!],
  )
  response.end(JSON.stringify({ outputs: [{ name: 'y', datatype: 'FP64', shape: [data.length / 2, 2], data }] }))
}

test('formats: remote: probabilities of two classes, of several, and several numbers', async () => {
  const open = { metadata: { ...METADATA, outputs: [{ name: 'y', datatype: 'FP64', shape: [-1, -1] }] } }
  for (const world of [
    { metadata: { ...METADATA, outputs: [{ name: 'y', datatype: 'FP64', shape: [-1, 2] }] } },
    open,
  ]) {
    await foreign(
      shares,
      async predictor => assert.deepEqual(await predicted(predictor, 0.25, 0.5, 0, 0.125), [0.75, 0.125]),
      { task: 'binary' },
      world,
    )
    const both = async (predictor: AwaitedPredictor): Promise<void> => {
      assert.equal(predictor.outputCount, 2)
      const out = new Float64Array(2)
      await predictor.predict(Float64Array.of(0.25, 0.5), 1, out)
      assert.deepEqual([...out], [0.25, 0.75])
    }
    await foreign(shares, both, { task: 'multiclass', classes: ['no', 'yes'] }, world)
    await foreign(shares, both, {}, world)
  }
})

test('formats: remote: tensors of other shapes and kinds', async () => {
  const refused = async (change: object, why: RegExp, declared: Partial<DeclaredRemote> = {}): Promise<void> => {
    const opened = foreign(sums, async () => {}, declared, { metadata: { ...METADATA, ...change } })
    await assert.rejects(opened, { code: 'invalid', message: why })
  }
  const [input, output] = [METADATA.inputs[0]!, METADATA.outputs[0]!]
  await refused({ inputs: [{ ...input, shape: [-1, 8, 8] }] }, /x has 3 dimensions/)
  await refused({ inputs: [{ ...input, datatype: 'FP8' }] }, /datatype FP8, which is not known/)
  await refused({ inputs: [{ ...input, datatype: 'FP16' }] }, /FP16/, { encoding: 'binary' })
  await refused({ outputs: [{ ...output, datatype: 'BYTES' }] }, /y is of texts/)
  await refused({ outputs: [{ ...output, shape: [-1, 3] }] }, /3 numbers a row, one or two/, { task: 'binary' })
  await refused({}, /no output z, but y/, { output: 'z' })
  await refused({ inputs: [] }, /no inputs or no outputs/)
  await refused({ outputs: 'y' }, /no inputs or no outputs/)
})

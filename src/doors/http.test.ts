import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { ProblemDocument } from '../errors.ts'
import { isUuid7 } from '../platform/ids.ts'
import { openSpecimen, type SpecimenDoor } from './http-specimen.suite.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const ALL = { authorization: 'Bearer all' }

let specimen: SpecimenDoor
before(async () => {
  specimen = await openSpecimen()
})
after(() => specimen.door.close(1_000))

function call(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
  return fetch(specimen.url + path, { ...init, headers: { ...ALL, ...init.headers } })
}

async function problemOf(response: Response): Promise<ProblemDocument> {
  assert.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  const document = (await response.json()) as ProblemDocument
  assert.equal(document.status, response.status)
  assert.equal(document.requestId, response.headers.get('x-request-id'))
  return document
}

/** Sends bytes as they are and returns all that comes back until the connection ends. */
function raw(port: number, text: string, more?: (write: (text: string) => void) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(text)
      more?.(next => void socket.write(next))
    })
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
    })
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
}

describe('an ordinary route', () => {
  it('gets parameters and query converted and checked', async () => {
    const response = await call('/things/caf%C3%A9?limit=5&deep=true')
    assert.equal(response.status, 200)
    assert.deepEqual(await response.json(), {
      params: { name: 'café' },
      query: { limit: 5, deep: true },
      actor: 'key:1',
      source: '127.0.0.1',
    })
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.match(response.headers.get('content-security-policy')!, /default-src 'none'/)
    assert.ok(isUuid7(response.headers.get('x-request-id')!))
  })

  it('names every wrong part of a query', async () => {
    const { status, errors } = await problemOf(await call('/things/a?limit=0&deep=maybe&limt=3'))
    assert.equal(status, 422)
    assert.deepEqual(errors!.map(({ field }) => field).sort(), ['deep', 'limit', 'limt'])
    for (const query of ['limit=true', 'limit=', 'limit=0x10', 'limit=1&limit=2', 'deep=1', 'deep=yes']) {
      assert.equal((await call(`/things/a?${query}`)).status, 422, query)
    }
  })

  it('checks a JSON body and names every wrong field', async () => {
    const send = (body: unknown) => call('/things', { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) })
    const created = await send({ name: 'ab', sizes: [{ of: 1 }], colour: 'red' })
    assert.equal(created.status, 201)
    assert.equal(created.headers.get('location'), '/things/x')
    const { status, code, errors } = await problemOf(await send({ sizes: [{ of: 1.5 }, {}], colour: 'green', huge: 1 }))
    assert.deepEqual([status, code], [422, 'invalid'])
    assert.deepEqual(errors, [
      { field: 'name', problem: 'is missing' },
      { field: 'huge', problem: 'is not known' },
      { field: 'sizes[0].of', problem: 'must be integer' },
      { field: 'sizes[1].of', problem: 'is missing' },
      { field: 'colour', problem: 'must be "red" or must be "blue"' },
    ])
  })

  it('takes no body, an empty body or JSON, as its schema says', async () => {
    assert.deepEqual(await (await call('/maybe', { method: 'POST' })).json(), { got: 'nothing' })
    assert.deepEqual(await (await call('/maybe', { method: 'POST', headers: JSON_TYPE, body: '{"a":1}' })).json(), {
      got: { a: 1 },
    })
    assert.equal((await call('/maybe', { method: 'POST', headers: JSON_TYPE, body: '{"a":"x"}' })).status, 422)
    const refused = await problemOf(await call('/things/a', { method: 'DELETE', headers: JSON_TYPE, body: '{}' }))
    assert.match(refused.detail, /it has a body, DELETE of this path takes none/)
    assert.equal(refused.status, 400)
  })

  const refusals: readonly (readonly [string, RequestInit & { headers?: Record<string, string> }, number, string])[] = [
    ['/things', { method: 'POST', headers: JSON_TYPE, body: '{' }, 400, 'malformed'],
    ['/things', { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'a,b' }, 415, 'unsupported_type'],
    ['/things', { method: 'POST', headers: JSON_TYPE, body: '"'.padEnd(2_000) }, 413, 'too_large'],
    ['/things', { method: 'POST', headers: JSON_TYPE, body: new Uint8Array([0x22, 0xff, 0x22]) }, 400, 'malformed'],
    ['/things/a', { headers: { authorization: 'Bearer x:write' } }, 403, 'forbidden'],
    ['/nothing', {}, 404, 'not_found'],
    ['/things/a/b', {}, 404, 'not_found'],
    ['/%zz', {}, 400, 'malformed'],
  ]
  for (const [path, init, status, code] of refusals) {
    it(`answers ${init.method ?? 'GET'} ${path} with ${status} ${code}`, async () => {
      const problem = await problemOf(await call(path, init))
      assert.deepEqual([problem.status, problem.code], [status, code])
    })
  }

  it('tells who may not come in what is missing, and reads no body of theirs', async () => {
    const response = await fetch(`${specimen.url}/things`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: '{"name":"ab"}',
    })
    assert.equal(response.status, 401)
    assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="bellwether"')
    assert.equal((await fetch(`${specimen.url}/open`)).status, 200)
  })

  it('answers a method it does not take with 405 and those it takes', async () => {
    const response = await call('/things/a', { method: 'PUT' })
    assert.equal((await problemOf(response)).code, 'method_not_allowed')
    assert.equal(response.headers.get('allow'), 'DELETE, GET, HEAD')
    assert.equal((await call('/invoke')).headers.get('allow'), 'POST')
    assert.equal((await call('/things', { method: 'OPTIONS' })).status, 405)
  })

  it('answers HEAD as GET without the body', async () => {
    const response = await call('/things/a', { method: 'HEAD' })
    assert.equal(response.status, 200)
    assert.ok(Number(response.headers.get('content-length')) > 20)
    assert.equal(await response.text(), '')
  })

  it('logs a fault of ours once, with the id that the caller is told, and tells nothing of it', async () => {
    specimen.logged.length = 0
    const problem = await problemOf(await call('/fault', { headers: { 'x-request-id': 'abc-1' } }))
    assert.deepEqual([problem.status, problem.code, problem.requestId], [500, 'failed', 'abc-1'])
    assert.ok(!JSON.stringify(problem).includes('secret'))
    assert.equal(specimen.logged.length, 1)
    assert.equal((specimen.logged[0] as { requestId: string }).requestId, 'abc-1')
  })

  it('keeps a request id that is fit to be kept and replaces one that is not', async () => {
    for (const [given, isKept] of [
      ['a-B_1.2:3/4@5', true],
      ['x'.repeat(128), true],
      ['x'.repeat(129), false],
      ['a b', false],
      ['a"b', false],
    ] as const) {
      const response = await call('/open', { headers: { 'x-request-id': given } })
      assert.equal(response.headers.get('x-request-id') === given, isKept, given)
    }
  })
})

describe('a multipart route', () => {
  const upload = (path: string, form: FormData) => call(path, { method: 'POST', body: form })
  const form = (parts: Record<string, string | Blob>): FormData => {
    const data = new FormData()
    for (const [name, part] of Object.entries(parts)) data.append(name, part as string)
    return data
  }

  it('hands over the parts in the order sent', async () => {
    const response = await upload(
      '/uploads',
      form({ a: 'one', f: new File(['x'.repeat(100_000)], 'big.csv'), b: 'two' }),
    )
    assert.deepEqual(await response.json(), { parts: ['a=one', 'f:big.csv:100000', 'b=two'] })
  })

  it('lets a handler skip files', async () => {
    const parts = { f: new File(['x'.repeat(150_000)], 'f'), g: new File(['y'.repeat(10_000)], 'g'), last: 'z' }
    assert.deepEqual(await (await upload('/uploads/skip', form(parts))).json(), { names: ['f', 'g', 'last'] })
  })

  it('refuses what is too large while it arrives', async () => {
    const response = await upload('/uploads', form({ f: new File(['x'.repeat(300_000)], 'f') }))
    assert.equal((await problemOf(response)).code, 'too_large')
  })

  it('refuses what is no multipart body, or one that is cut', async () => {
    assert.equal((await call('/uploads', { method: 'POST', headers: JSON_TYPE, body: '{}' })).status, 415)
    const type = { 'content-type': 'multipart/form-data; boundary=B' }
    const cut = '--B\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n\r\nabc'
    assert.equal(
      (await problemOf(await call('/uploads', { method: 'POST', headers: type, body: cut }))).code,
      'malformed',
    )
    assert.equal(
      (await call('/uploads', { method: 'POST', headers: { 'content-type': 'multipart/form-data' }, body: 'x' }))
        .status,
      415,
    )
  })
})

describe('an invocation', () => {
  const cases: readonly (readonly [
    name: string,
    init: RequestInit & { headers?: Record<string, string> },
    status: number,
    met: string,
  ])[] = [
    ['JSON', { headers: JSON_TYPE, body: '{"a":1}' }, 200, 'ok:{"a":1}'],
    [
      'JSON of another name',
      { headers: { 'content-type': 'application/vnd.x+json; charset=UTF-8' }, body: '[]' },
      200,
      'ok:[]',
    ],
    [
      'what curl -d sends',
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: '{"a":1}' },
      200,
      'ok:{"a":1}',
    ],
    [
      'a form',
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' },
      415,
      'unsupported_type',
    ],
    [
      'another charset',
      { headers: { 'content-type': 'application/json; charset=utf-16' }, body: '{}' },
      415,
      'unsupported_type',
    ],
    ['text', { headers: { 'content-type': 'text/plain' }, body: '{}' }, 415, 'unsupported_type'],
    ['no UTF-8', { headers: JSON_TYPE, body: new Uint8Array([0x22, 0xc0, 0x22]) }, 400, 'malformed'],
    ['too much', { headers: JSON_TYPE, body: ' '.repeat(3_000) }, 413, 'too_large'],
    ['far too much', { headers: JSON_TYPE, body: ' '.repeat(30_000) }, 413, 'too_large'],
    ['no key', { headers: { ...JSON_TYPE, authorization: '' }, body: '{}' }, 403, 'forbidden'],
    ['a key that may not', { headers: { ...JSON_TYPE, authorization: 'Bearer other' }, body: '{}' }, 403, 'forbidden'],
    ['a fault', { headers: JSON_TYPE, body: '{"fault":1}' }, 500, 'fault'],
  ]
  for (const [name, init, status, met] of cases) {
    it(`reaches the journey whatever it brings: ${name}`, async () => {
      specimen.invoked.length = 0
      const response = await call('/invoke', { method: 'POST', ...init })
      assert.equal(response.status, status)
      assert.deepEqual(specimen.invoked, [met])
      if (status !== 200) await problemOf(response)
    })
  }

  it('gets a body without a type, as Triton\u2019s client sends it, and the parameters of its path', async () => {
    const head = 'POST /things/a%20b/invoke HTTP/1.1\r\nhost: x\r\nauthorization: Bearer all\r\nconnection: close\r\n'
    const answer = await raw(specimen.port, `${head}content-length: 2\r\n\r\n{}`)
    assert.match(answer, /^HTTP\/1.1 200 OK\r\n/)
    assert.match(answer, /"params":\{"name":"a b"\}/)
  })

  it('tells problems in the shape of its own protocol', async () => {
    const response = await call('/own/infer', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' })
    assert.equal(response.status, 415)
    assert.deepEqual(Object.keys((await response.json()) as object), ['error'])
  })

  it('meets a body that never comes whole as a timeout', async () => {
    const slow = await openSpecimen({ requestTimeoutMs: 100 })
    const head = 'POST /invoke HTTP/1.1\r\nhost: x\r\nauthorization: Bearer all\r\ncontent-type: application/json\r\n'
    const answer = await raw(slow.port, `${head}content-length: 10\r\n\r\n{"a"`)
    assert.match(answer, /^HTTP\/1.1 408 Request Timeout\r\n/)
    assert.match(answer, /connection: close/i)
    assert.deepEqual(slow.invoked, ['timeout'])
    await slow.door.close(1_000)
  })

  it('meets a caller that hangs up as a body that cannot be read', async () => {
    specimen.invoked.length = 0
    const head = 'POST /invoke HTTP/1.1\r\nhost: x\r\nauthorization: Bearer all\r\ncontent-type: application/json\r\n'
    const socket = connect(specimen.port, '127.0.0.1').resume()
    socket.write(`${head}content-length: 10\r\n\r\n{"a"`, () => socket.end())
    await new Promise(resolve => socket.on('close', resolve))
    assert.deepEqual(specimen.invoked, ['malformed'])
  })
})

describe('the door under load and at its end', () => {
  it('refuses what is more than it takes at once, and says when to come again', async () => {
    const busy = await openSpecimen({ concurrencyMax: 2 })
    const post = () => fetch(`${busy.url}/wait`, { method: 'POST', headers: { ...ALL, ...JSON_TYPE }, body: '{}' })
    const taken = [post(), post()]
    while (busy.waiting() < 2) await new Promise(resolve => setImmediate(resolve))
    const refused = await post()
    assert.equal(refused.status, 503)
    assert.equal((await problemOf(refused)).code, 'overloaded')
    assert.equal(refused.headers.get('retry-after'), '1')
    assert.equal((await fetch(`${busy.url}/open`)).status, 200, 'what is only read is answered')
    busy.letGo()
    for (const response of await Promise.all(taken)) assert.equal(response.status, 200)
    assert.deepEqual(busy.invoked, ['overloaded', 'ok:{}', 'ok:{}'], 'also the refused one reached the journey')
    await busy.door.close(1_000)
  })

  it('finishes what it accepted, refuses what still comes on open connections, and takes no new ones', async () => {
    const ending = await openSpecimen()
    const head = (path: string) =>
      `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer all\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{`
    const accepted = raw(ending.port, `${head('/wait')}}`)
    while (ending.waiting() === 0) await new Promise(resolve => setImmediate(resolve))
    let send: (text: string) => void = () => {}
    const late = raw(ending.port, head('/invoke'), write => {
      send = write
    })
    // The half of it that is there is read before the answer to what came after it.
    assert.equal((await fetch(`${ending.url}/open`)).status, 200)
    const closed = ending.door.close(5_000)
    send('}')
    assert.match(await late, /^HTTP\/1.1 503 .*connection: close/is)
    assert.deepEqual(ending.invoked, ['unavailable'])
    ending.letGo()
    await closed
    const answer = await accepted
    assert.match(answer, /^HTTP\/1.1 200 OK\r\n/)
    assert.match(answer, /connection: close/i)
    assert.deepEqual(ending.invoked, ['unavailable', 'ok:{}'])
    await assert.rejects(fetch(`${ending.url}/open`))
  })

  it('cuts off what has not finished in time', async () => {
    const ending = await openSpecimen()
    const stuck = fetch(`${ending.url}/wait`, { method: 'POST', headers: { ...ALL, ...JSON_TYPE }, body: '{}' })
    const failed = assert.rejects(stuck)
    while (ending.waiting() === 0) await new Promise(resolve => setImmediate(resolve))
    await ending.door.close(50)
    await failed
    ending.letGo()
  })

  it('says which port is taken and how to choose another', async () => {
    const wanted = { code: 'conflict', message: new RegExp(`port ${specimen.port}; choose another with --port`) }
    await assert.rejects(openSpecimen({}, specimen.port), wanted)
  })
})

describe('what is not HTTP', () => {
  const cases: readonly (readonly [name: string, text: string, status: number])[] = [
    ['no request line', 'hello\r\n\r\n', 400],
    ['a bad header', 'GET / HTTP/1.1\r\nbad header\r\n\r\n', 400],
    ['two lengths', 'POST /invoke HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx', 400],
    [
      'length and chunks',
      'POST /invoke HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['huge headers', `GET / HTTP/1.1\r\nhost: x\r\na: ${'b'.repeat(20_000)}\r\n\r\n`, 431],
  ]
  for (const [name, text, status] of cases) {
    it(`is answered with a problem: ${name}`, async () => {
      const answer = await raw(specimen.port, text)
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
      const document = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as ProblemDocument
      assert.equal(document.status, status)
    })
  }
})

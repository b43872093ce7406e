import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import type { Answer } from '../route.ts'
import type { Collected } from './http-body.ts'
import { codingFor, decode, encoded } from './http-encoding.ts'
import { openSpecimen, type SpecimenDoor } from './http-specimen.suite.ts'

const LIMITS = { bytesMax: 100_000 }

function decoded(bytes: Buffer, encoding: string | undefined, arriving = { bytes: 0 }): Promise<Collected> {
  return new Promise(resolve =>
    decode({ bytes, problem: undefined, isCut: false }, encoding, LIMITS, arriving, resolve),
  )
}

async function codeOf(bytes: Buffer, encoding: string, arriving = { bytes: 0 }): Promise<string | undefined> {
  const { problem, bytes: left } = await decoded(bytes, encoding, arriving)
  assert.equal(left.length, 0)
  return problem?.code
}

describe('decode', () => {
  it('gives back what was encoded, whichever way', async () => {
    const ways = { gzip: gzipSync, 'X-GZIP': gzipSync, deflate: deflateSync, ' deflate ': deflateRawSync }
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 60_000 }),
        fc.constantFrom(...Object.entries(ways)),
        async (array, way) => {
          const [encoding, encode] = way
          const arriving = { bytes: 7 }
          const { bytes, problem } = await decoded(encode(array), encoding, arriving)
          assert.equal(problem, undefined)
          assert.ok(bytes.equals(array))
          assert.equal(arriving.bytes, 7, 'it arrives no more')
        },
      ),
      { numRuns: 40 },
    )
  })

  it('leaves alone what is not encoded', async () => {
    const bytes = Buffer.from('{}')
    for (const encoding of [undefined, '', 'identity', 'Identity'])
      assert.equal((await decoded(bytes, encoding)).bytes, bytes)
    assert.equal((await decoded(Buffer.alloc(0), 'gzip')).problem, undefined)
  })

  it('stops at the limit of a body, whatever is behind it', async () => {
    const arriving = { bytes: 0 }
    const whole = Buffer.alloc(LIMITS.bytesMax)
    assert.equal((await decoded(gzipSync(whole), 'gzip', arriving)).bytes.length, whole.length)
    const bomb = gzipSync(Buffer.alloc(200_000_000))
    assert.ok(bomb.length < 200_000)
    assert.equal(await codeOf(bomb, 'gzip', arriving), 'too_large')
    assert.equal(arriving.bytes, 0)
  })

  it('takes no part in a crowd that fills the memory', async () => {
    const arriving = { bytes: 268_435_450 }
    assert.equal(await codeOf(gzipSync(Buffer.alloc(1_000)), 'gzip', arriving), 'overloaded')
    assert.equal(arriving.bytes, 268_435_450)
  })

  it('refuses what is broken, and codings that it does not know', async () => {
    const whole = gzipSync('{"age":42}')
    assert.equal(await codeOf(whole.subarray(0, -5), 'gzip'), 'malformed')
    assert.equal(await codeOf(Buffer.from('{"age":42}'), 'gzip'), 'malformed')
    assert.equal(await codeOf(Buffer.from('{"age":42}'), 'deflate'), 'malformed')
    const twice = await decoded(whole, 'gzip, gzip')
    assert.equal(twice.problem?.code, 'unsupported_type')
    assert.deepEqual(twice.problem.headers, { 'accept-encoding': 'gzip, deflate' })
    assert.equal(await codeOf(whole, 'br'), 'unsupported_type')
  })
})

describe('codingFor', () => {
  const long: Answer = { text: 'a'.repeat(8_192) }

  it('goes by what the caller takes, and how gladly', () => {
    const wanted: readonly (readonly [string | undefined, string | undefined])[] = [
      [undefined, undefined],
      ['gzip', 'gzip'],
      ['gzip, deflate, br', 'gzip'],
      ['deflate', 'deflate'],
      ['gzip;q=0.1, deflate; q=0.5', 'deflate'],
      ['gzip;q=0', undefined],
      ['*', 'gzip'],
      ['*;q=0', undefined],
      ['gzip;q=0, *', 'deflate'],
      ['identity', undefined],
      ['', undefined],
      ['gzip;q=x', undefined],
    ]
    for (const [accepted, coding] of wanted) assert.equal(codingFor(long, accepted), coding, accepted)
  })

  it('leaves short answers as they are', () => {
    assert.equal(codingFor({ text: '{}' }, 'gzip'), undefined)
    assert.equal(codingFor({ status: 404, body: { error: 'a' } }, 'gzip'), undefined)
    assert.equal(codingFor({ bytes: Buffer.alloc(8_192) }, 'gzip'), 'gzip')
  })

  it('is what the answer then comes in', async () => {
    const answer = { ...long, status: 200, headers: { a: 'b' } }
    const gzipped = await encoded(answer, 'gzip')
    assert.deepEqual(gzipped.headers, { a: 'b', 'content-encoding': 'gzip' })
    assert.equal(gzipped.text, undefined)
    assert.equal(gunzipSync(gzipped.bytes!).toString(), long.text)
    assert.equal(inflateSync((await encoded(answer, 'deflate')).bytes!).toString(), long.text)
  })
})

describe('through the door', () => {
  let specimen: SpecimenDoor
  before(async () => {
    specimen = await openSpecimen({ bodyBytesMax: 20_000 })
  })
  after(() => specimen.door.close(1_000))

  function post(path: string, body: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const own = { authorization: 'Bearer all', 'content-type': 'application/json', 'content-encoding': 'gzip' }
    return fetch(specimen.url + path, { method: 'POST', headers: { ...own, ...headers }, body: new Uint8Array(body) })
  }

  it('invocations and ordinary routes get the body as it was', async () => {
    const invoked = await post('/invoke', gzipSync('{"age":42}'))
    assert.equal(((await invoked.json()) as { text: string }).text, '{"age":42}')
    assert.equal(invoked.headers.get('content-encoding'), null, 'a short answer is not compressed')
    const made = await post('/things', gzipSync('{"name":"ann"}'))
    assert.deepEqual([made.status, await made.json()], [201, { name: 'ann' }])
  })

  it('a bomb is refused, and recorded, like any body that is too large', async () => {
    const before = specimen.invoked.length
    const bomb = gzipSync(Buffer.alloc(5_000_000))
    for (const path of ['/invoke', '/own/infer', '/things']) assert.equal((await post(path, bomb)).status, 413, path)
    assert.deepEqual(specimen.invoked.slice(before), ['too_large', 'too_large'])
    const brotli = await post('/own/infer', bomb, { 'content-encoding': 'br' })
    assert.deepEqual([brotli.status, brotli.headers.get('accept-encoding')], [415, 'gzip, deflate'])
    assert.match(((await brotli.json()) as { error: string }).error, /Content-Encoding is br/)
  })

  it('long answers are compressed for who takes them', async () => {
    const long = `"${'a'.repeat(10_000)}"`
    for (const coding of ['gzip', 'deflate', 'identity']) {
      const answer = await post('/invoke', gzipSync(long), { 'accept-encoding': coding })
      assert.equal(answer.headers.get('content-encoding'), coding === 'identity' ? null : coding)
      assert.equal(((await answer.json()) as { text: string }).text, long)
    }
  })

  it('what is not there is told in the shape of the protocol that has the path', async () => {
    const own = await fetch(`${specimen.url}/own/nothing`)
    assert.deepEqual([own.status, Object.keys((await own.json()) as object)], [404, ['error']])
    const method = await fetch(`${specimen.url}/own/infer`)
    assert.deepEqual([method.status, method.headers.get('allow')], [405, 'POST'])
    assert.match(((await method.json()) as { error: string }).error, /GET is not for this path/)
    const ours = await fetch(`${specimen.url}/things/a/b/c`)
    assert.equal(ours.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  })
})

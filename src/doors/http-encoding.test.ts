import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import type { Answer } from '../route.ts'
import type { Collected } from './http-body.ts'
import { codingFor, decode, encoded } from './http-encoding.ts'

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

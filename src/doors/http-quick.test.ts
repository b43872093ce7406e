/** Nobody can tell by which way a request was answered, however its bytes arrive. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { openSpecimen, type SpecimenDoor } from './http-specimen.suite.ts'

let specimen: SpecimenDoor
before(async () => {
  specimen = await openSpecimen({ headerTimeoutMs: 400, bodyBytesMax: 200_000 })
})
after(() => specimen.door.close(1_000))

interface Told {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** Writes each piece once the one before has gone, and reads so many answers. */
function exchange(pieces: readonly string[], answers: number, ends = false): Promise<Told[]> {
  return new Promise((resolve, reject) => {
    const told: Told[] = []
    let rest = ''
    const socket = connect(specimen.port, '127.0.0.1', async () => {
      for (const piece of pieces) {
        await new Promise<void>(resolve => void socket.write(piece, 'latin1', () => resolve()))
        await new Promise(resolve => setImmediate(resolve))
      }
      if (ends) socket.end()
    })
    socket.setNoDelay()
    socket.on('data', chunk => {
      rest += chunk.toString('latin1')
      for (let found = answerIn(rest); found !== undefined; found = answerIn(rest)) {
        told.push(found.told)
        rest = rest.slice(found.bytes)
      }
      if (told.length >= answers) socket.destroy()
    })
    socket.on('close', () => resolve(told)).on('error', reject)
  })
}

function answerIn(text: string): { readonly told: Told; readonly bytes: number } | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = Object.fromEntries(
    lines.map(
      line =>
        line
          .toLowerCase()
          .split(/: (.*)/)
          .slice(0, 2) as [string, string],
    ),
  )
  const bytes = end + 4 + Number(headers['content-length'])
  if (text.length < bytes) return undefined
  const { date, 'x-request-id': id, ...rest } = headers
  assert.match(date ?? '', /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d gmt$/)
  assert.ok(id)
  const body = JSON.parse(text.slice(end + 4, bytes)) as { requestId?: string }
  return { told: { status: Number(first.split(' ')[1]), headers: rest, body: { ...body, requestId: '' } }, bytes }
}

/** A request that goes the quick way, or with a field that sends it the other. */
function request(path: string, body: string, more = '', way: 'quick' | 'other' = 'quick'): string {
  const length = Buffer.byteLength(body, 'latin1')
  const unusual = way === 'quick' ? '' : 'te: trailers\r\n'
  return `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${more}${unusual}content-length: ${length}\r\n\r\n${body}`
}

const KEY = 'authorization: Bearer all\r\n'

describe('an invocation is answered either way alike:', () => {
  const cases: Readonly<Record<string, string[]>> = {
    usual: ['/invoke', '{"a":1}', KEY],
    'with a parameter and a query': ['/things/caf%C3%A9/invoke?a=1', '{}', KEY],
    'with an id': ['/invoke', '{}', `${KEY}x-request-id: my-id\r\n`],
    'beyond ASCII': ['/invoke', '{"a":"\xc3\xa9"}', KEY],
    'without a key': ['/invoke', '{}', ''],
    'with a key that may not': ['/invoke', '{}', 'authorization: Bearer x:other\r\n'],
    'with a strange host': ['/invoke', '{}', KEY.replace('all', 'nobody')],
    'no UTF-8': ['/invoke', '"\xff"', KEY],
    'too large': ['/invoke', `"${'a'.repeat(300_000)}"`, KEY],
    'a fault': ['/invoke', '{"fault":1}', KEY],
    empty: ['/invoke', '', KEY],
    'a protocol of its own': ['/own/infer', '"\xff"', KEY],
    'nothing there': ['/nothing', '{}', KEY],
  }
  for (const [what, [path, body, more]] of Object.entries(cases)) {
    it(what, async () => {
      const [quick] = await exchange([request(path!, body!, more)], 1)
      const [other] = await exchange([request(path!, body!, more, 'other')], 1)
      assert.ok(quick)
      assert.deepEqual(quick, other)
    })
  }
})

it('answers requests one after the other however they are cut, and whatever comes between them', async () => {
  const kinds = ['quick', 'other', 'get', 'long', 'refused'] as const
  const texts: Readonly<Record<(typeof kinds)[number], (n: number) => string>> = {
    quick: n => request('/invoke', `{"n":${n}}`, KEY),
    other: n => request('/invoke', `{"n":${n}}`, KEY, 'other'),
    get: () => `GET /things/a?limit=1 HTTP/1.1\r\nhost: a\r\n${KEY}\r\n`,
    long: n => request('/invoke', `{"n":${n},"b":"${'b'.repeat(70_000)}"}`, KEY),
    refused: () => request('/invoke', '{}'),
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 6 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
      async (sequence, cuts) => {
        const text = sequence.map((kind, n) => texts[kind](n)).join('')
        const places = [...new Set(cuts.map(cut => Math.floor(cut * text.length)))].sort((a, b) => a - b)
        const pieces = [0, ...places].map((place, i) => text.slice(place, places[i])).filter(piece => piece !== '')
        const told = await exchange(pieces, sequence.length)
        assert.deepEqual(
          told.map(({ status, body }) => [status, JSON.parse((body as { text?: string }).text ?? '{}').n]),
          sequence.map((kind, n) => (kind === 'refused' ? [401, undefined] : [200, kind === 'get' ? undefined : n])),
        )
      },
    ),
    { numRuns: 60 },
  )
})

it('waits for a body that comes slowly', async () => {
  const text = request('/invoke', '{"slow":1}', KEY)
  const [told] = await exchange([...text], 1)
  assert.equal(told?.status, 200)
  const half = text.slice(0, -5)
  const socket = connect(specimen.port, '127.0.0.1', () => socket.write(half))
  const begun = performance.now()
  const answer = new Promise<string>(resolve => socket.once('data', chunk => resolve(chunk.toString())))
  const timer = setInterval(
    () => performance.now() - begun > 250 && socket.write(text.slice(-5)) && clearInterval(timer),
    20,
  )
  assert.match(await answer, /^HTTP\/1\.1 200 /)
  socket.destroy()
})

it('answers who sends no more, and ends then', async () => {
  const told = await exchange([request('/invoke', '{}', KEY)], 2, true)
  assert.equal(told.length, 1)
  assert.equal(told[0]?.status, 200)
})

it('tells who brings nothing that it took too long', async () => {
  const socket = connect(specimen.port, '127.0.0.1')
  const [chunk] = await new Promise<Buffer[]>(resolve => socket.on('data', chunk => resolve([chunk])))
  assert.match(String(chunk), /^HTTP\/1\.1 408 /)
  socket.destroy()
})

import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { Problem } from '../errors.ts'
import { LINK_HEAD_BYTES, type Link, linkOver } from './link.ts'

function pair(): [Link, Link] {
  const [one, other] = duplexPair()
  return [linkOver(one), linkOver(other)]
}

test('both sides ask and answer, also what JSON could not say, also at once', async () => {
  const [here, there] = pair()
  there.answer('echo', (body: unknown) => body)
  here.answer('twice', (n: number) => n * 2)
  const body = { bytes: Uint8Array.of(0, 255), large: 2n ** 60n, none: undefined, map: new Map([['a', Number.NaN]]) }
  const [echo, twice, other] = await Promise.all([
    here.ask('echo', body),
    there.ask('twice', 21),
    here.ask('echo', 'x'),
  ])
  assert.deepEqual(echo, body)
  assert.equal(twice, 42)
  assert.equal(other, 'x')
})

test('a question waits for whoever will answer it', async () => {
  const [here, there] = pair()
  const asked = here.ask('late', 1)
  there.answer('other', () => 'no')
  assert.equal(await here.ask('other'), 'no')
  there.answer('late', (n: number) => n + 1)
  assert.equal(await asked, 2)
})

test('a problem arrives as the problem it is, an error with its code', async () => {
  const [here, there] = pair()
  there.answer('refuse', () => {
    throw new Problem('overloaded', 'Cannot: too much', {
      retryAfterSeconds: 3,
      fields: [{ field: 'a', problem: 'b' }],
    })
  })
  there.answer('break', async () => {
    throw Object.assign(new Error('twice'), { code: 'SQLITE_CONSTRAINT_UNIQUE' })
  })
  await assert.rejects(here.ask('refuse'), error => {
    assert.ok(error instanceof Problem)
    const { code, message, retryAfterSeconds, fields } = error
    return isDeepStrictEqual(
      { code, message, retryAfterSeconds, fields },
      {
        code: 'overloaded',
        message: 'Cannot: too much',
        retryAfterSeconds: 3,
        fields: [{ field: 'a', problem: 'b' }],
      },
    )
  })
  await assert.rejects(here.ask('break'), { message: 'twice', code: 'SQLITE_CONSTRAINT_UNIQUE' })
})

test('frames keep their order among questions', async () => {
  const [here, there] = pair()
  const heard: string[] = []
  there.onFrame(7, bytes => heard.push(bytes.toString()))
  there.answer('q', () => heard.push('question'))
  for (const text of ['first', 'second'])
    here.send(7, Buffer.concat([Buffer.alloc(LINK_HEAD_BYTES), Buffer.from(text)]))
  const asked = here.ask('q')
  here.send(7, Buffer.concat([Buffer.alloc(LINK_HEAD_BYTES), Buffer.from('third')]))
  await asked
  await here.ask('q')
  assert.deepEqual(heard.slice(0, 4), ['first', 'second', 'question', 'third'])
})

test('when one side goes, the other hears of it and so do those who wait', async () => {
  const [here, there] = pair()
  there.answer('never', () => new Promise(() => {}))
  const asked = here.ask('never')
  there.close()
  await assert.rejects(asked, { code: 'unavailable' })
  await here.gone
  await assert.rejects(here.ask('never'), { code: 'unavailable' })
})

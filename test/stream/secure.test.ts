/**
 * Purpose: brokers are spoken to over TLS, as a user by each mechanism or by a certificate; and to no others. Method: a real
 * broker with such listeners, and an authority of the test's own.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { bellwether, startServer, temporaryFolder } from '../server.ts'
import { skipUnless } from '../services.ts'
import { newStream, type Stream } from './new-stream.ts'
import { type SecureKafka, startSecureKafka, USER } from './secure-kafka.ts'

const skip = skipUnless('kafka')

let kafka: SecureKafka
let folder: string
before(async () => {
  if (skip !== false) return
  folder = temporaryFolder()
  kafka = await startSecureKafka(folder)
})
after(async () => {
  if (skip !== false) return
  await kafka.stop()
  rmSync(folder, { recursive: true, force: true })
})

type Env = Readonly<Record<string, string>>

const over = (brokers: string, more: Env): Env => ({
  BELLWETHER_STREAM_BROKERS: brokers,
  BELLWETHER_STREAM_TLS: 'true',
  BELLWETHER_STREAM_CA: kafka.ca,
  ...more,
})
const user = (mechanism: string): Env => ({
  BELLWETHER_STREAM_USER: USER.name,
  BELLWETHER_STREAM_PASSWORD: USER.password,
  BELLWETHER_STREAM_MECHANISM: mechanism,
})
const certificate = (): Env => ({ BELLWETHER_STREAM_CERT: kafka.cert, BELLWETHER_STREAM_KEY: kafka.key })

const ROW = { key: 'one', value: '{"age":50,"tenure":2}' }

describe('brokers over TLS', { skip }, () => {
  const ways: readonly (readonly [name: string, env: () => Env])[] = [
    ['plain', () => over(kafka.usersByAddress, user('PLAIN'))],
    ['scram-256', () => over(kafka.users, user('SCRAM-SHA-256'))],
    ['scram-512', () => over(kafka.users, user('SCRAM-SHA-512'))],
    ['certificate', () => over(kafka.certificates, certificate())],
  ]
  for (const [name, env] of ways) {
    test(`answers by ${name}`, { timeout: 60_000 }, async t => {
      const stream = await newStream(t, kafka, name, 1)
      await kafka.send(stream.input, [ROW])
      const server = await startServer({ data: stream.data, env: { ...stream.env, ...env() } })
      t.after(() => server.kill('SIGKILL'))
      const [answer] = await kafka.read([stream.output, stream.dead], found => found.length === 1)
      assert.deepEqual([answer!.topic, answer!.key], [stream.output, 'one'])
      assert.equal(await server.kill('SIGTERM'), 0)
      assert.doesNotMatch(server.stdout(), /pass word/)
    })
  }

  const refused: readonly (readonly [name: string, env: () => Env, said: RegExp])[] = [
    [
      'a wrong password',
      () => ({ ...over(kafka.users, user('SCRAM-SHA-512')), BELLWETHER_STREAM_PASSWORD: 'wrong' }),
      /SASL/,
    ],
    [
      'a broker of another authority',
      () => ({ ...over(kafka.users, user('PLAIN')), BELLWETHER_STREAM_CA: kafka.cert }),
      /certificate/,
    ],
    ['no certificate', () => over(kafka.certificates, {}), /stream is begun again/],
  ]
  for (const [name, env, said] of refused) {
    test(`with ${name} it waits, says why, and serves on`, { timeout: 60_000 }, async t => {
      const stream: Stream = await newStream(t, kafka, name.replaceAll(' ', '-'), 1)
      const server = await startServer({ data: stream.data, env: { ...stream.env, ...env() } })
      t.after(() => server.kill('SIGKILL'))
      while (!server.stdout().includes('The stream is begun again'))
        await new Promise(resolve => setTimeout(resolve, 20))
      const line = server
        .stdout()
        .split('\n')
        .find(text => text.includes('The stream is begun again'))!
      assert.match(line, said)
      assert.doesNotMatch(server.stdout(), /pass word|wrong/)
      assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
      assert.equal(await server.kill('SIGTERM'), 0)
    })
  }
})

test('files that cannot be used are told at the start', { skip, timeout: 60_000 }, async t => {
  const stream = await newStream(t, kafka, 'files', 1)
  const cases: readonly (readonly [Env, RegExp])[] = [
    [{ BELLWETHER_STREAM_TLS: 'false' }, /stream\.ca given, and stream\.tls is not true/],
    [{ BELLWETHER_STREAM_CA: `${folder}/none.pem` }, /Cannot read stream\.ca: ENOENT/],
    [{ BELLWETHER_STREAM_CERT: kafka.cert }, /stream\.key not given, wanted both or neither/],
    [
      { BELLWETHER_STREAM_CERT: kafka.ca, BELLWETHER_STREAM_KEY: kafka.key },
      /stream\.key is not the key of stream\.cert/,
    ],
    [{ BELLWETHER_STREAM_CA: kafka.key }, /Cannot speak TLS with the brokers/],
  ]
  for (const [env, said] of cases) {
    const whole = { ...stream.env, ...over(kafka.users, {}), ...env }
    const { status, stderr } = await bellwether(['start', '--port', '0', '--data', stream.data], whole)
    assert.equal(status, 78, stderr)
    assert.match(stderr, said)
  }
})

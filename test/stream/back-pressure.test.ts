/**
 * Purpose: where answering is slower than reading, messages wait at the broker and not in memory. Method: 250 megabytes of
 * messages for a model that takes its time, what the server has read of them, and the memory that it says it holds.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { bellwether, startServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { startKafka } from './kafka.ts'
import { newMember, newStream } from './new-stream.ts'

const MESSAGES = 1000
const MESSAGE_BYTES = 250_000
const AT_ONCE = 3
const TAKES_MS = 100
/** What is answered while memory is looked at; by then the reader could have had all messages long since. */
const ANSWERED = 150
/** Two fetches that are not answered yet, and what else a program reads. */
const AHEAD_BYTES_MAX = 40_000_000

const RESIDENT = /process_resident_memory_bytes/

/** Of files and connections, by the system's count. */
function bytesRead(pid: number): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
}

/** The sum of a metric's samples. */
function metric(text: string, name: RegExp): number {
  const samples = text.matchAll(new RegExp(`^${name.source} (\\d+)`, 'gm'))
  return [...samples].reduce((sum, [, found]) => sum + Number(found), 0)
}

/** Before a server: each prediction takes its time. */
async function slowly(t: TestContext, url: string): Promise<string> {
  const front = createServer((request, response) => {
    void buffer(request).then(async body => {
      const { method = 'GET', url: path = '', headers } = request
      if (path.endsWith('/infer')) await new Promise(resolve => setTimeout(resolve, TAKES_MS))
      const passed = Object.entries(headers).filter(([name]) => /^(content-type|inference-)/.test(name))
      const init = { method, headers: passed as [string, string][], ...(method === 'POST' && { body }) }
      const answer = await fetch(`${url}${path}`, init)
      const kept = [...answer.headers].filter(([name]) => /^(content-type|inference-)/.test(name))
      response.writeHead(answer.status, Object.fromEntries(kept)).end(Buffer.from(await answer.arrayBuffer()))
    })
  })
  await new Promise<void>(resolve => front.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    front.close()
    front.closeAllConnections()
  })
  return `http://127.0.0.1:${(front.address() as AddressInfo).port}`
}

test('messages that cannot be answered yet are not held in memory', {
  skip: existsSync('/proc/self/io') ? skipUnless('kafka') : 'the system does not tell what a process has read',
  timeout: 180_000,
}, async t => {
  const kafka = await startKafka()
  t.after(() => kafka.stop())
  const stream = await newStream(t, kafka, 'slow', 2)
  const far = await startServer({ data: await newMember(t) })
  t.after(() => far.kill('SIGKILL'))
  const manifest = `${stream.data}-mirror.yaml`
  const remote = `{url: ${JSON.stringify(await slowly(t, far.url))}, model: tiny, task: binary}`
  writeFileSync(manifest, `name: mirror\nversion: 1.0.0\nremote: ${remote}\n`)
  const registered = await bellwether(['register', manifest, '--data', stream.data])
  rmSync(manifest)
  assert.equal(registered.status, 0, registered.stderr)

  const value = `{"age":50,"tenure":2${' '.repeat(MESSAGE_BYTES)}}`
  for (let sent = 0; sent < MESSAGES; sent += AT_ONCE) {
    await kafka.send(
      stream.input,
      Array.from({ length: AT_ONCE }, (_, n) => ({ key: `${sent + n}`, value })),
    )
  }
  const plain = await startServer({ data: stream.data })
  const alone = metric(await (await fetch(`${plain.url}/metrics`)).text(), RESIDENT)
  const readAlone = bytesRead(plain.pid)
  await plain.kill('SIGTERM')
  const server = await startServer({ data: stream.data, env: { ...stream.env, BELLWETHER_STREAM_MODEL: 'mirror' } })
  t.after(() => server.kill('SIGKILL'))
  let [most, lag, answered] = [0, 0, 0]
  for (;;) {
    const text = await (await fetch(`${server.url}/metrics`)).text()
    answered = metric(text, /stream_messages_total\{[^}]*result="answered"\}/)
    most = Math.max(most, metric(text, RESIDENT))
    lag = metric(text, /stream_lag\{[^}]*\}/)
    if (answered >= ANSWERED) break
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  const mb = (bytes: number): number => Math.round(bytes / 2 ** 20)
  t.diagnostic(`${mb(alone)} MB without a stream, ${mb(most)} MB at most with it, lag ${lag}`)
  assert.ok(most - alone < MESSAGES * MESSAGE_BYTES, `${alone} bytes, then ${most}`)
  const ahead = bytesRead(server.pid) - readAlone - answered * MESSAGE_BYTES
  assert.ok(ahead < AHEAD_BYTES_MAX, `${ahead} bytes were read that nobody had an answer for`)
  assert.ok(lag > MESSAGES / 2, `${lag} messages wait at the broker`)
  assert.equal(await server.kill('SIGTERM'), 0)
})

/** The load generator of the benchmarks: figures that come from it must be right. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { load, wholeAnswer } from '../../bench/load.ts'

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'

test('wholeAnswer() knows an answer by its length or its last chunk, and nothing before', () => {
  const answers = [
    `${HEAD}Content-Length: 7\r\n\r\n{"a":1}`,
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n`,
  ]
  fc.assert(
    fc.property(fc.constantFrom(...answers), fc.nat(), (answer, cut) => {
      assert.equal(wholeAnswer(answer.slice(0, cut % answer.length)), undefined)
      assert.equal(wholeAnswer(answer), 200)
    }),
  )
  assert.equal(wholeAnswer('HTTP/1.1 422 Unprocessable Entity\r\ncontent-length: 0\r\n\r\n'), 422)
})

test('load() counts every request once, sends bodies in turn, keeps connections and the rate, and tells failures', async () => {
  const bodies: string[] = []
  const connections = new Set<unknown>()
  const server = createServer((request, response) => {
    connections.add(request.socket)
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      bodies.push(text)
      response.statusCode = text === '"wrong"' ? 500 : 200
      response.end(text)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  try {
    const result = await load({ url, bodies: ['"right"', '"wrong"'], seconds: 0.5, connections: 4, rate: 200 })
    assert.equal(connections.size, 4)
    const wrong = bodies.filter(body => body === '"wrong"').length
    // What is under way when the time is over is not waited for.
    assert.ok(bodies.length - result.requests <= 4 && result.requests > 0)
    assert.ok(Math.abs(result.failures - wrong) <= 4)
    assert.ok(Math.abs(bodies.length - 2 * wrong) <= 1)
    assert.ok(bodies.length <= 102, `${bodies.length} requests at a rate of 200 in half a second`)
    assert.ok(result.p50Ms > 0 && result.p50Ms <= result.p99Ms)
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
})

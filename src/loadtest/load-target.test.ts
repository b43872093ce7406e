import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpointOf, requestBytes } from './load-target.ts'

test('endpointOf() knows names, addresses of both kinds, and the usual ports', () => {
  const of = (url: string): unknown[] => Object.values(endpointOf(new URL(url)))
  assert.deepEqual(of('http://localhost:8080/predict'), ['localhost', 8080, false])
  assert.deepEqual(of('http://example.org/'), ['example.org', 80, false])
  assert.deepEqual(of('https://[::1]/x'), ['::1', 443, true])
})

test('requestBytes() writes a whole request, whose length is that of its bytes', () => {
  const url = new URL('http://127.0.0.1:8080/models/a%20b/predict?explain=true')
  assert.equal(
    requestBytes(url, new Map([['authorization', 'Bearer k']]), '{"name":"é"}').toString(),
    [
      'POST /models/a%20b/predict?explain=true HTTP/1.1',
      'host: 127.0.0.1:8080',
      'content-type: application/json',
      'user-agent: bellwether-bench',
      'authorization: Bearer k',
      'content-length: 13',
      '',
      '{"name":"é"}',
    ].join('\r\n'),
  )
  const own = requestBytes(
    url,
    new Map(Object.entries({ host: 'models.example.org', 'content-type': 'text/csv' })),
    'a',
  )
  assert.match(own.toString(), /\r\nhost: models\.example\.org\r\n/)
  assert.doesNotMatch(own.toString(), /application\/json|127\.0\.0\.1/)
})

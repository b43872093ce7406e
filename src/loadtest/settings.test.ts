import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationMs, headersOf, numberWithin } from './settings.ts'

test('durationMs() takes times as people write them', () => {
  for (const [text, ms] of [
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['2 min', 120_000],
    ['1h', 3_600_000],
    ['7', 7000],
  ] as const) {
    assert.equal(durationMs('duration', text, 86_400_000), ms, text)
  }
  for (const text of ['', 'soon', '-1s', '5d', '1e3', '0']) {
    assert.throws(() => durationMs('duration', text, 60_000), /Cannot use --duration/, text)
  }
  assert.throws(() => durationMs('timeout', '2h', 600_000), /wanted 0\.001 to 600 seconds/)
  assert.equal(durationMs('wait', '0s', 1000, 0), 0)
})

test('numberWithin() takes numbers in their limits', () => {
  assert.equal(numberWithin('rate', 0.5, 0.01, 10), 0.5)
  assert.throws(() => numberWithin('rate', 11, 0.01, 10), /wanted a number from 0.01 to 10/)
  assert.throws(() => numberWithin('rate', Number.NaN, 0.01, 10), /Cannot use --rate NaN/)
})

test('headersOf() lets nothing through that would frame the request otherwise', () => {
  const headers = headersOf(['X-Own: a b ', 'Authorization: Basic x'], { authorization: 'Bearer k', host: 'h' })
  assert.deepEqual(Object.fromEntries(headers), { authorization: 'Basic x', host: 'h', 'x-own': 'a b' })
  for (const text of ['no colon', ': x', 'a b: c', 'x: a\r\ny: b', 'x: \u2028']) {
    assert.throws(() => headersOf([text], {}), /wanted 'Name: value'/, text)
  }
  for (const name of ['Content-Length', 'transfer-encoding', 'Connection']) {
    assert.throws(() => headersOf([`${name}: 1`], {}), /how the request is framed/)
  }
})

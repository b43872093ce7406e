import assert from 'node:assert/strict'
import { it } from 'node:test'
import { manualClock } from './clock.ts'
import { httpDate } from './http-date.ts'

it('tells the second, also after the clock was set back', () => {
  const clock = manualClock(784_111_777_000) // the example of RFC 9110
  const date = httpDate(clock)
  assert.equal(date(), 'Sun, 06 Nov 1994 08:49:37 GMT')
  clock.advance(999)
  assert.equal(date(), 'Sun, 06 Nov 1994 08:49:37 GMT')
  clock.advance(1)
  assert.equal(date(), 'Sun, 06 Nov 1994 08:49:38 GMT')
  clock.set(0)
  assert.equal(date(), 'Thu, 01 Jan 1970 00:00:00 GMT')
})

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { manualTimers } from '../platform/timers.ts'
import { patience } from './patience.ts'

it('tells of each that waits too long, in time, and of no other', () => {
  const timers = manualTimers()
  let now = 0
  const late: string[] = []
  const waiting = patience<string>(
    100,
    timers,
    () => now,
    name => late.push(`${name} at ${now}`),
  )
  const pass = (ms: number): void => {
    for (let i = 0; i < ms; i++) {
      now++
      timers.advance(1)
    }
  }
  waiting.begin('a')
  pass(30)
  waiting.begin('b')
  waiting.begin('c')
  waiting.end('b')
  waiting.end('nobody')
  pass(69)
  assert.deepEqual(late, [])
  pass(1)
  assert.deepEqual(late, ['a at 100'])
  pass(20)
  waiting.begin('d')
  pass(500)
  assert.deepEqual(late, ['a at 100', 'c at 130', 'd at 220'])
})

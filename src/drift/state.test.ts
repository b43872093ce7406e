import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verdict } from './judge.ts'
import { type Believed, believe, NOTHING_BELIEVED } from './state.ts'

/** Judgements a hundred predictions apart, of windows of 500. */
function after(verdicts: readonly Verdict[]): Verdict[] {
  let believed: Believed = NOTHING_BELIEVED
  return verdicts.map((verdict, at) => {
    const predictions = (at + 1) * 100
    believed = believe(believed, { verdict, to: predictions }, undefined, { predictions, window: 500 })
    return believed.state.verdict
  })
}

test('bad news is believed at once, good news after a whole window without the bad', () => {
  assert.deepEqual(after(['too few', 'ok', 'drift', 'ok', 'drift', 'ok', 'ok', 'ok', 'ok', 'ok']), [
    'too few',
    'ok',
    'drift',
    'drift',
    'drift',
    'drift',
    'drift',
    'drift',
    'drift',
    'ok',
  ])
  assert.deepEqual(after(['warning', 'drift', 'warning', 'warning', 'warning', 'warning', 'warning', 'ok']), [
    'warning',
    'drift',
    'drift',
    'drift',
    'drift',
    'drift',
    'warning',
    'warning',
  ])
})

test('a state knows since when it is so, and the reading that speaks for it', () => {
  const reading = { feature: 'balance' } as never
  const window = 500
  let believed = believe(NOTHING_BELIEVED, { verdict: 'drift', to: 10 }, reading, { predictions: 100, window })
  assert.deepEqual(believed.state, { verdict: 'drift', since: 10, cause: reading })
  const other = { feature: 'age' } as never
  believed = believe(believed, { verdict: 'drift', to: 20 }, other, { predictions: 200, window })
  assert.deepEqual(believed.state, { verdict: 'drift', since: 10, cause: other })
  believed = believe(believed, { verdict: 'ok', to: 30 }, { feature: 'tenure' } as never, { predictions: 300, window })
  assert.deepEqual(believed.state, { verdict: 'drift', since: 10, cause: other })
})

/** Rows kept to compare with, and what is decided of explanations. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Explainer } from '../predictor/explainer.ts'
import { BACKGROUND_ROWS_MAX, backgroundOf, backgroundRows, parseBackground } from './background.ts'
import { explainMode, requireReasonsKnown } from './explaining.ts'

const columns = (rows: number) => [
  { values: Float64Array.from({ length: rows }, (_, row) => row) },
  { values: Float64Array.from({ length: rows }, (_, row) => (row % 2 === 0 ? Number.NaN : -row)) },
]

describe('the background sample', () => {
  it('has so many rows, all different, from everywhere, the same each time', () => {
    const sample = backgroundOf(['a', 'b'], columns(10_000), 10_000)
    const chosen = sample.rows.map(([a]) => a!)
    assert.equal(new Set(chosen).size, BACKGROUND_ROWS_MAX)
    const mean = chosen.reduce((sum, row) => sum + row, 0) / chosen.length
    assert.ok(Math.abs(mean - 5000) < 700, `rows around ${mean}`)
    assert.deepEqual(backgroundOf(['a', 'b'], columns(10_000), 10_000), sample)
    assert.equal(backgroundOf(['a', 'b'], columns(3), 3).rows.length, 3)
  })

  it('comes back from its JSON, missing as missing, in the columns of the predictor', () => {
    const sample = parseBackground(JSON.stringify(backgroundOf(['a', 'b', 'gone'], [...columns(2), ...columns(2)], 2)))
    const { rows, count } = backgroundRows(sample, 2, name => ({ a: 1, b: 0 })[name])
    assert.equal(count, 2)
    assert.deepEqual([...rows], [Number.NaN, 0, -1, 1])
    assert.throws(() => parseBackground('{"format":2}'), /format is not known/)
  })
})

describe('explainMode()', () => {
  const explainer = (work: () => void): Explainer =>
    ({ featureCount: 2, outputCount: 1, explain: () => work() }) as unknown as Explainer
  const slow = (): void => {
    const until = performance.now() + 1
    while (performance.now() < until);
  }

  it('measures where model.yaml says nothing, and says what it found', () => {
    const notes: string[] = []
    assert.equal(
      explainMode(
        undefined,
        explainer(() => undefined),
        columns(10),
        notes,
      ),
      'always',
    )
    assert.equal(explainMode(undefined, explainer(slow), undefined, notes), 'on-request')
    assert.match(notes[0]!, /^each answer is explained with its record, which takes \d\.\d µs/)
    assert.match(notes[1]!, /^answers are explained on request, which takes \d{4} µs; "explain: always" keeps/)
  })

  it('does as model.yaml says, where that can be done', () => {
    const notes: string[] = []
    assert.equal(explainMode('always', explainer(slow), undefined, notes), 'always')
    assert.equal(explainMode('on-request', undefined, undefined, notes), 'on-request')
    assert.equal(explainMode(undefined, undefined, undefined, notes), 'on-request')
    assert.deepEqual(notes, [])
    assert.throws(() => explainMode('always', undefined, undefined, notes), /no exact explanation; choose on-request/)
  })

  it('takes no sentences about what is no feature', () => {
    requireReasonsKnown({ a: { raises: 'A' } }, ['a'])
    assert.throws(() => requireReasonsKnown({ b: {} }, ['a']), /reasons.b is no feature of the model; it has a/)
  })
})

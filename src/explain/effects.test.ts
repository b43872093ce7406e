import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { effectsOf, scaleOf } from './effects.ts'

const values = fc.double({ min: -4, max: 4, noNaN: true })
const sum = (all: Iterable<number>): number => [...all].reduce((a, b) => a + b, 0)
const sigmoid = (margin: number): number => 1 / (1 + Math.exp(-margin))
const softmax = (margins: readonly number[]): number[] => {
  const powers = margins.map(Math.exp)
  return powers.map(power => power / sum(powers))
}

describe('scaleOf()', () => {
  it('recognises the link function by what it made', () => {
    assert.equal(scaleOf([0.3], [0.3]), 'output')
    assert.equal(scaleOf([0.3], [Math.fround(sigmoid(0.3))]), 'log-odds')
    assert.equal(scaleOf([0.3], [Math.exp(0.3)]), 'log')
    assert.equal(scaleOf([0.3, 1, -2], softmax([0.3, 1, -2])), 'class-log-odds')
    assert.equal(scaleOf([0.3], [17]), 'margin')
    assert.equal(scaleOf([0.3, 1, -2], [1]), 'margin')
  })
})

describe('effectsOf()', () => {
  it('sums to what the answer is more than the answer to the bias', () => {
    fc.assert(
      fc.property(values, fc.array(values, { minLength: 1, maxLength: 8 }), (bias, contributions) => {
        const moved = sum(contributions)
        fc.pre(Math.abs(moved) > 1e-3)
        for (const [scale, link] of [
          ['log-odds', sigmoid],
          ['log', Math.exp],
          ['output', (margin: number) => margin],
        ] as const) {
          const effects = effectsOf(scale, [bias], Float64Array.from(contributions))!
          const wanted = link(bias + moved) - link(bias)
          assert.ok(Math.abs(sum(effects) - wanted) < 1e-9 * Math.max(1, Math.abs(wanted)), `${scale}: ${sum(effects)}`)
          const isUp = effects.every((effect, at) => effect * contributions[at]! >= 0)
          assert.ok(isUp, 'a feature that raises the margin lowers the answer')
        }
      }),
    )
  })

  it('of several classes sums class by class', () => {
    const bias = [0.1, -0.2, 0]
    const contributions = Float64Array.of(0.5, -0.25, 0.1, 0.3, -1, 0)
    const margins = bias.map((start, at) => start + contributions[at * 2]! + contributions[at * 2 + 1]!)
    const [from, to] = [softmax(bias), softmax(margins)]
    const effects = effectsOf('class-log-odds', bias, contributions)!
    for (const margin of [0, 1, 2]) {
      const wanted = to[margin]! - from[margin]!
      assert.ok(Math.abs(sum(effects.subarray(margin * 2, margin * 2 + 2)) - wanted) < 1e-12)
    }
  })

  it('says nothing where the link function is not known, and stays finite where parts cancel', () => {
    assert.equal(effectsOf('margin', [0], Float64Array.of(1)), undefined)
    assert.deepEqual([...effectsOf('log-odds', [0], Float64Array.of(0.4, -0.4))!], [0.1, -0.1])
  })
})

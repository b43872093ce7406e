import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { golden, near } from '../golden.suite.ts'
import { ranking, rocAuc, rocAucInterval } from './auc.ts'
import { rocAucDifference } from './auc-difference.ts'
import { calibrationLine, spiegelhalter } from './calibration-line.ts'

interface Areas {
  readonly y: number[]
  readonly first: number[]
  readonly second: number[]
  readonly auc: readonly [number, number]
  readonly se: number
  readonly p: number
  readonly low: number
  readonly high: number
}

interface Line {
  readonly y: number[]
  readonly p: number[]
  readonly slope: number
  readonly slope_ci: readonly [number, number]
  readonly large: number
  readonly large_ci: readonly [number, number]
  readonly z: number
  readonly z_p: number
}

const wanted = golden<{ areas: Areas[]; calibration: Line[] }>('validation')

describe("DeLong's comparison, by its definition over all pairs", () => {
  for (const { y, first, second, auc, se, p, low, high } of wanted.areas) {
    test(`${y.length} rows`, () => {
      const found = rocAucDifference(y, first, second)!
      near(found.first, auc[0], 1e-12)
      near(found.second, auc[1], 1e-12)
      near(found.standardError, se, 1e-10)
      near(found.pValue, p, 1e-9)
      near(found.low, low, 1e-10)
      near(found.high, high, 1e-10)
      assert.equal(found.first, rocAuc(y, first))
    })
  }
  test('a score and itself are not told apart', () => {
    const { y, first } = wanted.areas[0]!
    const same = rocAucDifference(y, first, first)!
    assert.deepEqual([same.value, same.low, same.high, same.pValue], [0, 0, 0, 1])
  })
  test('against a constant it is the variance of the one area', () => {
    const { y, first } = wanted.areas[2]!
    const found = rocAucDifference(y, first, new Float64Array(y.length))!
    const alone = rocAucInterval(ranking(y, first))!
    const odds = (share: number): number => Math.log(share / (1 - share))
    const half = (odds(alone.high) - odds(alone.low)) / 2
    near(found.standardError * 1.959963984540054, half * alone.value * (1 - alone.value), 1e-9)
  })
  test('what has no areas', () => {
    assert.equal(rocAucDifference([1, 0, 0], [1, 2, 3], [1, 2, 3]), undefined)
    assert.throws(() => rocAucDifference([1, 0], [1, Number.NaN], [1, 2]), /a score is NaN/)
    assert.throws(() => rocAucDifference([1, 0], [1], [1, 2]), /2 true values, but 1 answers/)
  })
})

describe('calibration as statsmodels', () => {
  for (const line of wanted.calibration) {
    test(`${line.y.length} rows`, () => {
      const { slope, inTheLarge } = calibrationLine(line.y, line.p)!
      near(slope.value, line.slope, 1e-8)
      near(slope.low, line.slope_ci[0], 1e-7)
      near(slope.high, line.slope_ci[1], 1e-7)
      near(inTheLarge.value, line.large, 1e-8)
      near(inTheLarge.low, line.large_ci[0], 1e-7, 1e-9)
      near(inTheLarge.high, line.large_ci[1], 1e-7, 1e-9)
      const { z, pValue } = spiegelhalter(line.y, line.p)
      near(z, line.z, 1e-10)
      near(pValue, line.z_p, 1e-9)
    })
  }
  test('lines that do not exist', () => {
    assert.equal(calibrationLine([1, 1, 1], [0.2, 0.5, 0.7]), undefined)
    assert.equal(calibrationLine([1, 0, 1], [0.5, 0.5, 0.5]), undefined)
    assert.equal(calibrationLine([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]), undefined)
    assert.equal(spiegelhalter([1, 0], [0.5, 1]).z, Number.NaN)
    assert.throws(() => calibrationLine([1, 0], [1.2, 0.1]), /an answer is 1.2, wanted a probability/)
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { golden, near } from '../../math/golden.suite.ts'
import { seededRandom } from '../../math/random.ts'
import type { Answering } from './answering.ts'
import { type LimeOptions, lime } from './lime.ts'

interface Reference {
  readonly background: number[][]
  readonly row: number[]
  readonly coefficient_mean: number[]
  readonly coefficient_sd: number[]
  readonly score_mean: number
  readonly local_mean: number
  readonly intercept_mean: number
}

function modelOf(width: number, answer: (row: Float64Array) => number): Answering {
  return {
    features: Array.from({ length: width }, (_, column) => `f${column}`),
    outputCount: 1,
    predict(rows, count, out) {
      for (let at = 0; at < count; at++) out[at] = answer(rows.subarray(at * width, (at + 1) * width))
    },
  }
}

const seeded = (seed: number, more: Partial<LimeOptions> = {}): LimeOptions => ({ random: seededRandom(seed), ...more })
const { lime: reference } = golden<{ lime: Reference }>('lime')
const background = { rows: Float64Array.from(reference.background.flat()), count: reference.background.length }
const row = Float64Array.from(reference.row)
const model = modelOf(4, ([a, b, c, d]) => Math.tanh(a!) + 0.3 * b! * c! + 0.1 * d!)

describe('lime', () => {
  test('finds what the lime package finds, but for chance, and states how large chance is', async () => {
    const runs = await Promise.all(Array.from({ length: 30 }, (_, seed) => lime(model, background, row, seeded(seed))))
    const meanOf = (number: (run: (typeof runs)[number]) => number): number =>
      runs.reduce((sum, run) => sum + number(run), 0) / runs.length
    for (const [at, wanted] of reference.coefficient_mean.entries()) {
      const spread = reference.coefficient_sd[at]!
      const mean = meanOf(run => run.coefficients[at]!)
      near(mean, wanted, 0, 5 * spread * Math.sqrt(2 / 30), `coefficient ${at}`)
      const stated = meanOf(run => run.standardErrors[at]!)
      assert.ok(stated > 0.6 * spread && stated < 1.5 * spread, `${stated} stated, ${spread} in the package`)
    }
    near(
      meanOf(run => run.rSquared[0]!),
      reference.score_mean,
      0,
      0.005,
      'R²',
    )
    near(
      meanOf(run => run.localAnswers[0]!),
      reference.local_mean,
      0,
      0.01,
      'local answer',
    )
    near(
      meanOf(run => run.intercepts[0]!),
      reference.intercept_mean,
      0,
      0.01,
      'intercept',
    )
    assert.equal(runs[0]!.stability, 1)
    near(runs[0]!.answers[0]!, Math.tanh(0.5) + 0.3 * 2 * -0.7 + 0.1, 1e-15)
  })

  test('is the same for the same seed', async () => {
    const [one, other] = [await lime(model, background, row, seeded(9)), await lime(model, background, row, seeded(9))]
    assert.deepEqual(one, other)
  })

  test('compares categories and missing values with those of the row', async () => {
    const rows = Float64Array.from(
      { length: 300 },
      (_, at) => [((at / 3) % 4) | 0, at % 2 ? Number.NaN : at, at % 7][at % 3]!,
    )
    const answer = ([category, gap, number]: Float64Array): number =>
      (category === 2 ? 5 : 0) + (Number.isNaN(gap!) ? 3 : 0) + number!
    const at = Float64Array.of(2, Number.NaN, 4)
    const options = { categorical: [true, false, false], kernelWidth: 100, penalty: 1e-9 }
    const found = await lime(modelOf(3, answer), { rows, count: 100 }, at, seeded(1, options))
    near(found.coefficients[0]!, 5, 1e-9)
    near(found.coefficients[1]!, 3, 1e-9)
    near(found.coefficients[2]!, 2, 0.02) // the standard deviation of 0 … 6
    near(found.rSquared[0]!, 1, 1e-9)
    near(found.localAnswers[0]!, 12, 1e-9)
  })

  test('says where the model is not like a line, and where features are chosen by chance', async () => {
    const noise = modelOf(12, made => Math.sin(1e4 * made.reduce((sum, value) => sum + value, 0)))
    const source = seededRandom(3)
    const wide = { rows: Float64Array.from({ length: 1200 }, () => source()), count: 100 }
    const found = await lime(noise, wide, wide.rows.slice(0, 12), seeded(1, { samples: 1000 }))
    assert.ok(found.rSquared[0]! < 0.1)
    assert.ok(found.stability < 0.6)
  })

  test('answers NaN where the model does, and refuses what makes no sense', async () => {
    const broken = await lime(
      modelOf(4, () => Number.NaN),
      background,
      row,
      seeded(1, { samples: 50 }),
    )
    assert.ok(broken.coefficients.every(Number.isNaN))
    await assert.rejects(lime(model, background, row, seeded(1, { samples: 9 })), /samples is 9, wanted at least 10/)
    await assert.rejects(lime(model, background, row, seeded(1, { kernelWidth: 0 })), /kernel width is 0/)
    await assert.rejects(lime(model, background, row, seeded(1, { penalty: 0 })), /penalty is 0/)
    await assert.rejects(lime(model, background, row.subarray(1), seeded(1)), /row has 3 values, wanted 4/)
  })
})

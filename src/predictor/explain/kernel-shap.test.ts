import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { golden, near } from '../../math/golden.suite.ts'
import { seededRandom } from '../../math/random.ts'
import { forestPredictor } from '../forest-predictor.ts'
import { interventionalTreeShap } from '../shap/interventional-tree-shap.ts'
import { randomForest, randomRows } from '../shap/random-forests.suite.ts'
import type { Answering } from './answering.ts'
import { type KernelExplanation, kernelShap } from './kernel-shap.ts'

function modelOf(width: number, answer: (row: Float64Array) => readonly number[], outputCount = 1): Answering {
  return {
    features: Array.from({ length: width }, (_, column) => `f${column}`),
    outputCount,
    predict(rows, count, out) {
      for (let at = 0; at < count; at++) {
        out.set(answer(rows.subarray(at * width, (at + 1) * width)), at * outputCount)
      }
    },
  }
}

/** Its Shapley values are known: linear terms are the feature's own, products of two are shared. */
function longSum(row: Float64Array): number[] {
  return [row.reduce((sum, value, at) => sum + value * (at + 1) + value * (row[at + 1] ?? 0) * (row[at + 2] ?? 1), 0)]
}

const random = (seed = 1) => ({ random: seededRandom(seed) })

describe('kernelShap', () => {
  test('agrees with exact Shapley values and with shap.KernelExplainer', async () => {
    const g = golden<
      Record<'background' | 'rows' | 'exact_shapley' | 'shap_kernel', number[][]> & { expected: number }
    >('kernel_shap')
    const model = modelOf(5, ([a, b, c, d, e]) => [1.5 * a! + Math.sin(b!) * c! + Math.max(d!, e!) ** 2])
    const background = { rows: Float64Array.from(g.background.flat()), count: g.background.length }
    for (const [index, row] of g.rows.entries()) {
      const found = await kernelShap(model, background, Float64Array.from(row), random())
      assert.ok(found.isExact)
      near(found.bias[0]!, g.expected, 1e-12)
      for (const [column, value] of found.contributions.entries()) {
        near(value, g.exact_shapley[index]![column]!, 0, 1e-12, `feature ${column} of row ${index}`)
        near(value, g.shap_kernel[index]![column]!, 0, 1e-12, `feature ${column} of row ${index}`)
        assert.equal(found.standardErrors[column], 0)
      }
    }
  })

  test('is interventional TreeSHAP where the model is a forest', async () => {
    const source = seededRandom(8)
    const forest = randomForest(source, { features: 9, depth: 5, trees: 6, outputs: 3 })
    const [rows, background] = [randomRows(source, 9, 3), { rows: randomRows(source, 9, 7), count: 7 }]
    const exact = interventionalTreeShap(forest, background)
    const wanted = new Float64Array(3 * 3 * 9)
    exact.explain(rows, 3, wanted)
    for (let row = 0; row < 3; row++) {
      const found = await kernelShap(forestPredictor(forest), background, rows.subarray(row * 9, row * 9 + 9), random())
      for (const [at, value] of found.contributions.entries()) near(value, wanted[row * 27 + at]!, 0, 1e-10)
      for (const [output, value] of found.bias.entries()) near(value, exact.bias[output]!, 0, 1e-12)
    }
  })

  test('states the error of sampling', async () => {
    const source = seededRandom(4)
    const width = 14
    const model = modelOf(width, longSum)
    const background = { rows: randomRows(source, width, 6).map(value => value || 0), count: 6 }
    const row = randomRows(source, width, 1).map(value => value || 0)
    const exact = await kernelShap(model, background, row, { ...random(), budget: 2 ** width })
    assert.ok(exact.isExact)
    const scores: number[] = []
    for (let seed = 0; seed < 40; seed++) {
      const found: KernelExplanation = await kernelShap(model, background, row, { ...random(seed), budget: 300 })
      assert.ok(!found.isExact)
      assert.equal(found.rowsAsked <= 301 * 6 + 1, true)
      const sum = found.contributions.reduce((total, value) => total + value, found.bias[0]!)
      near(sum, found.answers[0]!, 1e-12)
      for (const [at, value] of found.contributions.entries()) {
        scores.push((value - exact.contributions[at]!) / found.standardErrors[at]!)
      }
    }
    const within = scores.filter(score => Math.abs(score) < 1.96).length / scores.length
    assert.ok(within > 0.9 && within < 0.985, `${within} of the errors are within 1.96 standard errors`)
    assert.ok(Math.abs(scores.reduce((sum, score) => sum + score, 0) / scores.length) < 0.25)
  })

  test('gives features that are as in the background nothing', async () => {
    const model = modelOf(3, ([a, b, c]) => [a! + 2 * (b || 0) + c! ** 2])
    const background = { rows: Float64Array.of(1, Number.NaN, 3, 1, Number.NaN, 5), count: 2 }
    const found = await kernelShap(model, background, Float64Array.of(1, Number.NaN, 2), random())
    assert.deepEqual([...found.contributions], [0, 0, 4 - 17])
    const same = await kernelShap(model, { ...background, count: 1 }, Float64Array.of(1, Number.NaN, 3), random())
    assert.deepEqual([...same.contributions], [0, 0, 0])
  })

  test('asks an awaited model in bounded batches, and stops when it is told', async () => {
    const sizes: number[] = []
    const inner = modelOf(4, longSum)
    const awaited: Answering = {
      ...inner,
      async predict(rows, count, out) {
        sizes.push(count)
        await Promise.resolve()
        await inner.predict(rows, count, out)
      },
    }
    const source = seededRandom(2)
    const background = { rows: randomRows(source, 4, 10), count: 10 }
    const row = Float64Array.of(50, 51, 52, 53)
    await kernelShap(awaited, background, row, { ...random(), batchRows: 50 })
    assert.deepEqual(sizes, [50, 50, 50, 1])
    const controller = new AbortController()
    const pause = async (): Promise<void> => controller.abort(new Error('Enough'))
    await assert.rejects(
      kernelShap(awaited, background, row, { ...random(), batchRows: 50, pause, signal: controller.signal }),
      /Enough/,
    )
    assert.equal(sizes.length, 5)
  })

  test('refuses what it cannot fit', async () => {
    const model = modelOf(3, longSum)
    const background = { rows: Float64Array.of(1, 2, 3), count: 1 }
    const row = Float64Array.of(4, 5, 6)
    await assert.rejects(kernelShap(model, background, row, { ...random(), budget: 5 }), /budget is 5 .* at least 6/)
    await assert.rejects(kernelShap(model, { ...background, count: 0 }, row, random()), /background has 0 rows/)
    await assert.rejects(kernelShap(model, background, row.subarray(1), random()), /row has 2 values, wanted 3/)
    const wide = { rows: new Float64Array(600), count: 1 }
    await assert.rejects(
      kernelShap(modelOf(600, longSum), wide, new Float64Array(600).fill(1), random()),
      /600 features differ from the background, wanted at most 512/,
    )
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { near } from '../../math/golden.suite.ts'
import { seededRandom } from '../../math/random.ts'
import { forestPredictor } from '../forest-predictor.ts'
import { interventionalTreeShap } from './interventional-tree-shap.ts'
import { randomForest, randomRows, type Shape, shapleyValues } from './random-forests.suite.ts'

const SHAPES: Readonly<Record<string, Shape>> = {
  'a stump': { features: 1, trees: 1, depth: 1 },
  'few features, met again and again': { features: 2, trees: 3, depth: 7 },
  'as many features as levels': { features: 7, trees: 4, depth: 6 },
  'several outputs, weighted trees': { features: 5, trees: 9, depth: 5, outputs: 3, weighted: true },
  'zero as missing, NaN as zero': { features: 4, trees: 5, depth: 5, zeroModes: true },
  'vector leaves': { features: 5, trees: 4, depth: 4, outputs: 3, vectors: true, weighted: true },
}

describe('interventionalTreeShap', () => {
  for (const [name, shape] of Object.entries(SHAPES)) {
    test(`is the Shapley value of the game: ${name}`, () => {
      const [width, count] = [shape.features, 3]
      for (let seed = 0; seed < 12; seed++) {
        const random = seededRandom(seed)
        const forest = randomForest(random, shape)
        const rows = randomRows(random, width, count)
        const background = { rows: randomRows(random, width, 5), count: 5 }
        const { margin } = forestPredictor(forest)
        const explainer = interventionalTreeShap(forest, background)
        const outputs = explainer.outputCount
        const out = new Float64Array(count * outputs * width).fill(7)
        explainer.explain(rows, count, out)
        const worth = (at: number, output: number, coalition: number): number => {
          const mixed = background.rows.map((value, index) =>
            (coalition >> (index % width)) & 1 ? rows[at * width + (index % width)]! : value,
          )
          const margins = new Float64Array(5 * outputs)
          margin(mixed, 5, margins)
          return margins.reduce((sum, value, index) => (index % outputs === output ? sum + value / 5 : sum), 0)
        }
        for (let index = 0; index < count * outputs; index++) {
          const [at, output] = [Math.floor(index / outputs), index % outputs]
          const wanted = shapleyValues(width, coalition => worth(at, output, coalition))
          for (const [column, value] of wanted.entries()) {
            near(out[index * width + column]!, value, 1e-12, 1e-12, `${seed}: feature ${column} of ${index}`)
          }
          near(explainer.bias[output]!, worth(at, output, 0), 1e-12, 1e-12, 'bias')
        }
      }
    })
  }

  test('takes all columns of a feature from the same row', () => {
    const players = { count: 3, of: Int32Array.of(1, 0, 1, 2, 0, 1) }
    for (let seed = 0; seed < 12; seed++) {
      const random = seededRandom(seed)
      const forest = randomForest(random, { features: 6, trees: 4, depth: 6 })
      const [row, other] = [randomRows(random, 6, 1), randomRows(random, 6, 1)]
      const [out, margin] = [new Float64Array(3), new Float64Array(1)]
      interventionalTreeShap(forest, { rows: other, count: 1 }, players).explain(row, 1, out)
      const wanted = shapleyValues(3, coalition => {
        const mixed = other.map((value, column) => ((coalition >> players.of[column]!) & 1 ? row[column]! : value))
        forestPredictor(forest).margin(mixed, 1, margin)
        return margin[0]!
      })
      for (const [player, value] of wanted.entries()) near(out[player]!, value, 1e-12, 1e-12, `${seed}: ${player}`)
    }
  })

  test('adds up to the margin where trees are deep and features many', () => {
    const random = seededRandom(5)
    const forest = randomForest(random, { features: 60, depth: 11, trees: 10 })
    const [rows, background] = [randomRows(random, 60, 4), { rows: randomRows(random, 60, 20), count: 20 }]
    const [out, margins] = [new Float64Array(240), new Float64Array(4)]
    const explainer = interventionalTreeShap(forest, background)
    explainer.explain(rows, 4, out)
    forestPredictor(forest).margin(rows, 4, margins)
    for (const [row, margin] of margins.entries()) {
      const sum = out.subarray(row * 60, row * 60 + 60).reduce((total, part) => total + part, 0)
      near(explainer.bias[0]! + sum, margin, 0, 1e-11, `row ${row}`)
    }
  })

  test('refuses a background without rows', () => {
    const forest = randomForest(seededRandom(1), { features: 3, trees: 1, depth: 2 })
    assert.throws(
      () => interventionalTreeShap(forest, { rows: new Float64Array(3), count: 0 }),
      /background has 0 rows/,
    )
    assert.throws(() => interventionalTreeShap(forest, { rows: new Float64Array(3), count: 2 }), /3 values, wanted 6/)
  })
})

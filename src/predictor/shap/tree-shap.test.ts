import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { near } from '../../math/golden.suite.ts'
import { seededRandom } from '../../math/random.ts'
import { ForestBuilder } from '../forest-builder.ts'
import { forestPredictor } from '../forest-predictor.ts'
import { coalitionWorth, randomForest, randomRows, type Shape, shapleyValues } from './random-forests.suite.ts'
import { treeShap } from './tree-shap.ts'

const SHAPES: Readonly<Record<string, Shape>> = {
  'a stump': { features: 1, trees: 1, depth: 1 },
  'few features, met again and again': { features: 2, trees: 3, depth: 7 },
  'as many features as levels': { features: 7, trees: 4, depth: 6 },
  'several outputs, weighted trees': { features: 5, trees: 9, depth: 5, outputs: 3, weighted: true },
  'zero as missing, NaN as zero': { features: 4, trees: 5, depth: 5, zeroModes: true },
  'vector leaves': { features: 5, trees: 4, depth: 4, outputs: 3, vectors: true, weighted: true },
  float32: { features: 5, trees: 4, depth: 4, more: { precision: 'float32' } },
}

describe('treeShap', () => {
  for (const [name, shape] of Object.entries(SHAPES)) {
    test(`is the Shapley value of the game: ${name}`, () => {
      for (let seed = 0; seed < 12; seed++) {
        const random = seededRandom(seed)
        const forest = randomForest(random, shape)
        const rows = randomRows(random, shape.features, 4)
        const explainer = treeShap(forest)
        const { outputCount, featureCount } = explainer
        const out = new Float64Array(4 * outputCount * featureCount).fill(7)
        explainer.explain(rows, 4, out)
        for (let index = 0; index < 4 * outputCount; index++) {
          const [at, output] = [Math.floor(index / outputCount), index % outputCount]
          const row = rows.subarray(at * featureCount, (at + 1) * featureCount)
          const wanted = shapleyValues(featureCount, coalition => coalitionWorth(forest, row, output, coalition))
          for (const [column, value] of wanted.entries()) {
            near(out[index * featureCount + column]!, value, 1e-12, 1e-12, `${seed}: feature ${column} of ${index}`)
          }
          near(explainer.bias[output]!, coalitionWorth(forest, row, output, 0), 1e-12, 1e-12, 'bias')
        }
      }
    })
  }

  test('knows all columns of a feature together', () => {
    const players = { count: 3, of: Int32Array.of(1, 0, 1, 2, 0, 1) }
    for (let seed = 0; seed < 12; seed++) {
      const random = seededRandom(seed)
      const forest = randomForest(random, { features: 6, trees: 4, depth: 6 })
      const row = randomRows(random, 6, 1)
      const out = new Float64Array(3)
      treeShap(forest, players).explain(row, 1, out)
      const wanted = shapleyValues(3, coalition =>
        coalitionWorth(
          forest,
          row,
          0,
          players.of.reduce((mask, player, column) => mask | (((coalition >> player) & 1) << column), 0),
        ),
      )
      for (const [player, value] of wanted.entries()) near(out[player]!, value, 1e-12, 1e-12, `${seed}: ${player}`)
    }
  })

  test('adds up to the margin, however deep the trees', () => {
    for (const [features, depth] of [
      [3, 12],
      [60, 11],
      [200, 12],
    ] as const) {
      const random = seededRandom(depth)
      const forest = randomForest(random, { features, depth, trees: 10 })
      const rows = randomRows(random, features, 8)
      const explainer = treeShap(forest)
      const out = new Float64Array(8 * features)
      const margins = new Float64Array(8)
      explainer.explain(rows, 8, out)
      forestPredictor(forest).margin(rows, 8, margins)
      for (const [row, margin] of margins.entries()) {
        const sum = out.subarray(row * features, (row + 1) * features).reduce((total, part) => total + part, 0)
        near(explainer.bias[0]! + sum, margin, 0, 1e-11, `row ${row}`)
      }
    }
  })

  test('adds up to the margin on a path of 300 features', () => {
    const levels = 300
    const builder = new ForestBuilder('the chain')
    const random = seededRandom(1)
    const nodes = 2 * levels + 1
    const isInner = (node: number): boolean => node % 2 === 0 && node < nodes - 1
    const cover = Float64Array.from({ length: nodes }, () => random())
    for (let node = nodes - 3; node >= 0; node -= 2) cover[node] = cover[node + 1]! + cover[node + 2]!
    builder.add({
      count: nodes,
      left: Float64Array.from(cover, (_, node) => (isInner(node) ? node + 1 : -1)),
      right: Float64Array.from(cover, (_, node) => (isInner(node) ? node + 2 : -1)),
      feature: Float64Array.from(cover, (_, node) => node / 2),
      value: Float64Array.from(cover, (_, node) => (isInner(node) ? 0 : random() * 4 - 2)),
      missingLeft: new Float64Array(nodes),
      cover,
    })
    const { leaves: _, featuresUsed: __, ...built } = builder.finish()
    const forest = { ...randomForest(random, { features: levels, trees: 1, depth: 1 }), ...built }
    for (const from of [levels, 250, 3, 0]) {
      // To the end, or out of the path where the first value is below 0.
      const row = Float64Array.from({ length: levels }, (_, column) => (column < from ? 1 : -1))
      const out = new Float64Array(levels)
      const margin = new Float64Array(1)
      const explainer = treeShap(forest)
      explainer.explain(row, 1, out)
      forestPredictor(forest).margin(row, 1, margin)
      near(
        out.reduce((sum, part) => sum + part, explainer.bias[0]!),
        margin[0]!,
        0,
        1e-12,
        `from ${from}`,
      )
    }
  })

  test('refuses too few values and too little room', () => {
    const explainer = treeShap(randomForest(seededRandom(1), { features: 3, trees: 1, depth: 2 }))
    assert.throws(() => explainer.explain(new Float64Array(5), 2, new Float64Array(6)), /5 values given, wanted 6/)
    assert.throws(() => explainer.explain(new Float64Array(6), 2, new Float64Array(5)), /room for 5 contributions/)
  })
})

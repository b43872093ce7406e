import { describe, test } from 'node:test'
import { near } from '../../math/golden.suite.ts'
import { seededRandom } from '../../math/random.ts'
import type { Forest } from '../forest.ts'
import { coalitionWorth, interactionValue, randomForest, randomRows, type Shape } from './random-forests.suite.ts'
import { treeInteractions } from './tree-interactions.ts'
import { treeShap } from './tree-shap.ts'

const SHAPES: Readonly<Record<string, Shape>> = {
  'a stump': { features: 1, trees: 1, depth: 1 },
  'few features, met again and again': { features: 3, trees: 3, depth: 7 },
  'as many features as levels': { features: 6, trees: 3, depth: 6 },
  'several outputs, weighted trees': { features: 4, trees: 9, depth: 5, outputs: 3, weighted: true },
  'vector leaves': { features: 4, trees: 4, depth: 4, outputs: 2, vectors: true, weighted: true },
}

function explained(forest: Forest, rows: Float64Array, count: number): [Float64Array, Float64Array] {
  const [outputs, width] = [forest.base.length, forest.features.length]
  const parts = new Float64Array(count * outputs * width)
  const matrices = new Float64Array(parts.length * width)
  treeShap(forest).explain(rows, count, parts)
  treeInteractions(forest).explain(rows, count, matrices)
  return [parts, matrices]
}

describe('treeInteractions', () => {
  for (const [name, shape] of Object.entries(SHAPES)) {
    test(`is the Shapley interaction index of the game: ${name}`, () => {
      const width = shape.features
      for (let seed = 0; seed < 8; seed++) {
        const random = seededRandom(seed)
        const forest = randomForest(random, shape)
        const rows = randomRows(random, width, 2)
        const outputs = forest.base.length
        const [parts, matrices] = explained(forest, rows, 2)
        for (let line = 0; line < parts.length; line++) {
          const [index, i] = [Math.floor(line / width), line % width]
          const row = rows.subarray(Math.floor(index / outputs) * width).subarray(0, width)
          const worth = (coalition: number): number => coalitionWorth(forest, row, index % outputs, coalition)
          let sum = 0
          for (let j = 0; j < width; j++) {
            const value = matrices[line * width + j]!
            sum += value
            if (i !== j) near(value, interactionValue(width, i, j, worth) / 2, 1e-11, 1e-12, `${seed}: ${i} with ${j}`)
          }
          near(sum, parts[line]!, 1e-11, 1e-11, `${seed}: all of ${i}`)
        }
      }
    })
  }
})

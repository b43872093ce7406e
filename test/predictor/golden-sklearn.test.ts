/** Against shap's own C code on forests of scikit-learn, whose trees stand in `test/golden`. */
import { describe, test } from 'node:test'
import { golden, near } from '../../src/math/golden.suite.ts'
import type { Forest } from '../../src/predictor/forest.ts'
import { ForestBuilder } from '../../src/predictor/forest-builder.ts'
import { treeShap } from '../../src/predictor/shap/tree-shap.ts'

interface Sklearn {
  readonly rows: number[][]
  readonly shap_rows: number[]
  /** By row and feature, and by class where there are several. */
  readonly shap_values: (number | number[])[][]
  readonly shap_expected: number[]
  readonly trees: readonly {
    left: number[]
    right: number[]
    feature: number[]
    threshold: number[]
    value: number[][]
    cover: number[]
  }[]
}

/** The next larger number. */
function nextUp(value: number): number {
  const bits = new BigInt64Array(Float64Array.of(value).buffer)
  bits[0]! += value < 0 ? -1n : 1n
  return value === 0 ? Number.MIN_VALUE : new Float64Array(bits.buffer)[0]!
}

/** @param weight what the value of a leaf counts for; @param base of the margin. */
function forestOf({ trees }: Sklearn, weight: number, base: Float64Array): Forest {
  const builder = new ForestBuilder('the forest')
  let before = 0
  for (const { left, right, feature, threshold, value, cover } of trees) {
    builder.add({
      count: left.length,
      left: Float64Array.from(left),
      right: Float64Array.from(right),
      feature: Float64Array.from(feature),
      // Until they are worth something, the number of its value is the value of a leaf.
      value: Float64Array.from(threshold, (at, node) => (left[node]! < 0 ? before + node : nextUp(at))),
      missingLeft: new Float64Array(left.length),
      cover: Float64Array.from(cover),
    })
    before += value.length
  }
  const values = trees.flatMap(tree => tree.value)
  const { leaves: _, featuresUsed: __, ...nodes } = builder.finish()
  const isVector = base.length > 1
  const child = nodes.child.map((next, node) => (nodes.feature[node]! < 0 ? nodes.value[node]! * base.length : next))
  return {
    kind: 'forest',
    format: 'onnx',
    task: 'regression',
    objective: 'test',
    features: Array.from({ length: 7 }, (_, column) => `f${column}`),
    featureTypes: [],
    named: false,
    categories: [],
    unseen: 'other',
    answers: 'number',
    facts: {},
    precision: 'float64',
    ...nodes,
    child,
    ...(isVector
      ? { leafVectors: Float64Array.from(values.flat()) }
      : { value: nodes.value.map((value, node) => (nodes.feature[node]! < 0 ? values[value]![0]! : value)) }),
    weights: new Float64Array(trees.length).fill(weight),
    base,
    link: 'identity',
  }
}

describe('scikit-learn', () => {
  for (const [name, rate, base] of [
    ['gbt', 0.1, [0.03000225030379863]], // the log-odds of the training rows
    ['rf_regressor', 1 / 12, [0]],
    ['rf_classifier', 1 / 12, [0, 0, 0]],
  ] as const) {
    test(name, () => {
      const reference = golden<Sklearn>(`model_skl_${name}`)
      const explainer = treeShap(forestOf(reference, rate, Float64Array.from(base)))
      const rows = Float64Array.from(reference.shap_rows.flatMap(row => reference.rows[row]!.map(Math.fround)))
      const count = reference.shap_rows.length
      const out = new Float64Array(count * base.length * 7)
      explainer.explain(rows, count, out)
      for (const [row, parts] of reference.shap_values.entries()) {
        for (const [column, part] of parts.entries()) {
          for (const [output, wanted] of [part].flat().entries()) {
            near(out[(row * base.length + output) * 7 + column]!, wanted, 0, 1e-8, `row ${row}, feature ${column}`)
          }
        }
      }
      for (const [output, wanted] of reference.shap_expected.entries()) near(explainer.bias[output]!, wanted, 0, 1e-12)
    })
  }
})

/** Models that skl2onnx wrote (`test/golden`), explained exactly, against KernelSHAP with all coalitions. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { golden, near } from '../../src/math/golden.suite.ts'
import { seededRandom } from '../../src/math/random.ts'
import type { Answering } from '../../src/predictor/explain/answering.ts'
import { kernelShap } from '../../src/predictor/explain/kernel-shap.ts'
import { explainerOf } from '../../src/predictor/explainer.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import { predictorOf } from '../../src/predictor/model.ts'

const BACKGROUND = 12

describe('ONNX', () => {
  for (const [name, link] of Object.entries({
    skl_gbt: (p: number) => Math.log(p / (1 - p)),
    skl_logreg: Math.log,
    skl_rf_classifier: (p: number) => p,
    skl_rf_regressor: (p: number) => p,
  })) {
    test(name, async () => {
      const model = loadArtifact(readFileSync(new URL(`../golden/models/${name}.onnx`, import.meta.url)))
      const all = golden<{ rows: number[][] }>(`model_${name}`).rows.filter(row =>
        row.every(value => Math.abs(value) < 4),
      )
      const flat = (rows: readonly number[][]): Float64Array => Float64Array.from(rows.flat())
      const background = { rows: flat(all.slice(0, BACKGROUND)), count: BACKGROUND }
      const explainer = explainerOf(model, { background })!
      const { outputCount: outputs, featureCount: width } = explainer
      const predictor = predictorOf(model)
      assert.equal(predictor.outputCount, outputs)
      const margin: Answering = {
        features: predictor.features,
        outputCount: outputs,
        predict(rows, count, out) {
          predictor.predict(rows, count, out)
          for (let at = 0; at < count * outputs; at++) out[at] = link(out[at]!)
        },
      }
      for (const row of all.slice(100, 105)) {
        const found = new Float64Array(outputs * width)
        explainer.explain(Float64Array.from(row), 1, found)
        const { contributions } = await kernelShap(margin, background, Float64Array.from(row), {
          random: seededRandom(1),
        })
        for (const [at, value] of found.entries()) {
          // Of several classes margins are known but for what they have in common.
          const isRelative = name === 'skl_logreg'
          const [here, there] = isRelative ? [found[at % width]!, contributions[at % width]!] : [0, 0]
          near(value - here, contributions[at]! - there, 0, 2e-5, `feature ${at % width}`)
        }
      }
    })
  }
})

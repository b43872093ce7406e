/** Hostile documents: cut anywhere, or with bytes changed, a document is refused or is a model; it never crashes or hangs. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Problem } from '../../src/errors.ts'
import { seededRandom } from '../../src/math/random.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import { predictorOf } from '../../src/predictor/model.ts'
import { loadPmml } from '../../src/predictor/pmml/load-pmml.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 3000)

/** Loads; where that works, the predictor must answer any row, were it with NaN. */
function survives(bytes: Uint8Array, load: typeof loadArtifact = loadPmml): 'loaded' | 'refused' {
  let predictor: ReturnType<typeof predictorOf>
  try {
    predictor = predictorOf(load(bytes))
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === 'invalid', `wanted a Problem: ${error}`)
    return 'refused'
  }
  const width = predictor.features.length
  const rows = new Float64Array(4 * width)
  rows.fill(1.5, width, 2 * width)
  rows.fill(Number.NaN, 2 * width, 3 * width)
  rows.fill(-1, 3 * width)
  predictor.predict(rows, 4, new Float64Array(4 * predictor.outputCount))
  return 'loaded'
}

describe('hostile PMML documents', () => {
  for (const name of ['domains', 'expr', 'lgbc_s', 'mlpc3', 'rf_s', 'xgbc_s']) {
    const model = readFileSync(new URL(`../golden/pmml/${name}.pmml`, import.meta.url))

    test(`${name}: cut, it is refused`, () => {
      assert.equal(survives(model, loadArtifact), 'loaded')
      const end = model.lastIndexOf('>')
      for (let length = 0; length <= end; length += Math.max(1, Math.floor(end / 1500))) {
        assert.equal(survives(model.subarray(0, length), loadArtifact), 'refused', `cut at ${length}`)
      }
    })

    test(`${name}: with bytes changed, it is refused or a model`, () => {
      const next = seededRandom(20_261_123)
      let loaded = 0
      for (let run = 0; run < RUNS / 3; run++) {
        const bytes = Buffer.from(model)
        const changes = 1 + Math.floor(next() * 3)
        for (let change = 0; change < changes; change++) {
          const at = Math.floor(next() * bytes.length)
          bytes[at] = next() < 0.5 ? bytes[at]! ^ (1 << Math.floor(next() * 8)) : 0x2c + Math.floor(next() * 50)
        }
        if (survives(bytes) === 'loaded') loaded++
      }
      assert.ok(loaded > 0 && loaded < RUNS, `${loaded} of ${RUNS} loaded`)
    })
  }
})

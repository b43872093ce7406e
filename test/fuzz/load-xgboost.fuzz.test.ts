/** Hostile artifacts: cut anywhere, or with bytes changed, a model is refused or is a model; it never crashes or hangs. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Problem } from '../../src/errors.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import { predictorOf } from '../../src/predictor/model.ts'

const FLIPS = Number(process.env['FUZZ_RUNS'] ?? 3000)

function small(name: string): Buffer {
  const model = JSON.parse(readFileSync(new URL(`../golden/models/${name}.json`, import.meta.url), 'utf8'))
  const { gradient_booster: booster } = model.learner
  const trees = (booster.gbtree ?? booster).model
  trees.trees.length = 3
  trees.tree_info.length = 3
  trees.gbtree_model_param.num_trees = '3'
  if (booster.weight_drop !== undefined) booster.weight_drop.length = 3
  return Buffer.from(JSON.stringify(model))
}

/** A seeded generator (mulberry32), so that a failure can be run again. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Loads; where that works, the predictor must answer finite numbers or infinity, for any row. */
function survives(bytes: Uint8Array): 'loaded' | 'refused' {
  try {
    const predictor = predictorOf(loadArtifact(bytes))
    const width = predictor.features.length
    const out = new Float64Array(3)
    const rows = new Float64Array(3 * width)
    rows.fill(1.5, width, 2 * width)
    rows.fill(Number.NaN, 2 * width)
    predictor.predict(rows, 3, out)
    assert.ok(out.every(value => !Number.isNaN(value)))
    return 'loaded'
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === 'invalid', `wanted a Problem: ${error}`)
    return 'refused'
  }
}

describe('hostile XGBoost models', () => {
  for (const name of ['xgb_binary', 'xgb_dart', 'xgb_categorical']) {
    const model = small(name)

    test(`${name}: whole, it loads`, () => {
      assert.equal(survives(model), 'loaded')
    })

    test(`${name}: cut at any byte, it is refused`, () => {
      for (let length = 0; length < model.length; length++) {
        assert.equal(survives(model.subarray(0, length)), 'refused', `cut at ${length}`)
      }
    })

    test(`${name}: with bytes changed, it is refused or a model`, () => {
      const next = random(20_261_122)
      let loaded = 0
      for (let run = 0; run < FLIPS; run++) {
        const bytes = Buffer.from(model)
        const changes = 1 + Math.floor(next() * 4)
        for (let change = 0; change < changes; change++) {
          const at = Math.floor(next() * bytes.length)
          bytes[at] = next() < 0.5 ? bytes[at]! ^ (1 << Math.floor(next() * 8)) : 0x2c + Math.floor(next() * 14)
        }
        if (survives(bytes) === 'loaded') loaded++
      }
      assert.ok(loaded > 0 && loaded < FLIPS, `${loaded} of ${FLIPS} loaded`)
    })
  }
})

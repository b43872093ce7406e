import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { seededRandom } from '../../src/math/random.ts'
import type { Forest } from '../../src/predictor/forest.ts'
import { forestPredictor } from '../../src/predictor/forest-predictor.ts'
import { fastPredictor } from '../../src/predictor/kernels/fast-predictor.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'

const ROWS = 500
/** In the repository, and beside it. */
const FOLDERS = ['../golden/', '../../../shared/models/'].map(path => new URL(path, import.meta.url))

function forests(): { name: string; forest: Forest }[] {
  return FOLDERS.filter(existsSync).flatMap(folder => {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name =>
      /\.(json|ubj|txt|onnx)$/.test(name),
    )
    return names.flatMap(name => {
      const forest = forestIn(new URL(name, folder))
      return forest === undefined ? [] : [{ name, forest }]
    })
  })
}

function forestIn(path: URL): Forest | undefined {
  try {
    const model = loadArtifact(readFileSync(path))
    return model.kind === 'forest' ? model : undefined
  } catch {
    return undefined // other files of the reference data
  }
}

/** Thresholds of each feature, their neighbours, categories, missing values. */
function rowsFor({ features, feature, value }: Forest): Float64Array {
  const random = seededRandom(5)
  const cuts = features.map((_, column) => value.filter((__, node) => feature[node] === column))
  return Float64Array.from({ length: ROWS * features.length }, (_, index) => {
    const own = cuts[index % features.length]!
    const kind = random()
    if (kind < 0.1 || own.length === 0) return kind < 0.05 ? Number.NaN : 0
    const cut = own[Math.floor(random() * own.length)]!
    return kind < 0.5
      ? cut
      : kind < 0.6
        ? Math.floor(random() * 20) - 1
        : cut + (random() - 0.5) * (Math.abs(cut) + 1e-6)
  })
}

describe('kernels on trained forests', () => {
  for (const { name, forest } of forests()) {
    test(`${name}: the answers of the scalar path, bit by bit`, () => {
      const rows = rowsFor(forest)
      const scalar = forestPredictor(forest)
      const fast = fastPredictor(forest)
      const expected = new Float64Array(ROWS * scalar.outputCount)
      const found = new Float64Array(ROWS * scalar.outputCount)
      scalar.predict(rows, ROWS, expected)
      fast.predict(rows, ROWS, found)
      assert.deepEqual(found, expected)
      for (let row = 0; row < 20; row++) {
        fast.predict(rows.subarray(row * forest.features.length), 1, found)
        assert.deepEqual(
          found.slice(0, scalar.outputCount),
          expected.slice(row * scalar.outputCount, (row + 1) * scalar.outputCount),
        )
      }
    })
  }
})

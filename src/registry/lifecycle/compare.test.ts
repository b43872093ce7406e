import assert from 'node:assert/strict'
import { test } from 'node:test'
import { profileCategories, profileNumbers } from '../profile.ts'
import type { ModelVersion } from '../version.ts'
import { type Compared, compareVersions } from './compare.ts'

function compared(version: string, trees: number, ages: readonly number[], auc: number): Compared {
  const feature = { name: 'age', type: 'number', nullable: false, sensitive: false, protected: false } as const
  const made: ModelVersion = {
    model: 'churn',
    version,
    format: 'xgboost-json',
    task: 'binary',
    objective: 'binary:logistic',
    artifact: { sha256: version, bytes: 10 },
    signature: { inputs: [feature], outputs: [] },
    uses: { permitted: [], prohibited: [], required: false },
    limitations: [],
    statedMetrics: { auc, f1: 0.5 },
    measuredMetrics: { auc: auc + 0.01 },
    durability: 'process',
    facts: { trees, depth: 3 },
    registeredAt: 0,
    registeredBy: 'local',
  }
  const land = profileCategories(
    'land',
    ['fr', 'es'],
    Float64Array.from(ages, () => 1),
    0,
  )
  const features = [profileNumbers('age', Float64Array.from(ages)), land]
  return { version: made, profile: { format: 1, rows: ages.length, features, outputs: [] } }
}

test('metrics are all told, facts and data where they differ', () => {
  const told = compareVersions(
    compared('1.0.0', 50, [20, 30, 40], 0.8),
    compared('1.0.1', 80, [20, 50, Number.NaN, 60], 0.85),
  )
  assert.equal(told.level, 'patch')
  assert.deepEqual(told.metrics, [
    { name: 'auc', before: 0.81, after: 0.86, beforeIs: 'measured', afterIs: 'measured' },
    { name: 'f1', before: 0.5, after: 0.5, beforeIs: 'stated', afterIs: 'stated' },
  ])
  assert.deepEqual(told.facts, [
    { name: 'trees', before: 50, after: 80 },
    { name: 'artifact', before: '1.0.0', after: '1.0.1' },
  ])
  const [{ distance, ...data } = { name: '' }, ...more] = told.data
  assert.deepEqual(more, [], 'the same country is no difference')
  assert.ok(distance !== undefined && distance.psi > 1 && Math.abs(distance.ks! - 2 / 3) < 1e-12)
  assert.deepEqual(
    [data],
    [
      {
        name: 'age',
        before: { missing: 0, median: 30, minimum: 20, maximum: 40 },
        after: { missing: 0.25, median: 50, minimum: 20, maximum: 60 },
      },
    ],
  )
})

test('without reference data, it says so', () => {
  const { version } = compared('1.0.0', 50, [1], 0.8)
  const told = compareVersions({ version }, compared('1.0.1', 50, [1], 0.8))
  assert.deepEqual([told.data, told.note], [[], '1.0.0 came without reference data'])
})

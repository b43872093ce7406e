/** What of a kept explanation is told to whom, with sensitive features sealed or erased. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem } from '../errors.ts'
import type { Explanation, PredictionRecord } from '../ledger/record.ts'
import type { Feature } from '../registry/signature.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { Actor } from '../route.ts'
import type { Explaining } from '../serving/explain-rows.ts'
import type { LoadedModel } from '../serving/lane.ts'
import { compileSignature } from '../serving/signature.ts'
import { explainPrediction } from './kept.ts'

const feature = (name: string, sensitive: boolean): Feature => ({
  name,
  type: 'number',
  nullable: true,
  sensitive,
  protected: false,
})
const signature = {
  inputs: [feature('age', true), feature('balance', false)],
  outputs: [{ name: 'p', type: 'number' as const }],
}
const HEAD = { features: ['age', 'balance'], named: true, outputCount: 1 }
/** Twice the age, minus the balance. */
const exact = {
  method: 'linear-shap',
  outputCount: 1,
  featureCount: 2,
  bias: Float64Array.of(1),
  explain(rows: Float64Array, _count: number, out: Float64Array): void {
    out[0] = 2 * rows[0]!
    out[1] = -rows[1]!
  },
} as unknown as Explaining
const model = (way: Explaining | undefined): LoadedModel =>
  ({
    version: { model: 'm', version: '1.0.0', signature } as unknown as ModelVersion,
    predictor: HEAD,
    signature: compileSignature(signature, HEAD),
    exact: () => way,
  }) as unknown as LoadedModel

const KEPT: Explanation = { bias: 1, contributions: { balance: -3 }, sealed: 'k.contributions' }
const SEALED: Readonly<Record<string, string>> = {
  'k.features i': '{"age":5}',
  'k.contributions i/explanation': '{"age":10}',
}
const record = (more: Partial<PredictionRecord>): PredictionRecord =>
  ({
    ...{ kind: 'prediction', id: 'i', at: 1, model: 'm', version: '1.0.0' },
    ...{ features: { balance: 3 }, sealed: 'k.features', outputs: { p: 8 } },
    ...more,
  }) as unknown as PredictionRecord

const VIEWER: Actor = { id: 'key:1', name: 'viewer', roles: ['viewer'] }
const AUDITOR: Actor = { id: 'key:2', name: 'admin', roles: ['admin'] }

function explain(
  actor: Actor,
  { kept = true, erased = false, way = exact }: { kept?: boolean; erased?: boolean; way?: Explaining | null } = {},
) {
  const unseal = async (sealed: string, { id }: { readonly id: string }): Promise<string> => {
    const found = erased ? undefined : SEALED[`${sealed} ${id}`]
    if (found === undefined) throw new Problem('not_found', 'Cannot unseal: erased')
    return found
  }
  const parts = {
    ledger: { find: async (id: string) => (id === 'i' ? record(kept ? { explanation: KEPT } : {}) : undefined) },
    seals: { unseal },
    models: { get: () => model(way ?? undefined) },
  }
  return explainPrediction(parts, 'i', actor, 5)
}

describe('explainPrediction()', () => {
  it('tells all to who may unseal, whether it is kept or computed', async () => {
    for (const kept of [true, false]) {
      const told = await explain(AUDITOR, { kept })
      assert.deepEqual(told.explanation, { bias: 1, contributions: { age: 10, balance: -3 } })
      assert.deepEqual([told.kept, told.margin, told.withheld], [kept, 8, undefined])
      assert.deepEqual(told.features, { balance: 3, age: 5 })
      assert.deepEqual(
        told.reasons.map(({ text }) => text),
        ['Age (5) raises p', 'Balance (3) lowers p'],
      )
    }
  })

  it('withholds what is sealed, or erased, and with it every sum that would tell it', async () => {
    for (const [actor, erased, because] of [
      [VIEWER, false, 'sealed'],
      [AUDITOR, true, 'erased'],
    ] as const) {
      const told = await explain(actor, { erased })
      assert.deepEqual(told.withheld, { features: ['age'], because })
      assert.deepEqual(told.explanation, { bias: 1, contributions: { balance: -3 } })
      assert.deepEqual([told.margin, told.effects, told.features], [undefined, undefined, { balance: 3 }])
      assert.deepEqual(
        told.reasons.map(({ feature: name }) => name),
        ['balance'],
      )
    }
  })

  it('computes nothing from what the caller may not see, or nobody can', async () => {
    const code = (expected: string) => (error: unknown) => error instanceof Problem && error.code === expected
    await assert.rejects(explain(VIEWER, { kept: false }), code('forbidden'))
    await assert.rejects(explain(AUDITOR, { kept: false, erased: true }), code('not_found'))
    await assert.rejects(explain(AUDITOR, { kept: false, way: null }), code('invalid'))
  })
})

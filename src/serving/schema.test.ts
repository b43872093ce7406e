import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Feature } from '../registry/signature.ts'
import type { ModelVersion } from '../registry/version.ts'
import { modelSchema } from './schema.ts'
import { compileSignature } from './signature.ts'

const feature = (name: string, more: Partial<Feature>): Feature => ({
  name,
  type: 'number',
  nullable: false,
  sensitive: false,
  protected: false,
  ...more,
})
const INPUTS = [
  feature('age', {
    type: 'integer',
    minimum: 18,
    maximum: 100,
    description: 'At the time of asking',
    unit: 'years',
    observed: { minimum: 20, maximum: 61, missing: 0, distinct: 30 },
  }),
  feature('balance', { nullable: true, sensitive: true }),
  feature('share', { minimum: 0, maximum: 0.5 }),
  feature('low', { type: 'integer', maximum: -5 }),
  feature('active', { type: 'boolean', protected: true }),
  feature('any', { type: 'numeric' }),
  feature('country', { type: 'string', categories: ['fr', 'es'], nullable: true }),
]
const version = {
  model: 'churn',
  version: '1.0.0',
  task: 'binary',
  objective: 'binary:logistic',
  format: 'xgboost-json',
  uses: { permitted: ['retention-offer'], prohibited: [] },
  signature: { inputs: INPUTS, outputs: [{ name: 'p', type: 'number', minimum: 0, maximum: 1 }] },
} as unknown as ModelVersion

// biome-ignore lint/suspicious/noExplicitAny: schemas are looked into, member by member
const schema: any = modelSchema(version, 100)

describe('modelSchema()', () => {
  it('says what each feature takes', () => {
    const [row, batch] = schema.request.oneOf
    assert.equal(batch.maxItems, 100)
    assert.deepEqual(
      row.required,
      INPUTS.map(({ name }) => name),
    )
    assert.equal(row.additionalProperties, false)
    assert.deepEqual(row.properties.age, {
      type: 'integer',
      minimum: 18,
      maximum: 100,
      description: 'At the time of asking. In years. Seen in training: 20 to 61',
    })
    assert.deepEqual(row.properties.balance.type, ['number', 'null'])
    assert.match(row.properties.balance.description, /null is a missing value\. Sensitive/)
    assert.deepEqual(row.properties.active.enum, [true, false, 0, 1])
    assert.deepEqual(row.properties.any.type, ['number', 'boolean'])
    assert.deepEqual(row.properties.country.enum, ['fr', 'es', null])
    assert.deepEqual(schema.response.oneOf[0].properties.outputs.properties.p, {
      type: 'number',
      minimum: 0,
      maximum: 1,
    })
    assert.match(schema.description, /Permitted uses: retention-offer/)
  })

  it('has an example that the model takes', () => {
    const predictor = { features: INPUTS.map(({ name }) => name), named: true, outputCount: 1 }
    assert.equal(schema.example.age, 41)
    assert.doesNotThrow(() => compileSignature(version.signature, predictor).read(schema.example, 1))
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../math/random.ts'
import type { ReferenceProfile } from '../registry/profile.ts'
import type { Feature } from '../registry/signature.ts'
import { compileSignature } from '../serving/signature.ts'
import { sampleRows } from './sample-rows.ts'

const plainly = { sensitive: false, protected: false }

/** What the model's door says of the rows. */
function refusals(inputs: readonly Feature[], rows: readonly object[]): unknown[] {
  const features = inputs.map(({ name }) => name)
  const signature = compileSignature({ inputs, outputs: [] }, { features, named: true, outputCount: 1 })
  return rows.flatMap(row => signature.faults(row, '', 10).fields)
}

const limits = fc.record(
  { minimum: fc.double({ min: -50, max: 0, noNaN: true }), maximum: fc.double({ min: 2, max: 50, noNaN: true }) },
  { requiredKeys: [] },
)
const feature: fc.Arbitrary<Feature> = fc.oneof(
  fc.tuple(fc.constantFrom('number', 'integer', 'boolean', 'numeric'), limits, fc.boolean()).map(
    ([type, bounds, nullable]): Feature => ({
      name: 'x',
      type: type as Feature['type'],
      nullable,
      ...plainly,
      ...(type === 'boolean' || type === 'numeric' ? {} : bounds),
    }),
  ),
  fc
    .boolean()
    .map((nullable): Feature => ({ name: 'x', type: 'string', categories: ['a', 'b'], nullable, ...plainly })),
)

describe('sampleRows()', () => {
  test('makes rows that the model takes, whatever is declared of its features', () => {
    fc.assert(
      fc.property(feature, fc.nat(), (input, seed) => {
        const rows = sampleRows({ inputs: [input], outputs: [] }, undefined, 20, seededRandom(seed))
        assert.deepEqual(refusals([input], rows), [])
      }),
    )
  })

  test('draws values of the training data as often as they are there, and missing ones where they may be', () => {
    const inputs: readonly Feature[] = [
      { name: 'age', type: 'integer', minimum: 18, maximum: 100, nullable: true, ...plainly },
      { name: 'country', type: 'string', categories: ['DE', 'FR'], nullable: false, ...plainly },
      { name: 'member', type: 'boolean', nullable: false, ...plainly },
    ]
    const profile: ReferenceProfile = {
      format: 1,
      rows: 100,
      features: [
        { name: 'age', kind: 'numeric', lowers: [20, 40], maximum: 40, counts: [60, 20], missing: 20 },
        { name: 'country', kind: 'categorical', categories: ['DE', 'FR'], counts: [90, 10], other: 0, missing: 0 },
        { name: 'member', kind: 'numeric', lowers: [0, 1], maximum: 1, counts: [50, 50], missing: 0 },
      ],
      outputs: [],
    }
    const rows = sampleRows({ inputs, outputs: [] }, profile, 5000, seededRandom(3))
    assert.deepEqual(refusals(inputs, rows), [])
    const share = (name: string, value: unknown): number => rows.filter(row => row[name] === value).length / rows.length
    for (const [name, value, wanted] of [
      ['age', 20, 0.6],
      ['age', 40, 0.2],
      ['age', null, 0.2],
      ['country', 'DE', 0.9],
      ['member', true, 0.5],
    ] as const) {
      assert.ok(Math.abs(share(name, value) - wanted) < 0.03, `${name} ${value}: ${share(name, value)}`)
    }
  })
})

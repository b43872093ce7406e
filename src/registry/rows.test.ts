import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Column } from '../data/column.ts'
import type { CsvTable } from '../data/csv.ts'
import { encodeTable } from './rows.ts'
import type { Feature, Signature } from './signature.ts'

const country: Feature = {
  name: 'country',
  type: 'string',
  nullable: true,
  sensitive: false,
  protected: false,
  categories: ['DE', 'FR'],
}
const signature: Signature = { inputs: [country], outputs: [{ name: 'p', type: 'number' }] }
const example = { text: 'FR', line: 2 }
const texts: CsvTable = {
  header: ['country'],
  rows: 4,
  columns: new Map<string, Column>([
    [
      'country',
      {
        name: 'country',
        kind: 'string',
        missing: 1,
        texts: ['FR', 'XX', 'DE'],
        codes: Int32Array.of(0, 1, -1, 2),
        example,
      },
    ],
  ]),
}
const numbers: CsvTable = {
  header: ['country'],
  rows: 2,
  columns: new Map<string, Column>([
    ['country', { name: 'country', kind: 'number', missing: 1, values: Float64Array.of(7, Number.NaN) }],
  ]),
}

test('a text that is none of the categories is what the model makes of one; a missing one is missing', () => {
  const asMissing = encodeTable(signature, texts, 'the data')
  assert.deepEqual(asMissing, [{ values: Float64Array.of(1, Number.NaN, Number.NaN, 0), other: 1 }])
  const asOther = encodeTable(signature, texts, 'the data', 'other')
  assert.deepEqual(asOther, [{ values: Float64Array.of(1, -1, Number.NaN, 0), other: 1 }])
})

test('so is a number where texts were wanted', () => {
  assert.deepEqual(encodeTable(signature, numbers, 'the data', 'other'), [
    { values: Float64Array.of(-1, Number.NaN), other: 1 },
  ])
  assert.deepEqual(encodeTable(signature, numbers, 'the data'), [
    { values: Float64Array.of(Number.NaN, Number.NaN), other: 1 },
  ])
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { NUMBERS, records, strangeRecords } from './arbitraries.suite.ts'
import { canonical } from './canonical.ts'
import {
  assembler,
  type FilledColumn,
  type Fragments,
  fragmentOf,
  isLayoutOf,
  isPartition,
  isRowOf,
  TableBuilder,
} from './columns.ts'

/** What a file gives back for a column, without the file. */
function fragments({ type, values }: FilledColumn): Fragments {
  return row => fragmentOf(type, values[row] ?? null)
}

/** Through columns and back. All records must be of one kind and model. */
function roundTrip(lines: readonly string[], whole = false): string[] {
  const partition = (name: 'kind' | 'model'): string | undefined => {
    const value: unknown = JSON.parse(lines[0]!)?.[name]
    return isPartition(value) ? value : undefined
  }
  const builder = new TableBuilder(partition('kind'))
  for (const [index, line] of lines.entries()) builder.add(index, line, JSON.parse(line), whole)
  const columns = builder.finish().columns.slice(1)
  const names = columns.map(({ name }) => name.toLowerCase())
  assert.equal(new Set(names).size, names.length, `Columns clash: ${names}`)
  for (const name of names) assert.match(name, /^[a-z][a-z0-9_]*$/)
  const assemble = assembler(partition('kind'), partition('model'), columns)
  const cells = columns.map(fragments)
  assert.ok(isLayoutOf(partition('kind'), columns))
  return lines.map((line, row) => {
    assert.ok(isRowOf(partition('kind'), columns, cells, row, line), `Not how it is stored: ${line}`)
    return assemble(cells, row)
  })
}

describe('columns', () => {
  const samePartition = (made: readonly Record<string, unknown>[]): Record<string, unknown>[] =>
    made.map(record => ({ ...record, kind: made[0]!['kind'], model: made[0]!['model'] }))

  it('give back the canonical text of any record', () => {
    fc.assert(
      fc.property(fc.array(records, { minLength: 1, maxLength: 6 }), made => {
        const lines = samePartition(made).map(canonical)
        assert.deepEqual(roundTrip(lines), lines)
      }),
      { numRuns: 300 },
    )
  })

  it('give back records with unknown members, wrong types and missing ones', () => {
    fc.assert(
      fc.property(fc.array(strangeRecords, { minLength: 1, maxLength: 6 }), made => {
        const lines = samePartition(made).map(canonical)
        assert.deepEqual(roundTrip(lines), lines)
      }),
      { numRuns: 500 },
    )
  })

  it('give back any text where it is kept whole, canonical or not', () => {
    fc.assert(
      fc.property(records, made => {
        const line = JSON.stringify(made, null, 1)
        assert.deepEqual(roundTrip([line], true), [line])
      }),
    )
  })

  it('keep every number exactly', () => {
    const features = Object.fromEntries(NUMBERS.map((number, index) => [`n${index}`, number]))
    const line = canonical({ kind: 'prediction', model: 'm', features, outputs: {} })
    assert.deepEqual(roundTrip([line]), [line])
  })

  it('give a feature one column a type', () => {
    const lines = [1, true, 'one', '', false, 0].map(x =>
      canonical({ kind: 'prediction', model: 'm', features: { x, X: 1 }, outputs: {} }),
    )
    assert.deepEqual(roundTrip(lines), lines)
    const builder = new TableBuilder('prediction')
    for (const line of lines) builder.add(0, line, JSON.parse(line))
    const made = builder.finish().columns.filter(({ path }) => path[0] === 'features')
    assert.deepEqual(
      made.map(({ name, type, path }) => [name, type, path[1]]),
      [
        ['feature_X', 'number', 'X'],
        ['feature_x_2', 'number', 'x'],
        ['feature_x_3', 'boolean', 'x'],
        ['feature_x_4', 'text', 'x'],
      ],
    )
  })

  it('put what is known into columns also where the text is kept whole', () => {
    const builder = new TableBuilder('refusal')
    builder.add(7, 'the text', { kind: 'refusal', actor: 'key:1', count: 2.5 }, true)
    const { columns } = builder.finish()
    const value = (name: string): unknown => columns.find(column => column.name === name)?.values[0] ?? null
    assert.deepEqual(['position', 'actor', 'count', 'rest'].map(value), [7, 'key:1', null, '"the text"'])
  })

  it('stop making columns for names without end', () => {
    const builder = new TableBuilder('prediction')
    const lines = Array.from({ length: 50 }, (_, row) =>
      canonical({
        kind: 'prediction',
        features: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`f${row}x${index}`, index])),
        outputs: {},
      }),
    )
    for (const [row, line] of lines.entries()) builder.add(row, line, JSON.parse(line))
    assert.ok(builder.finish().columns.length < 4200)
    assert.deepEqual(roundTrip(lines), lines)
  })
})

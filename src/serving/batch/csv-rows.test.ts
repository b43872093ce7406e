import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { riskOf, SIGNATURE, smallModel } from './batch-world.suite.ts'
import { csvLayout, csvRows, decimalOf } from './csv-rows.ts'
import type { ParsedRows } from './parsed-rows.ts'
import { scorerOf } from './score-block.ts'
import { localAnswers } from './scored-rows.ts'
import { csvLine } from './write-text.ts'

const SCORER = scorerOf({ model: smallModel(), signature: SIGNATURE })
const HEADER = 'id,age,active,city,balance'

function rowsOf(body: string, header = HEADER): ParsedRows {
  return csvRows(Buffer.from(body), 2, csvLayout(Buffer.from(header)), SCORER, ['id'])
}

function valuesOf({ count, values }: ParsedRows): number[][] {
  return Array.from({ length: count }, (_, row) => [...values.subarray(row * 4, row * 4 + 4)])
}

describe('decimalOf()', () => {
  const decimal = (text: string): number => decimalOf(Buffer.from(text), 0, text.length)

  test('is the double nearest to what is written, or leaves it to others', () => {
    const digits = fc.stringMatching(/^[+-]?\d{0,9}\.?\d{0,9}$/)
    fc.assert(
      fc.property(fc.oneof(digits, fc.double({ noNaN: true }).map(String), fc.integer().map(String)), text => {
        const found = decimal(text)
        if (!Number.isNaN(found)) assert.ok(Object.is(found, Number(text)), `${text} gave ${found}`)
      }),
      { numRuns: 2000 },
    )
  })

  test('takes what files are full of, and nothing that is no decimal', () => {
    for (const [text, value] of [
      ['42', 42],
      ['-0', -0],
      [' 1.50 ', 1.5],
      ['.5', 0.5],
      ['5.', 5],
      ['182005.90', 182005.9],
    ] as const) {
      assert.ok(Object.is(decimal(text), value), text)
    }
    for (const text of ['', '.', '-', '1e3', '0x1f', '1.2.3', 'NaN', '1 2', '1234567890123456']) {
      assert.ok(Number.isNaN(decimal(text)), text)
    }
  })
})

describe('csvRows()', () => {
  test('reads cells as the features take them, and tells what is wrong by line', () => {
    const body =
      '1,42,TRUE,Oslo,1e3\r\n2,,0,Bergen,NA\n\n"3,x",7,1,"Os""lo",1\n4,4.5,1,Oslo,1\n5,1,1\n6,50,1,"Ber\ngen",2\n7,-1,yes,Oslo,9\n8,9,1,Oslo,3'
    const rows = rowsOf(body)
    assert.deepEqual(valuesOf(rows), [
      [42, 1, 0, 1000],
      [Number.NaN, 0, 1, Number.NaN],
      [9, 1, 0, 3],
    ])
    assert.deepEqual([...rows.lines.subarray(0, rows.count)], [2, 3, 11])
    assert.deepEqual(rows.extras, [{ name: 'id', values: ['1', '2', '8'] }])
    assert.deepEqual(
      rows.faults.map(({ line, reason }) => [line, reason]),
      [
        [5, 'city is the unknown category "Os\\"lo", one of "Oslo", "Bergen" or null was wanted'],
        [6, 'age is 4.5, an integer of at least 0 or null was wanted'],
        [7, 'has 3 cells, wanted 5 as in the header'],
        [8, 'city is the unknown category "Ber\\ngen", one of "Oslo", "Bergen" or null was wanted'],
        [
          10,
          'age is -1, an integer of at least 0 or null was wanted; active is the text "yes", true, false, 0 or 1, or null, was wanted',
        ],
      ],
    )
    assert.equal(rows.faults[1]!.row, '4,4.5,1,Oslo,1')
  })

  test('finds every row of any table that a writer of CSV writes, with any delimiter', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('"', '""', ',', '\n', 'a\r\nb', ';'),
    )
    const row = fc.record({ id: cell, age: fc.option(fc.nat(99)), city: fc.constantFrom('Oslo', 'Bergen', null) })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 9 }), fc.constantFrom(',', ';', '\t'), (table, mark) => {
        const layout = csvLayout(Buffer.from(HEADER.replaceAll(',', mark)))
        const body = table.map(({ id, age, city }) => csvLine([`x${id}`, age, 1, city, 0.5], mark)).join('')
        const rows = csvRows(Buffer.from(body), 2, layout, SCORER, ['id'])
        assert.deepEqual(rows.faults, [])
        assert.equal(rows.count, table.length)
        const { outputs } = localAnswers(SCORER, rows)
        assert.deepEqual(
          [...(outputs[0] as Float64Array)],
          table.map(({ age, city }) => riskOf(age, city)),
        )
        assert.deepEqual(
          rows.extras[0]!.values,
          table.map(({ id }) => kept(`x${id}`, mark)),
        )
      }),
      { numRuns: 300 },
    )
  })

  test('a quote that is not closed is one wrong row, the last', () => {
    const { count, faults } = rowsOf('1,2,1,Oslo,3\n2,"3,1,Oslo,4\n')
    assert.equal(count, 1)
    assert.match(faults[0]!.reason, /a quote that is not closed/)
    assert.match(rowsOf('1,"2"x,1,Oslo,3\n').faults[0]!.reason, /text beside one/)
  })
})

/** White space around an unquoted cell means nothing. */
function kept(text: string, mark: string): string {
  return /["\r\n]/.test(text) || text.includes(mark) ? text : text.trim()
}

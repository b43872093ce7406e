import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { csvLines } from './csv-cells.ts'

describe('csvLines()', () => {
  it('reads quotes, gaps, all ends of lines and none at the last', () => {
    assert.deepEqual(csvLines('\uFEFFa,b\r\n"x ""y"",\n",\n\n,""\r1,2'), [
      ['a', 'b'],
      ['x "y",\n', null],
      [null, ''],
      ['1', '2'],
    ])
    assert.deepEqual(csvLines(''), [])
    assert.deepEqual(csvLines('a,'), [['a', null]])
  })

  it('reads what was written', () => {
    const cell = fc.string().filter(text => text !== '')
    const table = fc
      .integer({ min: 1, max: 4 })
      .chain(width => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }))
    fc.assert(
      fc.property(table, lines => {
        const text = lines.map(line => line.map(each => `"${each.replaceAll('"', '""')}"`).join(',')).join('\r\n')
        assert.deepEqual(csvLines(text), lines)
      }),
    )
  })

  it('refuses lines that cannot be read, by their number', () => {
    assert.throws(() => csvLines('a,b\n1'), { code: 'malformed', message: /line 2 .* it has 1 cells, 2 were wanted/ })
    assert.throws(() => csvLines('a,b\n1,"2'), { code: 'malformed', message: /line 2 .* quote/ })
    assert.throws(() => csvLines('a"b\n'), { code: 'malformed', message: /line 1 .* quote/ })
  })

  it('reads a long quoted text', () => {
    const long = 'x""'.repeat(500_000)
    assert.equal(csvLines(`a\n"${long}"`)[1]![0]!.length, 1_000_000)
  })
})

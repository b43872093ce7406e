import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { DISTINCT_TEXTS_MAX } from './column.ts'
import { CSV_LIMITS, type CsvReading, type CsvTable, readCsv } from './csv.ts'
import { snapshotOf } from './snapshot.ts'

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

function read(content: string | Uint8Array, more: Partial<CsvReading> = {}, size = 7): Promise<CsvTable> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  return readCsv(pieces(bytes, size), { what: 'the data', ...more })
}

function cells(table: CsvTable, name: string): unknown[] {
  const column = table.columns.get(name)
  if (column === undefined || column.kind === 'text') return [column?.kind]
  if (column.kind === 'string') return Array.from(column.codes, code => (code < 0 ? null : column.texts[code]))
  return Array.from(column.values, value => (Number.isNaN(value) ? null : value))
}

describe('readCsv', () => {
  test('types columns by their cells', async () => {
    const table = await read('n,b,s,m\n1,true,France,1\n-2.5e3,FALSE,,x\n,,"a ""b"", c",NA\n')
    assert.deepEqual(table.header, ['n', 'b', 's', 'm'])
    assert.equal(table.rows, 3)
    assert.deepEqual(cells(table, 'n'), [1, -2500, null])
    assert.deepEqual(cells(table, 'b'), [1, 0, null])
    assert.deepEqual(cells(table, 's'), ['France', null, 'a "b", c'])
    assert.deepEqual(cells(table, 'm'), ['1', 'x', null])
    assert.deepEqual(
      [...table.columns.values()].map(column => column.kind),
      ['number', 'boolean', 'string', 'string'],
    )
    assert.deepEqual(
      [...table.columns.values()].map(column => column.missing),
      [1, 1, 1, 1],
    )
    const mixed = table.columns.get('m')
    assert.deepEqual(mixed?.kind === 'string' && mixed.example, { text: 'x', line: 3 })
  })

  for (const [what, bytes] of [
    ['a byte order mark', '\uFEFFa,b\n1,2\n'],
    ['CRLF', 'a,b\r\n1,2\r\n'],
    ['no line end at the end', 'a,b\n1,2'],
    ['semicolons', 'a;b\n1;2\n'],
    ['tabs', 'a\tb\n1\t2\n'],
    ['quoted names with the other delimiter', '"a","b"\n1,2\n'],
    ['empty lines', 'a,b\n\n1,2\n\n'],
    ['spaces about cells', ' a , b \n 1 , 2 \n'],
    ['gzip', gzipSync('a,b\n1,2\n')],
  ] as const) {
    test(`takes ${what}`, async () => {
      for (const size of [1, 3, 1000]) {
        const table = await read(bytes as string | Uint8Array, {}, size)
        assert.deepEqual(table.header, ['a', 'b'])
        assert.deepEqual([cells(table, 'a'), cells(table, 'b')], [[1], [2]])
      }
    })
  }

  test('keeps the columns asked for', async () => {
    const table = await read('a,b,c\n1,2,3\n', { keep: header => header.filter(name => name !== 'b') })
    assert.deepEqual([...table.columns.keys()], ['a', 'c'])
  })

  test('reads as text where told so', async () => {
    const table = await read('a\n07\n7\n', { texts: new Set(['a']) })
    assert.deepEqual(cells(table, 'a'), ['07', '7'])
  })

  test('makes numbers in the way it is told', async () => {
    const numbers = new Map([['a', (cell: string) => cell.length]])
    const lines = Array.from({ length: 2000 }, (_, index) => `${'x'.repeat(index % 5)},${index}`)
    const table = await read(`a,b\n${lines.join('\n')}\n`, { numbers }, 4096)
    assert.deepEqual(cells(table, 'a').slice(0, 6), [null, 1, 2, 3, 4, null])
    assert.equal(table.columns.get('a')?.missing, 400)
    assert.equal(cells(table, 'a').length, 2000)
  })

  test('what Number() takes and a CSV does not is a text', async () => {
    for (const text of ['0x1f', 'Infinity', '-inf', '1,5'.replace(',', '_'), '0b1']) {
      assert.equal((await read(`a\n1\n${text}\n`)).columns.get('a')?.kind, 'string', text)
    }
  })

  test('keeps many distinct numbers', async () => {
    const numbers = Array.from({ length: 5000 }, (_, index) => (index % 10 === 3 ? null : index / 8))
    const table = await read(`a\n${numbers.map(n => n ?? 'NA').join('\n')}\n`, {}, 4096)
    assert.deepEqual(cells(table, 'a'), numbers)
  })

  test('gives up on a column with too many texts, and on no other', async () => {
    const lines = Array.from({ length: DISTINCT_TEXTS_MAX + 1 }, (_, index) => `id${index},${index % 2},`)
    const table = await read(`id,b,c\n${lines.join('\n')}\n`, {}, 65536)
    assert.equal(table.columns.get('id')?.kind, 'text')
    assert.equal(cells(table, 'b').length, DISTINCT_TEXTS_MAX + 1)
    assert.equal(table.columns.get('c')?.missing, DISTINCT_TEXTS_MAX + 1)
  })

  test('says where a text stands among many numbers', async () => {
    const lines = Array.from({ length: 3000 }, (_, index) => String(index))
    const column = (await read(`a\n${lines.join('\n')}\noops\n1\n`, {}, 4096)).columns.get('a')
    assert.deepEqual(column, { name: 'a', missing: 0, kind: 'text', example: { text: 'oops', line: 3002 } })
  })

  test('reads back what was written', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map(t => `t${t.replaceAll('\0', '')}`.trim())
    const rows = fc.array(
      fc.tuple(
        fc.double({ noNaN: true, noDefaultInfinity: true }).map(n => n + 0),
        text,
      ),
      {
        minLength: 1,
        maxLength: 30,
      },
    )
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('\n', '\r\n'),
        async (written, size, eol) => {
          const lines = written.map(([number, cell]) => `${number},"${cell.replaceAll('"', '""')}"`)
          const table = await read(['n,t', ...lines].join(eol), { texts: new Set(['t']) }, size)
          assert.deepEqual(
            cells(table, 'n'),
            written.map(([number]) => number),
          )
          assert.deepEqual(
            cells(table, 't'),
            written.map(([, cell]) => cell),
          )
        },
      ),
    )
  })

  const refused: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['an empty file', '', /it is empty, wanted a header and rows/],
    ['a header alone', 'a,b\n', /a header but no rows/],
    ['a short row', 'a,b\n1,2\n3\n', /line 3 has 1 cells, wanted 2 as in the header/],
    ['a long row', 'a,b\n1,2,3\n', /line 2 has 3 cells, wanted 2/],
    ['a name twice', 'a,b,a\n1,2,3\n', /two columns are named "a"/],
    ['an empty name', 'a,,b\n1,2,3\n', /column 2 has no name$/],
    ['an index of pandas', ',a\n0,1\n', /column 1 has no name \(written by pandas\? then say index=False/],
    ['an open quote', 'a,b\n"1,2\n', /a quote is opened and never closed/],
    ['a quote within', 'a,b\n1"2,3\n', /line 2: Invalid Opening Quote/],
    ['latin-1', Uint8Array.of(0x61, 0x0a, 0xe9, 0x0a), /not UTF-8 \(saved by a spreadsheet/],
    ['a cut character', Uint8Array.of(0x61, 0x0a, 0xc3), /not UTF-8/],
    ['UTF-16', Buffer.from('a,b\n1,2\n', 'utf16le'), /bytes of value 0/],
    ['a cut gzip file', gzipSync('a,b\n1,2\n').subarray(0, 20), /cannot be unpacked/],
    ['a damaged gzip file', Uint8Array.of(0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9), /cannot be unpacked/],
    ['a line without end', `a${'x'.repeat(2_000_000)}`, /line 1 is longer than/],
  ]
  for (const [what, content, message] of refused) {
    test(`refuses ${what}`, async () => {
      await assert.rejects(read(content, {}, 65536), { code: 'invalid', message })
    })
  }

  test('refuses more than the limits', async () => {
    const limits = { ...CSV_LIMITS, cellsMax: 3 }
    await assert.rejects(read('a,b\n1,2\n3,4\n', { limits }), { code: 'too_large', message: /more than 3 cells/ })
    const bomb = gzipSync(`a\n${'1\n'.repeat(100_000)}`)
    await assert.rejects(read(bomb, { limits: { ...CSV_LIMITS, bytesMax: 1000 } }), {
      code: 'too_large',
      message: /more than 1000 bytes/,
    })
  })

  test('passes on what the source and the header check throw', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield gzipSync('a\n1\n').subarray(0, 12)
      throw new Error('the disk is gone')
    }
    await assert.rejects(readCsv(broken(), { what: 'the data' }), /the disk is gone/)
    const keep = (): never => {
      throw new Error('no such column')
    }
    await assert.rejects(read('a\n1\n', { keep }), /no such column/)
  })
})

test('a snapshot names the bytes and the shape', async () => {
  const table = await read('a,b\n1,2\n3,4\n')
  assert.deepEqual(snapshotOf({ sha256: 'ab', bytes: 12 }, table), {
    sha256: 'ab',
    bytes: 12,
    rows: 2,
    columns: ['a', 'b'],
  })
})

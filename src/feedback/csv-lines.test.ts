import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type CsvLine, cellsOf, csvLines, delimiterOf, LINE_BYTES_MAX } from './csv-lines.ts'

async function linesOf(bytes: Uint8Array, chunkBytes: number): Promise<CsvLine[]> {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, at) =>
    bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes),
  )
  const source = (async function* () {
    yield* chunks
  })()
  const lines: CsvLine[] = []
  for await (const line of csvLines(source)) lines.push(line)
  return lines
}

function quoted(cell: string, delimiter: string): string {
  const isPlain = !cell.includes(delimiter) && !cell.includes('"') && cell.trim() === cell
  return isPlain ? cell : `"${cell.replaceAll('"', '""')}"`
}

describe('lines', () => {
  it('come out the same however the bytes are cut', async () => {
    const text = fc.array(
      fc.string({ unit: 'grapheme' }).map(line => line.replaceAll(/[\r\n]/g, '')),
      { maxLength: 20 },
    )
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom('\n', '\r\n'),
        async (lines, size, end) => {
          const wanted = lines.flatMap((line, index) => {
            const plain = index === 0 ? line.replace(/^\ufeff/, '') : line
            return plain.trim() === '' ? [] : [{ line: index + 1, text: plain }]
          })
          assert.deepEqual(await linesOf(Buffer.from(lines.join(end)), size), wanted)
        },
      ),
    )
  })

  it('that cannot be read are named, and spoil no other', async () => {
    const long = Buffer.alloc(LINE_BYTES_MAX * 3, 'x')
    const bytes = Buffer.concat([Buffer.from('\ufeffa\n'), long, Buffer.from('\n\xff\n', 'latin1'), Buffer.from('b')])
    for (const size of [700, 10_000, 1 << 20]) {
      const lines = await linesOf(bytes, size)
      assert.deepEqual(
        lines.map(({ line, text, fault }) => [line, text, fault]),
        [
          [1, 'a', undefined],
          [2, undefined, `is longer than ${LINE_BYTES_MAX} bytes`],
          [3, undefined, 'is not UTF-8'],
          [4, 'b', undefined],
        ],
      )
    }
  })
})

describe('cells', () => {
  it('are what was quoted', () => {
    const cell = fc.string({ unit: 'grapheme' }).map(text => text.replaceAll(/[\r\n]/g, ''))
    const row = fc.array(cell, { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(row, fc.constantFrom(',', ';', '\t'), (cells, delimiter) => {
        assert.deepEqual(cellsOf(cells.map(text => quoted(text, delimiter)).join(delimiter), delimiter), cells)
      }),
    )
  })

  it('of a line with a broken quote are none', () => {
    for (const line of ['a,"b', '"a"b,c', 'a"b,c', '"a",b"', 'a,"b""'])
      assert.equal(cellsOf(line, ','), undefined, line)
    assert.deepEqual(cellsOf('"a" , b ,"",', ','), ['a', 'b', '', ''])
  })

  it('are told apart by what the header has', () => {
    assert.deepEqual(['a,b', 'a;b', 'a\tb', 'a', 'a;b,c'].map(delimiterOf), [',', ';', '\t', ',', ','])
  })
})

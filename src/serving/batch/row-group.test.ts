import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { footerOf, MAGIC_BYTES, makeGroup, movedBy, schemaOf } from './row-group.ts'
import type { Column } from './scored-rows.ts'

const MAGIC = new TextEncoder().encode('PAR1').subarray(0, MAGIC_BYTES)
const compressors = { ZSTD: (input: Uint8Array): Uint8Array => zstdDecompressSync(input) }

/** A file of the groups given, as the output of a scoring is put together. */
function fileOf(groups: readonly (readonly Column[])[]): ArrayBuffer {
  const schema = schemaOf(groups[0]!, {})
  const parts: Uint8Array[] = [MAGIC]
  let at = MAGIC_BYTES
  const named = groups.map(columns => {
    const { bytes, group } = makeGroup(schema, columns, columns[0]!.values.length)
    parts.push(bytes)
    at += bytes.length
    return movedBy(group, at - bytes.length)
  })
  const file = Buffer.concat([...parts, footerOf(schema, named, { model: 'm' })])
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer
}

const missing = (value: number): number | null => (Number.isNaN(value) ? null : value)

suite('row groups', () => {
  test('give back every number, every gap and every text', async () => {
    const double = fc.double({ noNaN: true })
    const row = fc.record({
      gaps: fc.option(double, { nil: Number.NaN }),
      whole: double,
      text: fc.option(fc.string(), { nil: null }),
    })
    const groups = fc.array(fc.array(row, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(groups, async given => {
        const columns = given.map((rows): Column[] => [
          { name: 'gaps', type: 'number', nullable: true, values: Float64Array.from(rows, ({ gaps }) => gaps) },
          { name: 'text', type: 'string', nullable: true, values: rows.map(({ text }) => text) },
          { name: 'whole', type: 'number', nullable: false, values: Float64Array.from(rows, ({ whole }) => whole) },
        ])
        const file = fileOf(columns)
        const read = await parquetReadObjects({ file, compressors })
        const wanted = given.flat().map(({ gaps, text, whole }) => ({ gaps: missing(gaps), text, whole }))
        assert.deepEqual(read, wanted)
        assert.equal(Number(parquetMetadata(file).num_rows), wanted.length)
      }),
      { numRuns: 60 },
    )
  })

  test('hold columns of numbers only, of any length', async () => {
    for (const rows of [1, 7, 8, 9, 63, 64, 65, 40_000]) {
      const values = Float64Array.from({ length: rows }, (_, row) => (row % 3 === 1 ? Number.NaN : row / 7))
      const file = fileOf([[{ name: 'x', type: 'number', nullable: true, values }]])
      const read = await parquetReadObjects({ file, compressors })
      assert.deepEqual(
        read.map(({ x }) => x as number | null),
        Array.from(values, missing),
      )
    }
  })
})

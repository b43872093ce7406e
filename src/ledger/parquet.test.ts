import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { NUMBERS, records, strangeRecords } from './arbitraries.suite.ts'
import { canonical } from './canonical.ts'
import { isPartition, TableBuilder } from './columns.ts'
import { type Duck, openDuck } from './duck.ts'
import { readParquet, writeParquet } from './parquet.ts'

describe('Parquet files', () => {
  let folder: string
  let duck: Duck
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "bellwether parquet' [x]-"))
    duck = await openDuck({ memory: '256MB', threads: 1 })
  })
  after(async () => {
    duck.close()
    await rm(folder, { recursive: true })
  })

  let files = 0
  const throughFile = async (lines: readonly string[], where = '', first = 0): Promise<[number, string][]> => {
    const partition = (name: string): string | undefined => {
      const value: unknown = JSON.parse(lines[0]!)[name]
      return isPartition(value) ? value : undefined
    }
    const builder = new TableBuilder(partition('kind'))
    for (const [index, line] of lines.entries()) builder.add(first + index, line, JSON.parse(line))
    const table = builder.finish()
    const path = join(folder, `${files++}.parquet`)
    const [kind, model] = [partition('kind'), partition('model')]
    const found: [number, string][] = []
    await duck.use(async connection => {
      await writeParquet(connection, table, path)
      const file = { path, ...(kind !== undefined && { kind }), ...(model !== undefined && { model }) }
      await readParquet(connection, { ...file, columns: table.columns.slice(1) }, where, part => {
        for (let row = 0; row < part.rows; row++) found.push([part.position(row), part.text(row)])
        return undefined
      })
    })
    return found
  }
  const sameKind = (made: readonly Record<string, unknown>[]): string[] =>
    made.map(record => canonical({ ...record, kind: made[0]!['kind'], model: made[0]!['model'] }))

  it('give back the canonical text of any record, strange ones too', async () => {
    const some = fc.array(fc.oneof(records, strangeRecords), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(some, async made => {
        const lines = sameKind(made)
        assert.deepEqual(
          await throughFile(lines),
          lines.map((line, index) => [index, line]),
        )
      }),
      { numRuns: 30 },
    )
  })

  it('keep every number exactly, and positions beyond 32 bits', async () => {
    const features = Object.fromEntries(NUMBERS.map((number, index) => [`n${index}`, number]))
    const line = canonical({ kind: 'prediction', model: 'm', features, outputs: {} })
    const first = Number.MAX_SAFE_INTEGER - 1
    assert.deepEqual(await throughFile([line, line], '', first), [
      [first, line],
      [first + 1, line],
    ])
  })

  it('keep order and content over many vectors and row groups, nulls in any pattern', async () => {
    const lines = Array.from({ length: 25_000 }, (_, index) =>
      canonical({
        kind: 'prediction',
        at: index,
        ...(index % 3 === 0 && { subject: `a subject with a long name, number ${index}` }),
        ...(index % 7 === 0 && { arm: index % 2 === 0 ? 'a' : 'b, which is written in more than twelve bytes' }),
        features: index % 5 === 0 ? {} : { x: index, flag: index % 2 === 0, name: `${index}` },
        outputs: { y: 1 / (index + 1) },
      }),
    )
    const found = await throughFile(lines)
    assert.equal(found.length, lines.length)
    for (const [index, line] of lines.entries()) assert.deepEqual(found[index], [index, line])
    const some = await throughFile(lines, 'recorded_at >= make_timestamp_ms(22000) AND position < 22003')
    assert.deepEqual(
      some.map(([position]) => position),
      [22_000, 22_001, 22_002],
    )
  })
})

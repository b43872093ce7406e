import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { records, strangeRecords } from '../../src/ledger/arbitraries.suite.ts'
import { buildSegment } from '../../src/ledger/build-segment.ts'
import { canonical } from '../../src/ledger/canonical.ts'
import { type Duck, openDuck } from '../../src/ledger/duck.ts'
import { readParquet } from '../../src/ledger/parquet.ts'
import type { SegmentContent } from '../../src/ledger/segments.ts'

describe('a segment', () => {
  let folder: string
  let duck: Duck
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bellwether-segment-'))
    duck = await openDuck({ memory: '256MB', threads: 1 })
  })
  after(async () => {
    duck.close()
    await rm(folder, { recursive: true })
  })

  const build = async (lines: readonly string[], first = 100): Promise<SegmentContent> => {
    const path = join(folder, 'journal.jsonl')
    const sum = (line: string): string => crc32(line).toString(16).padStart(8, '0')
    await writeFile(path, lines.map(line => `${line}\t${sum(line)}\n`).join(''))
    const journal = { path, first, count: lines.length }
    return buildSegment(duck, { journal, segment: 7, staging: join(folder, 'staging') })
  }

  const readBack = async (content: SegmentContent): Promise<string[]> => {
    const lines: string[] = []
    for (const [index, file] of content.files.entries()) {
      const staged = {
        ...file,
        path: join(folder, 'staging', `${index}.parquet`),
        columns: content.schemas[file.schema]!,
      }
      await duck.use(connection =>
        readParquet(connection, staged, '', part => {
          for (let row = 0; row < part.rows; row++) lines[part.position(row) - content.first] = part.text(row)
          return undefined
        }),
      )
    }
    return lines
  }

  it('gives back whatever a journal holds', async () => {
    const some = fc.array(fc.oneof(records, strangeRecords), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(some, async made => {
        const lines = made.map(canonical)
        const content = await build(lines)
        assert.deepEqual(await readBack(content), lines)
        const rows = content.files.reduce((sum, file) => sum + file.rows, 0)
        assert.deepEqual([content.first, content.count, rows], [100, lines.length, lines.length])
      }),
      { numRuns: 15 },
    )
  })

  it('gives back lines that are not canonical, and lines that are not JSON', async () => {
    const lines = [
      '{"kind":"change", "at": 1}',
      '{"kind":"change","at":1.0,"at":2}',
      '{"b":1,"a":1e999,"kind":"refusal","count":-0}',
      '{"kind":"outcome","value":"\\u0041\\ud800"}',
      '{"kind":"prediction","features":{"x\\\\":1},"outputs":{}}',
      '{"kind":"prediction","features":{"x\\"":1},"outputs":{}}',
      '[]',
      '"{}"',
      'no JSON at all',
    ]
    assert.deepEqual(await readBack(await build(lines)), lines)
  })

  it('puts each kind, model, version and date into a file of its own, and says what is in it', async () => {
    const day = 86_400_000
    const lines = [0, 1, 2, 3, 4, 5].map(index =>
      canonical({
        kind: 'prediction',
        id: `0000000${index}-0000-7000-8000-000000000000`,
        at: day * 20_000 + (index < 4 ? index : day - 4 + index),
        model: 'churn',
        version: index % 2 === 0 ? '1.0.0' : '1.1.0',
        features: {},
        outputs: {},
      }),
    )
    const { files, schemas } = await build(lines)
    const paths = files.map(({ path }) => path.replace('kind=prediction/model=churn/', ''))
    assert.deepEqual(paths, [
      'date=2024-10-04/00000007-1.0.0.parquet',
      'date=2024-10-04/00000007-1.1.0.parquet',
      'date=2024-10-05/00000007-1.0.0.parquet',
      'date=2024-10-05/00000007-1.1.0.parquet',
    ])
    assert.equal(schemas.length, 1)
    const bytes = await readFile(join(folder, 'staging', '0.parquet'))
    assert.deepEqual(files[0], {
      path: files[0]!.path,
      kind: 'prediction',
      model: 'churn',
      version: '1.0.0',
      date: '2024-10-04',
      rows: 2,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      positionMin: 100,
      positionMax: 102,
      atMin: day * 20_000,
      atMax: day * 20_000 + 2,
      idMin: '00000000-0000-7000-8000-000000000000',
      idMax: '00000002-0000-7000-8000-000000000000',
      schema: 0,
    })
  })

  it('refuses a journal file that was damaged', async () => {
    const path = join(folder, 'damaged.jsonl')
    await writeFile(path, '{"kind":"change"}\t00000000\n')
    const journal = { path, first: 0, count: 1 }
    const request = { journal, segment: 0, staging: join(folder, 'damaged') }
    await assert.rejects(buildSegment(duck, request), { code: 'corrupt' })
  })
})

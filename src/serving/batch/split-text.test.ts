import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { folderOf } from './batch-world.suite.ts'
import { splitText, type TextBlock, type TextFile } from './split-text.ts'
import { csvLine } from './write-text.ts'

async function blocksOf(file: TextFile, start = { offset: 0, line: 1 }): Promise<TextBlock[]> {
  const blocks: TextBlock[] = []
  for await (const block of splitText(file, start)) blocks.push(block)
  return blocks
}

describe('splitText()', () => {
  const cell = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('a\nb', '"', '","', '\r\n', '""\n'))
  const table = fc.array(fc.array(cell, { minLength: 1, maxLength: 3 }), { maxLength: 30 })

  test('cuts between rows and nowhere else, and goes on from any block', async t => {
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 200 }), fc.boolean(), async (rows, blockBytes, gzip) => {
        const lines = rows.map(cells => csvLine(cells))
        const text = lines.join('')
        const path = join(folderOf(t, { 'a.csv': gzip ? gzipSync(text) : text }), 'a.csv')
        const file = { path, gzip, quotes: true, blockBytes }
        const blocks = await blocksOf(file)
        assert.equal(Buffer.concat(blocks.map(({ bytes }) => bytes)).toString(), text)
        const ends = new Set<number>()
        let end = 0
        for (const line of lines) {
          end += Buffer.byteLength(line)
          ends.add(end)
        }
        for (const [at, { nextOffset, nextLine }] of blocks.entries()) {
          assert.ok(ends.has(nextOffset) || nextOffset === end, `a block ends at ${nextOffset}`)
          const rest = await blocksOf(file, { offset: nextOffset, line: nextLine })
          const wanted = Buffer.concat(blocks.slice(at + 1).map(({ bytes }) => bytes)).toString()
          assert.equal(Buffer.concat(rest.map(({ bytes }) => bytes)).toString(), wanted)
          assert.equal(
            nextLine - 1,
            Buffer.from(text)
              .subarray(0, nextOffset)
              .filter(byte => byte === 10).length,
          )
        }
      }),
      { numRuns: 60 },
    )
  })

  test('a byte order mark counts for nothing', async t => {
    const folder = folderOf(t, { 'a.csv': '\ufeffa,b\n1,2\n' })
    const [block] = await blocksOf({ path: join(folder, 'a.csv'), gzip: false, quotes: true })
    assert.equal(block!.bytes.toString(), 'a,b\n1,2\n')
  })

  test('says what cannot be read', async t => {
    const folder = folderOf(t, { 'cut.csv.gz': gzipSync('a,b\n1,2\n').subarray(0, 20), 'no.gz': 'a,b\n' })
    const read = (name: string, gzip: boolean): Promise<TextBlock[]> =>
      blocksOf({ path: join(folder, name), gzip, quotes: true })
    await assert.rejects(read('none.csv', false), { code: 'not_found' })
    await assert.rejects(read('cut.csv.gz', true), { code: 'invalid', message: /cannot be unpacked/ })
    await assert.rejects(read('no.gz', true), { code: 'invalid' })
    const endless = folderOf(t, { 'a.csv': `a,b\n1,"${'x\n'.repeat(5 << 20)}` })
    await assert.rejects(blocksOf({ path: join(endless, 'a.csv'), gzip: false, quotes: true }), {
      code: 'invalid',
      message: /in line 2 or after it a quote is opened and never closed/,
    })
    await assert.rejects(
      blocksOf({ path: join(folder, 'no.gz'), gzip: false, quotes: true }, { offset: 99, line: 9 }),
      {
        code: 'conflict',
      },
    )
  })
})

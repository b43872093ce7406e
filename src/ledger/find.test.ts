import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type FoundLine, findLines, positionOf } from './find.ts'
import type { JournalFile } from './journal-files.ts'
import { lineBytesMax, writeLine } from './journal-line.ts'

/** Longer than what is read at once, so that a line lies over several reads. */
const LONG = 5 << 20

describe('looking for lines in the journal', () => {
  let folder: string
  const texts: string[] = []
  const files: JournalFile[] = []
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bellwether-find-'))
    for (let file = 0; file < 3; file++) {
      const first = texts.length
      const lines: Buffer[] = []
      for (let index = 0; index < 4000; index++) {
        const filling = file === 1 && index % 1500 === 7 ? LONG : (index * 37) % 1200
        const text = `{"fill":"${'x'.repeat(filling)}","id":"${file}-${index}","mark":"${index % 1000 === 0 ? 'rare' : 'often'}"}`
        const buffer = Buffer.alloc(lineBytesMax(text))
        lines.push(buffer.subarray(0, writeLine(text, buffer, 0)))
        texts.push(text)
      }
      const path = join(folder, `${file}.jsonl`)
      await writeFile(path, Buffer.concat(file === 2 ? [...lines, Buffer.from('{"id":"2-4000"')] : lines))
      files.push({ path, first, count: 4000 })
    }
  })
  after(() => rm(folder, { recursive: true }))

  const find = async (needle: string): Promise<FoundLine[]> => {
    const found: FoundLine[] = []
    for await (const line of findLines(files, needle)) found.push(line)
    return found
  }

  it('finds each line, and says which record it is', async () => {
    for (let index = 0; index < texts.length; index += 997) {
      const { id } = JSON.parse(texts[index]!) as { id: string }
      const [line, ...more] = await find(`"id":"${id}"`)
      assert.deepEqual([line?.text, more.length], [texts[index], 0])
      assert.equal(await positionOf(line!), index)
    }
    for (const index of [4007, 5507, 7007, 7999, 8000, 11_999]) {
      const { id } = JSON.parse(texts[index]!) as { id: string }
      const [line] = await find(`"id":"${id}"`)
      assert.deepEqual([line?.text === texts[index], await positionOf(line!)], [true, index])
    }
  })

  it('finds the newest first, and all', async () => {
    const found = (await find('"mark":"rare"')).map(({ text }) => text)
    assert.deepEqual(found, texts.filter(text => text.includes('rare')).reverse())
  })

  it('finds neither what is not there nor what is not whole', async () => {
    assert.deepEqual(await find('"id":"3-1"'), [])
    assert.deepEqual(await find('"id":"2-4000"'), [])
  })
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { Feature, Signature } from '../registry/signature.ts'
import { readBodies } from './load-rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'bellwether-rows-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const feature = (name: string, type: Feature['type']): Feature => ({
  name,
  type,
  nullable: true,
  sensitive: false,
  protected: false,
})
const SIGNATURE: Signature = { inputs: [feature('code', 'string'), feature('age', 'integer')], outputs: [] }
const ROWS = ['{"code":"7","age":42}', '{"code":"x","age":null}']

describe('readBodies()', () => {
  test('CSV: the features of the signature, in its types', async () => {
    const text = 'id,age,code\n1,42,7\n2,,x\n'
    assert.deepEqual(await readBodies(file('a.csv', text), SIGNATURE), ROWS)
    assert.deepEqual(await readBodies(file('a.csv.gz', gzipSync(text)), SIGNATURE), ROWS)
  })

  test('CSV without a signature: by how the cells look', async () => {
    const bodies = await readBodies(file('b.csv', 'n,b,s\n1.5,TRUE,a\n,false,2\n'), undefined)
    assert.deepEqual(bodies, ['{"n":1.5,"b":true,"s":"a"}', '{"n":null,"b":false,"s":"2"}'])
  })

  test('JSON Lines and JSON: features only; as they stand where it is not known which they are', async () => {
    const text = '{"id":1,"age":42,"code":"7"}\n\n{"code":"x","age":null}\r\n'
    assert.deepEqual(await readBodies(file('a.jsonl', text), SIGNATURE), ROWS)
    assert.deepEqual(await readBodies(file('a.jsonl.gz', gzipSync(text)), SIGNATURE), ROWS)
    assert.deepEqual(await readBodies(file('a.json', `[${ROWS.join(',')}]`), SIGNATURE), ROWS)
    assert.deepEqual(await readBodies(file('one.json', ROWS[0]!), SIGNATURE), [ROWS[0]])
    const bodies = ['{"inputs": [[1, 2]]}', '[{"a":1}]']
    assert.deepEqual(await readBodies(file('b.jsonl', bodies.join('\n')), undefined), bodies)
  })

  test('Parquet: features, whole numbers of 64 bits among them', async () => {
    const columnData = [
      { name: 'id', data: [1, 2], type: 'INT32' as const },
      { name: 'age', data: [42n, null], type: 'INT64' as const },
      { name: 'code', data: ['7', 'x'], type: 'STRING' as const },
    ]
    const path = file('a.parquet', new Uint8Array(parquetWriteBuffer({ columnData })))
    const found = (await readBodies(path, SIGNATURE)).map(body => JSON.parse(body))
    assert.deepEqual(
      found,
      ROWS.map(body => JSON.parse(body)),
    )
  })

  for (const [what, name, content, code, message] of [
    ['a file that is not there', 'none.csv', undefined, 'not_found', /there is no such file/],
    ['lines that are not there', 'none.jsonl', undefined, 'not_found', /there is no such file/],
    ['a name that says nothing', 'rows.txt', 'x', 'usage', /must end in/],
    ['a missing feature', 'c.csv', 'age\n1\n', 'invalid', /no column code/],
    ['a missing member', 'c.jsonl', '{"age":1}', 'invalid', /line 1 of .* has no column code/],
    ['what is no JSON', 'd.jsonl', '{"age":1,"code":"a"}\n{"age"', 'invalid', /line 2 of .* is not JSON/],
    ['a broken archive', 'e.jsonl.gz', 'no gzip', 'invalid', /incorrect header/],
    ['no rows', 'f.json', '[]', 'invalid', /no rows/],
  ] as const) {
    test(`refuses ${what}`, async () => {
      const path = content === undefined ? join(folder, name) : file(name, content)
      await assert.rejects(readBodies(path, SIGNATURE), { code, message })
    })
  }
})

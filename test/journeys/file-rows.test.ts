/** Rows of a data file, as the demo reads them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { openRows, preparerOf } from '../../examples/churn/file-rows.ts'
import type { Signature } from '../../src/registry/signature.ts'

const none = { nullable: true, sensitive: false, protected: false } as const
const SIGNATURE: Signature = {
  inputs: [
    { name: 'age', type: 'integer', ...none },
    { name: 'active', type: 'boolean', ...none },
    { name: 'city', type: 'string', categories: ['Oslo', 'Bergen'], ...none },
  ],
  outputs: [{ name: 'risk', type: 'number' }],
}

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-predict-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

async function preparedOf(path: string): Promise<unknown[]> {
  const source = await openRows(path)
  const prepare = preparerOf(source, SIGNATURE)
  const all: unknown[] = []
  for await (const row of source.rows) {
    const prepared = prepare(row)
    all.push('json' in prepared ? JSON.parse(prepared.json) : prepared.fault)
  }
  return all
}

describe('rows of a file', () => {
  test('become JSON by the types of the features; other columns are not sent', async t => {
    const csv = '\ufeffname,age,active,city\r\n"Ann, B.",42,TRUE,Oslo\r\nBob,,0,007\nCid,4x,1\n'
    const folder = folderOf(t, { 'a.csv': csv })
    assert.deepEqual(await preparedOf(join(folder, 'a.csv')), [
      { age: 42, active: true, city: 'Oslo' },
      { age: null, active: 0, city: '007' },
      'has 3 cells, wanted 4 as in the header',
    ])
  })

  test('of JSON Lines are sent as they are, and what is no object is set aside', async t => {
    const folder = folderOf(t, { 'a.jsonl': '{"age":1,"more":2}\n\n[1]\n{"age":\n' })
    assert.deepEqual(await preparedOf(join(folder, 'a.jsonl')), [
      { age: 1, more: 2 },
      'is no JSON object',
      'is not JSON',
    ])
  })

  test('without a column for a feature are refused, naming both sides', async t => {
    const folder = folderOf(t, { 'a.csv': 'age,town\n1,Oslo\n', 'empty.csv': '' })
    await assert.rejects(preparedOf(join(folder, 'a.csv')), {
      message: /wants columns active, city; the file has age, town/,
    })
    await assert.rejects(preparedOf(join(folder, 'empty.csv')), { message: /it is empty/ })
    await assert.rejects(preparedOf(join(folder, 'none.csv')), { code: 'not_found' })
    await assert.rejects(preparedOf(join(folder, 'none.jsonl')), { code: 'not_found' })
    await assert.rejects(preparedOf(join(folder, 'a.txt')), { code: 'usage' })
  })
})

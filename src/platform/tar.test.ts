import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tarOf } from './tar.ts'
import { temporaryFolder } from './temporary.suite.ts'

test('what is packed is unpacked by tar, long names and all', async t => {
  const folder = temporaryFolder(t)
  const source = join(folder, 'source')
  const files = new Map([
    ['MLmodel', 'flavors: {}\n'],
    ['data/empty', ''],
    [`${'deep/'.repeat(30)}größe.bin`, 'x'.repeat(1000)],
    [`${'n'.repeat(120)}`, 'y'.repeat(512)],
  ])
  for (const [name, text] of files) {
    mkdirSync(join(source, name, '..'), { recursive: true })
    writeFileSync(join(source, name), text)
  }
  const bytes = new Uint8Array(await (await tarOf(`${source}/`)).arrayBuffer())
  assert.equal(bytes.length % 512, 0)
  assert.deepEqual(bytes, new Uint8Array(await (await tarOf(source)).arrayBuffer()), 'the same again')
  writeFileSync(join(folder, 'it.tar'), bytes)
  const there = join(folder, 'there')
  mkdirSync(there)
  execFileSync('tar', ['-xf', join(folder, 'it.tar'), '-C', there], { stdio: ['ignore', 'ignore', 'pipe'] })
  for (const [name, text] of files) assert.equal(readFileSync(join(there, name), 'utf8'), text, name)
  assert.equal(
    execFileSync('tar', ['-tf', join(folder, 'it.tar')], { encoding: 'utf8' })
      .trim()
      .split('\n').length,
    4,
  )
})

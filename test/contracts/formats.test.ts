/** docs/formats.md: each row is the title of a test, and each test that is called so has its row. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** `python: pickle`, of all tables below a heading that ends with the name of the format. */
function rows(): string[] {
  const [, ...sections] = readFileSync(join(ROOT, 'docs/formats.md'), 'utf8').split(/^## /m)
  return sections.flatMap(section => {
    const format = /^.*\(`([\w-]+)`\)$/m.exec(section.split('\n')[0]!)?.[1]
    assert.ok(format !== undefined, `the heading ends with its format: ${section.split('\n')[0]}`)
    const lines = section.split('\n').filter(line => line.startsWith('|') && !/^\|\s*(?:feature\s*\||-)/.test(line))
    return lines.map(line => {
      const [feature, state] = line
        .split('|')
        .slice(1)
        .map(cell => cell.trim().replaceAll('`', ''))
      assert.ok(state === 'supported' || state === 'refused', `${format}: ${feature} is ${state}`)
      return `${format}: ${feature}`
    })
  })
}

function titles(): string[] {
  return ['src', 'test'].flatMap(folder =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.test.ts'))
      .flatMap(path => [
        ...readFileSync(join(ROOT, folder, path), 'utf8').matchAll(/['"`]formats: ([\w-]+: [^'"`\n]+)['"`]/g),
      ])
      .map(([, title]) => title!),
  )
}

test('each row of docs/formats.md is a test, and each such test a row', () => {
  const documented = rows()
  assert.deepEqual(documented.toSorted(), [...new Set(titles())].sort())
  assert.equal(new Set(documented).size, documented.length)
})

/** The rules, held against this repository. What each rule means is in `rules.test.ts`, where bad ones are shown to it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { RULES } from './rules.ts'
import { readTree, tell } from './tree.ts'

const files = readTree(fileURLToPath(new URL('../..', import.meta.url)))

test('the rules see the repository', () => {
  for (const path of [
    'package.json',
    'package-lock.json',
    'README.md',
    'src/cli.ts',
    'src/tidy/tidy.test.ts',
    '.ci/run',
  ]) {
    assert.ok(
      files.some(file => file.path === path),
      `${path} was not read`,
    )
  }
})

for (const [name, rule] of Object.entries(RULES)) {
  test(`tidy: ${name}`, () => {
    const faults = rule(files)
    assert.equal(faults.length, 0, `\n${tell(faults)}\n`)
  })
}

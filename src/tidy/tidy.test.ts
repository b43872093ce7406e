/** The rules, held against this repository. What each rule means is in `rules.test.ts`, where bad ones are shown to it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { routePermissions } from './permissions.ts'
import { loadRoutes } from './route-list.ts'
import { RULES } from './rules.ts'
import { readTree, tell } from './tree.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const files = readTree(root)

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

test('tidy: every route names a permission that exists', async () => {
  const routes = await loadRoutes(root, files)
  assert.ok(routes.length > 20, `only ${routes.length} routes were found`)
  const faults = routePermissions(routes)
  assert.equal(faults.length, 0, `\n${tell(faults)}\n`)
})

/** docs/studies.md: its example is taken as it stands, and no key is forgotten. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Compile } from 'typebox/compile'
import { parse } from 'yaml'
import { type GivenStudy, readStudy } from './definition.ts'
import { NewStudy } from './schemas.ts'

const text = readFileSync(new URL('../../../docs/studies.md', import.meta.url), 'utf8')
const given = parse(/```yaml\n([\s\S]*?)```/.exec(text)![1]!) as GivenStudy

test('the example is a study', () => {
  assert.deepEqual([...Compile(NewStudy).Errors(given)], [])
  const { space, objectives, pruner } = readStudy(given, 0)
  assert.deepEqual(
    space.groups.map(({ parameters }) => parameters.length),
    [4, 1],
  )
  assert.deepEqual(objectives, [{ name: 'auc', direction: 'maximize' }])
  assert.equal(pruner?.kind, 'hyperband')
})

test('every key of a study has its row', () => {
  const { properties } = NewStudy as unknown as { properties: Readonly<Record<string, unknown>> }
  for (const key of Object.keys(properties)) {
    if (key !== 'description') assert.match(text, new RegExp(`^\\| \`${key}\` \\|`, 'm'), key)
  }
})

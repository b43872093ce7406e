/** docs/model-yaml.md: its example is registered as it stands, and no key is forgotten. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { QUIET, systemSurroundings } from '../platform/surroundings.ts'
import { openRuntimes } from '../runtimes/runtimes.ts'
import { examine } from './examine.ts'
import { parseManifest } from './manifest.ts'
import { manifestSchema } from './manifest-schema.ts'
import { metricName } from './measure.ts'
import { bytesOf, streamed, stumpModel, TWO_FEATURES } from './stumps.suite.ts'

const text = readFileSync(new URL('../../docs/model-yaml.md', import.meta.url), 'utf8')
const yaml = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
const DATA = 'age,balance,churned\n20,0,0\n50,150,1\n60,20,0\n30,170,1\n'

test('the example is taken as it stands', async () => {
  const manifest = parseManifest(yaml)
  const { signature, measuredMetrics } = await examine(
    manifest,
    {
      artifact: () => streamed(stumpModel(TWO_FEATURES)),
      reference: () => streamed(bytesOf(DATA)),
      evaluation: () => streamed(bytesOf(DATA)),
    },
    { runtimes: openRuntimes(systemSurroundings(QUIET)) },
  )
  assert.deepEqual(
    signature.inputs.map(({ name, type, nullable }) => [name, type, nullable]),
    [
      ['age', 'integer', false],
      ['balance', 'integer', true],
    ],
  )
  assert.equal(measuredMetrics?.['auc_roc'], 0.75)
})

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

/** All keys that a schema knows, however deep, and that hold no further keys. */
function keysOf({ properties = {}, items }: Schema): string[] {
  const inside = Object.entries(properties).flatMap(([key, schema]) => (isLeaf(schema) ? [key] : keysOf(schema)))
  return items === undefined ? inside : [...inside, ...keysOf(items)]
}

function isLeaf({ properties, items }: Schema): boolean {
  return properties === undefined && items?.properties === undefined
}

test('every key stands in the example or in a table', () => {
  for (const key of keysOf(manifestSchema as unknown as Schema)) {
    assert.ok(new RegExp(`\`(?:[a-z]+\\.)?${key}\``).test(text), `${key} is not documented`)
  }
})

test('every name of a metric in the tables is understood', () => {
  const [, section = ''] = /## Metrics that are recomputed([\s\S]*?)\n## /.exec(text) ?? []
  const names = [...section.matchAll(/^\|.*\|$/gm)].flatMap(([row]) =>
    [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
  )
  assert.equal(names.length, 30)
  for (const name of names) assert.notEqual(metricName(name), undefined, name)
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ProblemCode } from '../errors.ts'
import { checkManifest, parseManifest } from './manifest.ts'

const FULL = `
name: churn
version: 1.0.0
owner: retention-analytics
artifact: model.json
reference: train.csv
evaluation: test.csv
target: churned
signature:
  inputs:
    - {name: age, type: integer, minimum: 18, maximum: 100, protected: true}
    - {name: country, type: string, categories: [France, Spain], sensitive: true}
  output: {name: churn_probability, type: number}
metrics: {auc_roc: 0.86}
metrics_tolerance: 0.01
threshold: 0.4
uses: {permitted: [retention-offer], prohibited: [credit-decision], required: true}
limitations: [trained on 2020–2022]
drift: {window: 1000, decide: [ks], ks: {drift: 0.1}, psi: {warning: 0.2, drift: 0.4}}
durability: power
`

test('parseManifest() reads every key', () => {
  const manifest = parseManifest(FULL)
  assert.equal(manifest.name, 'churn')
  assert.deepEqual(manifest.signature?.inputs?.[1], {
    name: 'country',
    type: 'string',
    categories: ['France', 'Spain'],
    sensitive: true,
  })
  assert.deepEqual(manifest.uses, { permitted: ['retention-offer'], prohibited: ['credit-decision'], required: true })
  assert.deepEqual(parseManifest(JSON.stringify(manifest)), manifest)
  assert.deepEqual(checkManifest({ name: 'a', version: '1.0.0' }), { name: 'a', version: '1.0.0' })
})

const small = 'name: churn\nversion: 1.0.0\n'

const WRONG: readonly (readonly [string, string, ProblemCode, RegExp])[] = [
  ['nothing', '', 'malformed', /wanted keys and values/],
  ['a list', '- a\n- b', 'malformed', /wanted keys and values/],
  ['no YAML', 'name: [churn', 'malformed', /line 1: /],
  ['tabs', 'name: churn\n\tversion: 1', 'malformed', /line 2: /],
  ['a key twice', `${small}name: other\n`, 'malformed', /line 3: Map keys must be unique/],
  ['two documents', `${small}---\nname: b\n`, 'malformed', /multiple documents/],
  ['an alias of nothing', `${small}owner: *nobody\n`, 'malformed', /nobody/],
  ['deep nesting', `name: ${'['.repeat(20_000)}`, 'malformed', /line 1|nested too deep/],
  ['too much text', `${small}# ${'x'.repeat(1 << 20)}`, 'too_large', /1048576/],
  ['no name', 'version: 1.0.0', 'invalid', /name is missing/],
  ['no version', 'name: churn', 'invalid', /version is missing/],
  ['a wrong name', 'name: ../etc\nversion: 1.0.0', 'invalid', /name is "\.\.\/etc", wanted letters, .* \(line 1\)/],
  ['a name too long', `name: ${'a'.repeat(101)}\nversion: 1.0.0`, 'invalid', /name is "aaa/],
  [
    'a version that is a number',
    'name: churn\nversion: 1.0',
    'invalid',
    /version is 1, wanted a semantic version such as 1\.0\.0, as text \(line 2\)/,
  ],
  ['a version that is none', 'name: churn\nversion: v1', 'invalid', /version is "v1", wanted a semantic version/],
  ['an unknown key', `${small}artefact: model.json`, 'invalid', /artefact is not a key of model\.yaml \(line 3\)/],
  [
    'an unknown key within',
    `${small}signature:\n  inputs:\n    - {name: a, min: 3}`,
    'invalid',
    /signature\.inputs\[0\]\.min is not a key of model\.yaml \(line 5\)/,
  ],
  ['a prototype', `${small}__proto__: {name: x}`, 'invalid', /__proto__ is not a key/],
  [
    'an unknown type',
    `${small}signature:\n  inputs:\n    - name: a\n      type: float`,
    'invalid',
    /signature\.inputs\[0\]\.type is "float", wanted one of number, integer, boolean, string, numeric \(line 6\)/,
  ],
  ['a text for a number', `${small}threshold: half`, 'invalid', /threshold is "half", wanted a number \(line 3\)/],
  ['a text for a list', `${small}limitations: none`, 'invalid', /limitations is "none", wanted a list/],
  [
    'a list of numbers for texts',
    `${small}uses: {permitted: [1]}`,
    'invalid',
    /uses\.permitted\[0\] is 1, wanted a text/,
  ],
  ['a negative tolerance', `${small}metrics_tolerance: -1`, 'invalid', /metrics_tolerance is -1/],
  ['a metric without a number', `${small}metrics: {auc: .inf}`, 'invalid', /metrics\.auc is/],
  [
    'limits that cross',
    `${small}signature: {inputs: [{name: a, minimum: 3, maximum: 2}]}`,
    'invalid',
    /minimum is 3, larger than the maximum 2/,
  ],
  [
    'limits of a text',
    `${small}signature: {inputs: [{name: a, type: string, minimum: 3}]}`,
    'invalid',
    /type is string, which has no minimum/,
  ],
  [
    'categories of a number',
    `${small}signature: {inputs: [{name: a, type: number, categories: [x]}]}`,
    'invalid',
    /categories need the type string/,
  ],
  ['a category twice', `${small}signature: {inputs: [{name: a, categories: [x, x]}]}`, 'invalid', /categories/],
  [
    'a feature twice',
    `${small}signature:\n  inputs:\n  - name: a\n  - name: a`,
    'invalid',
    /inputs\[1\]\.name comes twice: a \(line 6\)/,
  ],
  ['a feature named __proto__', `${small}signature: {inputs: [{name: __proto__}]}`, 'invalid', /cannot be __proto__/],
  [
    'a warning that is no earlier than the drift',
    `${small}drift: {psi: {warning: 0.3, drift: 0.25}}`,
    'invalid',
    /drift\.psi\.warning is 0\.3, wanted less than drift, which is 0\.25/,
  ],
  ['a statistic that is none', `${small}drift: {decide: [vibes]}`, 'invalid', /wanted one of psi, ks/],
  ['a window too small', `${small}drift: {window: 5}`, 'invalid', /drift\.window is 5/],
  [
    'a use both permitted and prohibited',
    `${small}uses: {permitted: [a], prohibited: [a]}`,
    'invalid',
    /names "a", which is permitted as well/,
  ],
]

describe('parseManifest() refuses', () => {
  for (const [what, text, code, message] of WRONG) {
    test(what, () => {
      assert.throws(() => parseManifest(text), { code, message })
    })
  }

  test('a bomb of aliases', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `l${level + 1}: &l${level + 1} [${new Array(9).fill(level === 0 ? 'x' : `*l${level}`).join(', ')}]`,
    )
    const startedAt = performance.now()
    assert.throws(() => parseManifest(`${small}${levels.join('\n')}`), {
      code: 'malformed',
      message: /more than 20 aliases/,
    })
    assert.ok(performance.now() - startedAt < 1000)
  })

  test('many wrong fields at once, naming each', () => {
    assert.throws(
      () => parseManifest('name: 7\nversion: x\nowner: [a]\n'),
      (error: Error & { fields?: readonly { field: string }[] }) => {
        assert.deepEqual(error.fields?.map(({ field }) => field).sort(), ['name', 'owner', 'version'])
        return true
      },
    )
  })
})

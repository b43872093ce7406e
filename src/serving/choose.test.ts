import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { liveCatalogue } from '../registry/catalogue.ts'
import type { ModelVersion } from '../registry/version.ts'
import { championReleases, choose, defaultModel } from './choose.ts'

const catalogue = liveCatalogue()
const releases = championReleases(catalogue)
const versions = (model: string, ...names: string[]) => names.map(version => ({ model, version }) as ModelVersion)
const alias = (model: string, name: string, version: string) => ({
  model,
  alias: name,
  version,
  movedAt: 1,
  movedBy: 'local',
})
catalogue.apply({
  versions: [
    ...versions('churn', '1.9.0', '1.10.0', '2.0.0-rc.1'),
    ...versions('early', '0.1.0-alpha', '0.1.0-beta+x-y'),
    ...versions('build', '1.0.0', '1.1.0+a-b'),
    ...versions('led', '1.0.0', '2.0.0'),
  ],
  aliases: [alias('led', 'champion', '1.0.0'), alias('led', 'next', '2.0.0')],
  standings: [],
} as unknown as Parameters<typeof catalogue.apply>[0])

describe('championReleases()', () => {
  const chosen: readonly (readonly [model: string, version: string, why: string])[] = [
    ['led', '1.0.0', 'the champion, not the newest'],
    ['churn', '1.10.0', 'the newest that is no pre-release'],
    ['early', '0.1.0-beta+x-y', 'the newest pre-release where there is nothing else'],
    ['build', '1.1.0+a-b', 'a hyphen in build metadata makes no pre-release'],
  ]
  for (const [model, version, why] of chosen) {
    it(`gives ${model} ${version}: ${why}`, () => {
      assert.deepEqual(releases.choose(model, undefined), { model, version, release: 'all', arm: 'champion' })
    })
  }
})

describe('choose()', () => {
  it('takes a version or an alias past the release', () => {
    const pinned = { release: null, arm: null }
    assert.deepEqual(choose(catalogue, releases, 'led', 'next', undefined), {
      model: 'led',
      version: '2.0.0',
      ...pinned,
    })
    assert.deepEqual(choose(catalogue, releases, 'led', '1.0.0', undefined), {
      model: 'led',
      version: '1.0.0',
      ...pinned,
    })
  })

  it('says what there is where there is not what was asked for', () => {
    const missing = { code: 'not_found' }
    const refused = (model: string, reference: string | undefined, message: RegExp) =>
      assert.throws(() => choose(catalogue, releases, model, reference, undefined), { ...missing, message })
    refused('nope', undefined, /^Cannot find the model "nope": it is not registered$/)
    refused('nope', '1.0.0', /^Cannot find the model "nope"/)
    refused('led', '3.0.0', /^Cannot find led@"3.0.0": there are 1.0.0, 2.0.0, champion, next$/)
    refused('__proto__', undefined, /not registered/)
    refused('x'.repeat(5_000), undefined, /"x{80}…"/)
  })
})

describe('defaultModel()', () => {
  it('is the configured one, or the only one', () => {
    assert.equal(defaultModel(catalogue, 'churn'), 'churn')
    const one = liveCatalogue()
    assert.throws(() => defaultModel(one, undefined), /none is registered$/)
    one.apply({ versions: versions('only', '1.0.0'), aliases: [], standings: [] } as unknown as Parameters<
      typeof one.apply
    >[0])
    assert.equal(defaultModel(one, undefined), 'only')
    assert.throws(() => defaultModel(catalogue, undefined), /4 are registered \(build, churn, early, led\); name one/)
  })
})

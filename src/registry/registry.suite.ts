/** What the registry promises, whatever database keeps it. Runs on SQLite beside this file, on PostgreSQL in `test/contracts`. */
import assert from 'node:assert/strict'
import type { Problem } from '../errors.ts'
import type { FreshPlace } from '../platform/temporary.suite.ts'
import type { CatalogueChange } from './catalogue.ts'
import { standingsSuite } from './lifecycle/standings.suite.ts'
import { ALICE, registryTest, START_AT, submit } from './registry-world.suite.ts'
import { registryStore } from './store.ts'
import { type StumpModel, streamed, stumpModel, TWO_FEATURES, TWO_FEATURES_CSV } from './stumps.suite.ts'

export function registrySuite(place: FreshPlace): void {
  registering(place)
  ordering(place)
  conflicts(place)
  races(place)
  numbers(place)
  aliases(place)
  standingsSuite(place)
  processes(place)
  loading(place)
}

function registering(place: FreshPlace): void {
  registryTest(
    'a version is registered whole, and the first one is the champion',
    place,
    async ({ registry, records }) => {
      const yaml =
        'name: churn\nversion: 1.0.0\nowner: retention\ndurability: power\nexplain: on-request\nuses: {prohibited: [credit]}\n'
      const { version, created, notes } = await submit(registry, { manifest: yaml, reference: TWO_FEATURES_CSV })
      assert.equal(created, true)
      assert.deepEqual(notes, ['columns of the reference data that the model does not use: left'])
      assert.equal(version.registeredAt, START_AT)
      assert.equal(version.registeredBy, ALICE.id)
      assert.equal(version.durability, 'power')
      assert.deepEqual(version.uses, { permitted: [], prohibited: ['credit'], required: false })
      assert.equal(version.reference?.rows, 4)
      const { catalogue } = registry
      assert.deepEqual(catalogue.names(), ['churn'])
      assert.deepEqual(catalogue.version('churn', '1.0.0'), version)
      assert.equal(catalogue.resolve('churn', 'champion'), '1.0.0')
      const [registered, moved] = await records()
      assert.deepEqual(
        [registered?.action, registered?.target, registered?.model, registered?.version],
        ['model:registered', 'churn@1.0.0', 'churn', '1.0.0'],
      )
      assert.deepEqual([registered?.actor, registered?.source], [ALICE.id, '10.0.0.7'])
      assert.deepEqual(Object.keys(registered?.detail ?? {}), ['artifact', 'digest', 'format', 'reference'])
      assert.deepEqual(
        [moved?.action, moved?.target, moved?.detail],
        ['alias:moved', 'churn@champion', { alias: 'champion', to: '1.0.0' }],
      )
    },
  )

  registryTest('the same again changes nothing', place, async ({ registry, records, clock }) => {
    const first = await submit(registry, { manifest: 'name: churn\nversion: 1.0.0\nowner: a\n' })
    clock.advance(1000)
    const again = await submit(registry, {
      manifest: '# the same\n{"version": "1.0.0", "name": "churn", "owner": "a"}',
    })
    assert.deepEqual([again.created, again.version], [false, first.version])
    assert.equal((await records()).length, 2)
  })
}

function ordering(place: FreshPlace): void {
  registryTest('later versions are ordered by precedence and do not move the champion', place, async ({ registry }) => {
    for (const version of ['1.10.0', '1.2.0', '2.0.0-rc.1', '2.0.0'])
      await submit(registry, { manifest: { name: 'churn', version } })
    assert.deepEqual(registry.catalogue.versions('churn'), ['1.2.0', '1.10.0', '2.0.0-rc.1', '2.0.0'])
    assert.equal(registry.catalogue.resolve('churn', 'champion'), '1.10.0')
    assert.equal(registry.catalogue.resolve('churn', '1.2.1'), undefined)
  })

  registryTest('what is refused leaves nothing', place, async ({ registry, records }) => {
    await assert.rejects(submit(registry, { reference: 'age\n1\n' }), { code: 'invalid' })
    await assert.rejects(submit(registry, { manifest: 'name: churn\nversion: 1.0.0\nreference: train.csv\n' }), {
      code: 'invalid',
      message: /files that were not sent \(reference: train\.csv\)/,
    })
    await assert.rejects(submit(registry, { manifest: 'name: churn\n' }), {
      code: 'invalid',
      message: /version is missing/,
    })
    await assert.rejects(registry.receive('reference', streamed(new Uint8Array(10_001))), { code: 'too_large' })
    assert.deepEqual(registry.catalogue.names(), [])
    assert.deepEqual(await records(), [])
  })
}

const OTHER: StumpModel = { ...TWO_FEATURES, baseScore: 0.25 }

function conflicts(place: FreshPlace): void {
  registryTest('a version never changes', place, async ({ registry, records }) => {
    await submit(registry, {})
    for (const given of [
      { model: OTHER },
      { manifest: 'name: churn\nversion: 1.0.0\nowner: b\n' },
      { reference: TWO_FEATURES_CSV },
    ]) {
      await assert.rejects(submit(registry, given), {
        code: 'conflict',
        message: /churn@1\.0\.0: it exists with other content, .* choose a new version/,
      })
    }
    assert.equal((await records()).length, 2)
  })

  registryTest('names differ by more than case', place, async ({ registry }) => {
    await submit(registry, {})
    await assert.rejects(submit(registry, { manifest: { name: 'Churn', version: '1.1.0' } }), {
      code: 'conflict',
      message: /a model is named churn/,
    })
    assert.deepEqual(registry.catalogue.names(), ['churn'])
  })
}

function races(place: FreshPlace): void {
  registryTest('of the same registered at once, one is new', place, async ({ registry, openSecond, records }) => {
    const second = await openSecond()
    const all = await Promise.all([submit(registry, {}), submit(second, {}), submit(registry, {})])
    assert.deepEqual(all.map(({ created }) => created).sort(), [false, false, true])
    assert.equal((await records()).length, 2)
  })

  registryTest('of two contents registered at once, one wins', place, async ({ registry, openSecond, records }) => {
    const second = await openSecond()
    const results = await Promise.allSettled([submit(registry, {}), submit(second, { model: OTHER })])
    const failed = results.filter(result => result.status === 'rejected')
    assert.deepEqual(
      failed.map(({ reason }) => (reason as { code: string }).code),
      ['conflict'],
    )
    assert.equal((await records()).length, 2)
  })

  registryTest(
    'of two first versions at once, one is the champion',
    place,
    async ({ registry, openSecond, records }) => {
      const second = await openSecond()
      await Promise.all([
        submit(registry, { manifest: { name: 'churn', version: '1.0.0' } }),
        submit(second, { manifest: { name: 'churn', version: '1.1.0' } }),
      ])
      assert.equal((await records()).filter(({ action }) => action === 'alias:moved').length, 1)
      await Promise.all([registry.refresh(), second.refresh()])
      assert.equal(registry.catalogue.resolve('churn', 'champion'), second.catalogue.resolve('churn', 'champion'))
      assert.deepEqual(registry.catalogue.versions('churn'), ['1.0.0', '1.1.0'])
    },
  )

  registryTest('the store decides again on what came between', place, async ({ registry, db }) => {
    const { version } = await submit(registry, {})
    const store = registryStore(db)
    const add = (digest: string) => store.add({ version, digest }, 'champion', () => [])
    await assert.rejects(add('another'), { code: 'conflict', message: /it exists with another manifest or other data/ })
    const { digest } = (await store.find('churn', '1.0.0'))!
    assert.deepEqual(await add(digest), { version, created: false })
  })
}

const BREAKING: StumpModel = { ...TWO_FEATURES, features: ['age', 'income'] }

function numbers(place: FreshPlace): void {
  registryTest(
    'of two versions at once, the one that breaks callers of the other is refused, whichever is later',
    place,
    async ({ registry, openSecond }) => {
      const second = await openSecond()
      for (let major = 1; major <= 5; major++) {
        const ends = await Promise.allSettled([
          submit(registry, { manifest: { name: 'churn', version: `${major}.0.0` } }),
          submit(second, { manifest: { name: 'churn', version: `${major}.1.0` }, model: BREAKING }),
        ])
        const refused = ends.flatMap(end => (end.status === 'rejected' ? [end.reason as Problem] : []))
        assert.equal(refused.length, 1, `major version ${major}`)
        assert.equal(refused[0]!.code, 'invalid')
        assert.match(refused[0]!.message, /breaks those who (?:will )?call \d\.[01]\.0/)
        await registry.refresh()
        const taken = ends[0].status === 'fulfilled' ? `${major}.0.0` : `${major}.1.0`
        assert.deepEqual(
          registry.catalogue.versions('churn').filter(version => version.startsWith(`${major}.`)),
          [taken],
        )
      }
    },
    { versionRule: 'refuse' },
  )

  registryTest(
    'a version between two releases is judged by both',
    place,
    async ({ registry }) => {
      await submit(registry, { manifest: { name: 'churn', version: '1.0.0' } })
      await submit(registry, { manifest: { name: 'churn', version: '2.0.0' }, model: BREAKING })
      await submit(registry, { manifest: { name: 'churn', version: '2.2.0' }, model: BREAKING })
      await assert.rejects(submit(registry, { manifest: { name: 'churn', version: '1.5.0' }, model: BREAKING }), {
        message: /^Cannot register churn@1\.5\.0: 1\.5\.0 breaks those who call 1\.0\.0: .*; register it as 2\.0\.0$/,
      })
      await submit(registry, { manifest: { name: 'churn', version: '3.0.0-beta.1' } })
      await submit(registry, { manifest: { name: 'churn', version: '3.1.0' } })
      await assert.rejects(submit(registry, { manifest: { name: 'churn', version: '3.0.0' }, model: BREAKING }), {
        message:
          /^Cannot register churn@3\.0\.0: 3\.1\.0, which is registered, breaks those who will call 3\.0\.0: .*; register it with a number above 3\.1\.0$/,
      })
      await submit(registry, { manifest: { name: 'churn', version: '3.0.0' } })
    },
    { versionRule: 'refuse' },
  )
}

function aliases(place: FreshPlace): void {
  registryTest('an alias moves, by version or alias, and is removed', place, async ({ registry, records, clock }) => {
    await submit(registry, {})
    await submit(registry, { manifest: { name: 'churn', version: '1.1.0' } })
    clock.advance(5)
    const moved = await registry.setAlias('churn', 'champion', '1.1.0', ALICE)
    assert.deepEqual(moved, {
      model: 'churn',
      alias: 'champion',
      version: '1.1.0',
      movedAt: START_AT + 5,
      movedBy: ALICE.id,
    })
    clock.advance(5)
    assert.deepEqual(await registry.setAlias('churn', 'champion', '1.1.0', ALICE), moved)
    await registry.setAlias('churn', 'stable', 'champion', ALICE)
    assert.deepEqual(
      registry.catalogue.aliases('churn').map(({ alias, version }) => [alias, version]),
      [
        ['champion', '1.1.0'],
        ['stable', '1.1.0'],
      ],
    )
    await registry.removeAlias('churn', 'stable', ALICE)
    assert.equal(registry.catalogue.resolve('churn', 'stable'), undefined)
    await assert.rejects(registry.removeAlias('churn', 'stable', ALICE), { code: 'not_found' })
    await registry.setAlias('churn', 'stable', '1.0.0', ALICE)
    assert.equal(registry.catalogue.resolve('churn', 'stable'), '1.0.0')
    const changes = (await records()).slice(3).map(({ action, target, detail }) => [action, target, detail])
    assert.deepEqual(changes, [
      ['alias:moved', 'churn@champion', { alias: 'champion', from: '1.0.0', to: '1.1.0' }],
      ['alias:moved', 'churn@stable', { alias: 'stable', to: '1.1.0' }],
      ['alias:removed', 'churn@stable', { alias: 'stable', from: '1.1.0' }],
      ['alias:moved', 'churn@stable', { alias: 'stable', to: '1.0.0' }],
    ])
  })

  registryTest('an alias needs a name, a model and a version', place, async ({ registry }) => {
    await submit(registry, {})
    const set = (model: string, alias: string, version: string) => registry.setAlias(model, alias, version, ALICE)
    await assert.rejects(set('gone', 'a', '1.0.0'), {
      code: 'not_found',
      message: /the model gone: it is not registered/,
    })
    await assert.rejects(set('churn', 'a', '9.9.9'), {
      code: 'not_found',
      message: /churn@9\.9\.9: there is no such version or alias; the newest are 1\.0\.0/,
    })
    for (const alias of ['', 'Champion', '1.0.0', 'a b', 'a'.repeat(51), '../x'])
      await assert.rejects(set('churn', alias, '1.0.0'), { code: 'invalid' })
  })
}

function processes(place: FreshPlace): void {
  registryTest(
    'another process sees changes after a refresh, and is told of each',
    place,
    async ({ registry, openSecond }) => {
      const second = await openSecond()
      const heard: CatalogueChange[] = []
      const stop = second.onChange(change => heard.push(change))
      await submit(registry, {})
      assert.equal(second.catalogue.has('churn'), false)
      await second.refresh()
      assert.deepEqual(second.catalogue.version('churn', '1.0.0'), registry.catalogue.version('churn', '1.0.0'))
      assert.deepEqual(heard, [
        { model: 'churn', version: '1.0.0' },
        { model: 'churn', alias: 'champion', version: '1.0.0' },
      ])
      await registry.removeAlias('churn', 'champion', ALICE)
      await Promise.all([second.refresh(), second.refresh()])
      assert.deepEqual(heard.slice(2), [{ model: 'churn', alias: 'champion' }])
      stop()
      await registry.setAlias('churn', 'champion', '1.0.0', ALICE)
      await second.refresh()
      assert.equal(heard.length, 3)
      assert.equal(second.catalogue.resolve('churn', 'champion'), '1.0.0')
    },
  )

  registryTest('a listener that fails is logged and harms nobody', place, async ({ registry, errors }) => {
    let heard = 0
    registry.onChange(() => {
      throw new Error('no')
    })
    registry.onChange(() => heard++)
    assert.equal((await submit(registry, {})).created, true)
    assert.equal(heard, 2)
    assert.deepEqual(errors, ['a listener of the registry failed', 'a listener of the registry failed'])
  })
}

function loading(place: FreshPlace): void {
  registryTest('a version is loaded with its profile', place, async ({ registry }) => {
    await submit(registry, { reference: TWO_FEATURES_CSV })
    const { version, predictor, profile } = await registry.load('churn', '1.0.0')
    assert.deepEqual(version, registry.catalogue.version('churn', '1.0.0'))
    const out = new Float64Array(1)
    await predictor.predict(Float64Array.of(50, 10), 1, out)
    assert.ok(Math.abs(out[0]! - 1 / (1 + Math.exp(-0.5))) < 1e-7, `${out[0]}`)
    assert.deepEqual(profile, await registry.profile('churn', '1.0.0'))
    assert.equal(profile?.rows, 4)
  })

  registryTest('a large artifact is compiled apart, and equal', place, async ({ registry }) => {
    const bytes = Buffer.concat([stumpModel(TWO_FEATURES), Buffer.alloc(400_000, ' ')])
    const artifact = await registry.receive('artifact', streamed(bytes, 65_536))
    await registry.register({ manifest: { name: 'large', version: '1.0.0' }, files: { artifact } }, ALICE)
    await submit(registry, {})
    const [large, small] = [await registry.load('large', '1.0.0'), await registry.load('churn', '1.0.0')]
    assert.deepEqual(large.predictor.facts, small.predictor.facts)
    const rows = Float64Array.of(39, 99, 40, 100, Number.NaN, Number.NaN)
    const [a, b] = [new Float64Array(3), new Float64Array(3)]
    await large.predictor.predict(rows, 3, a)
    await small.predictor.predict(rows, 3, b)
    assert.deepEqual(a, b)
  })

  registryTest(
    'without reference data there is no profile; without a version, nothing',
    place,
    async ({ registry }) => {
      await submit(registry, {})
      assert.equal((await registry.load('churn', '1.0.0')).profile, undefined)
      await assert.rejects(registry.profile('churn', '1.0.0'), {
        code: 'not_found',
        message: /registered without reference data/,
      })
      await assert.rejects(registry.load('churn', '2.0.0'), { code: 'not_found' })
    },
  )
}

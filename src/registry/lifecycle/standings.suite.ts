/** What is promised of standings, whatever database keeps them: a part of the registry's suite. */
import assert from 'node:assert/strict'
import { uuid7 } from '../../platform/ids.ts'
import type { FreshPlace } from '../../platform/temporary.suite.ts'
import type { CatalogueChange } from '../catalogue.ts'
import { ALICE, registryTest, START_AT, submit } from '../registry-world.suite.ts'
import { deprecate, restore, retire } from './standings.ts'

const CALLER = { by: ALICE }
const ONE = { model: 'churn', reference: '1.0.0' }
const ledger = { callers: async () => [] }

export function standingsSuite(place: FreshPlace): void {
  registryTest('a standing is known to other processes, and its changes are heard', place, async world => {
    const { registry, clock, db } = world
    await submit(registry, {})
    await submit(registry, { manifest: { name: 'churn', version: '1.1.0' } })
    const parts = { registry, clock, db, ledger, ids: uuid7(clock) }
    const second = await world.openSecond()
    const heard: CatalogueChange[] = []
    second.onChange(change => heard.push(change))
    await deprecate(parts, ONE, { reason: 'Old', successor: '1.1.0', sunsetAt: START_AT + 5 }, CALLER)
    await second.refresh()
    const { id: by } = ALICE
    const standing = { model: 'churn', version: '1.0.0', state: 'deprecated', reason: 'Old', at: START_AT, by }
    assert.deepEqual(second.catalogue.standing('churn', '1.0.0'), {
      ...standing,
      successor: '1.1.0',
      sunsetAt: START_AT + 5,
    })
    await restore(parts, ONE, { reason: 'Needed' }, CALLER)
    await second.refresh()
    assert.equal(second.catalogue.standing('churn', '1.0.0'), undefined)
    const told = { model: 'churn', version: '1.0.0' }
    assert.deepEqual(heard, [
      { ...told, standing: 'deprecated' },
      { ...told, standing: 'restored' },
    ])
    const ours = (await world.records()).filter(({ action }) => /^model:(?:deprecated|restored)$/.test(action))
    assert.deepEqual(
      ours.map(({ action, target }) => [action, target]),
      [
        ['model:deprecated', 'churn@1.0.0'],
        ['model:restored', 'churn@1.0.0'],
      ],
    )
  })

  registryTest('of a retirement and an alias that moves to the version, at once, one happens', place, async world => {
    const { registry, clock, db } = world
    await submit(registry, {})
    await submit(registry, { manifest: { name: 'churn', version: '1.1.0' } })
    await registry.setAlias('churn', 'champion', '1.1.0', ALICE)
    const parts = { registry, clock, db, ledger, ids: uuid7(clock) }
    const second = await world.openSecond()
    for (let round = 0; round < 5; round++) {
      const [gone, moved] = await Promise.allSettled([
        retire(parts, ONE, { reason: 'Old' }, CALLER),
        second.setAlias('churn', 'challenger', '1.0.0', ALICE),
      ])
      assert.notEqual(gone.status, moved.status, `round ${round}`)
      const { reason } = (gone.status === 'rejected' ? gone : moved) as PromiseRejectedResult
      assert.match(String(reason.message), /challenger points at it|it was retired on/)
      if (gone.status === 'fulfilled') await restore(parts, ONE, { reason: 'Again' }, CALLER)
      else await registry.removeAlias('churn', 'challenger', ALICE)
    }
  })
}

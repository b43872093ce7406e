/** The promises of evidence, on any database. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Problem } from '../../errors.ts'
import { type Clock, manualClock } from '../../platform/clock.ts'
import { openKeyring } from '../../platform/crypto.ts'
import { type Database, openDatabase } from '../../platform/database.ts'
import { type Ids, uuid7 } from '../../platform/ids.ts'
import { type Objects, openObjects } from '../../platform/objects.ts'
import { outboxMigrations } from '../../platform/outbox.ts'
import { QUIET, systemSurroundings } from '../../platform/surroundings.ts'
import { type FreshPlace, temporaryFolder } from '../../platform/temporary.suite.ts'
import { openRuntimes } from '../../runtimes/runtimes.ts'
import { openRegistry, type Registry } from '../registry.ts'
import { ALICE, START_AT, submit } from '../registry-world.suite.ts'
import { registryMigrations } from '../tables.ts'
import { type Evidence, openEvidence } from './evidence.ts'
import { APPROVAL } from './statement.ts'
import { evidenceMigrations } from './tables.ts'

const MASTER = Buffer.alloc(32, 7).toString('base64')
const MIGRATIONS = [outboxMigrations, registryMigrations, evidenceMigrations]

interface Shared {
  readonly folder: string
  readonly objects: Objects
  readonly clock: Clock
  /** One for all: what two processes say in one millisecond has no order. */
  readonly ids: Ids
}

interface Replica {
  readonly registry: Registry
  readonly evidence: Evidence
}

/** A process with a data folder of its own where the database allows it, and the objects of all. */
async function replica(
  t: TestContext,
  db: Database,
  { folder, objects, clock, ids }: Shared,
  required: readonly string[],
): Promise<Replica> {
  const path = db.engine === 'sqlite' ? folder : temporaryFolder(t)
  const keyring = await openKeyring(path, MASTER)
  const policy = { required, keys: new Map<string, string>(), roots: [] }
  const evidence = openEvidence({ db, keyring, clock, ids, path, policy, programVersion: '1.0.0' })
  const registry = await openRegistry({
    db,
    objects,
    clock,
    ids,
    limits: { artifactBytesMax: 1_000_000, referenceBytesMax: 10_000 },
    log: { info: () => {}, error: () => {} },
    runtimes: openRuntimes(systemSurroundings(QUIET)),
    pythonCommand: 'python3',
    leadPolicy: 'declared',
    evidence,
  })
  return { registry, evidence }
}

type Run = (first: Replica, second: Replica, strict: Replica) => Promise<void>

function testsOn(place: FreshPlace): (name: string, run: Run) => void {
  return (name, run) => {
    test(name, async t => {
      const where = await place(t)
      const [db, other] = [await openDatabase(where, MIGRATIONS), await openDatabase(where, MIGRATIONS)]
      try {
        const folder = temporaryFolder(t)
        const clock = manualClock(START_AT)
        const objects = openObjects(folder, await openKeyring(folder, MASTER))
        const shared = { folder, objects, clock, ids: uuid7(clock) }
        const first = await replica(t, db, shared, [])
        const second = await replica(t, other, shared, [])
        await run(first, second, await replica(t, other, shared, [APPROVAL]))
      } finally {
        await Promise.all([db.close(), other.close()])
      }
    })
  }
}

export function evidenceSuite(place: FreshPlace): void {
  const on = testsOn(place)

  on('what registering signs is there once, also where two register the same at once', async (first, second) => {
    await Promise.all([submit(first.registry, {}), submit(second.registry, {})])
    for (const { registry, evidence } of [first, second]) {
      const told = await evidence.list('churn', '1.0.0')
      assert.deepEqual(told.map(({ about }) => about).sort(), ['measurement', 'provenance', 'signature'])
      assert.ok(told.every(({ isBelieved }) => isBelieved))
      await registry.refresh()
      assert.equal((await registry.load('churn', '1.0.0')).version.version, '1.0.0')
    }
  })

  on('what one process adds, another believes, and asks for where it must', async (first, second, strict) => {
    await submit(first.registry, {})
    await strict.registry.refresh()
    const refused = (problem: Problem): boolean => /no signed approval, which is required/.test(problem.message)
    await assert.rejects(strict.registry.load('churn', '1.0.0'), refused)
    const said = { model: 'churn', version: '1.0.0', predicateType: APPROVAL, actor: ALICE }
    await second.evidence.add({ ...said, predicate: { decision: 'approved' } })
    await strict.registry.load('churn', '1.0.0')
    await first.evidence.add({ ...said, predicate: { decision: 'rejected' } })
    await assert.rejects(strict.registry.load('churn', '1.0.0'), /its approval was refused/)
    await assert.rejects(second.evidence.add({ ...said, version: '9.0.0', predicate: {} }), /no such version/)
  })

  on('a rotated key is believed on, a revoked one by nobody', async (first, second) => {
    await submit(first.registry, {})
    await second.registry.refresh()
    const [before] = await first.evidence.keys.list()
    const now = await first.evidence.keys.rotate(ALICE.id)
    assert.deepEqual((await second.evidence.keys.list()).map(({ id, state }) => [id === now.id, state]).sort(), [
      [false, 'retired'],
      [true, 'signing'],
    ])
    await second.registry.load('churn', '1.0.0')
    await first.evidence.keys.revoke(before!.id, ALICE.id)
    await assert.rejects(second.registry.load('churn', '1.0.0'), /nobody vouches/)
    await second.evidence.signAgain('churn', '1.0.0', ALICE)
    await first.registry.load('churn', '1.0.0')
  })
}

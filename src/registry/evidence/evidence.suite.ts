/** The promises of evidence, on any database. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { accessMigrations } from '../../access/tables.ts'
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
import { CHAMPION } from '../leading.ts'
import { type ApprovalParts, decide, holdForApproval } from '../lifecycle/approvals.ts'
import { openRegistry, type Registry } from '../registry.ts'
import { ALICE, START_AT, submit } from '../registry-world.suite.ts'
import { registryMigrations } from '../tables.ts'
import { type Evidence, openEvidence } from './evidence.ts'
import { APPROVAL } from './statement.ts'
import { evidenceMigrations } from './tables.ts'

const MASTER = Buffer.alloc(32, 7).toString('base64')
const MIGRATIONS = [accessMigrations, outboxMigrations, registryMigrations, evidenceMigrations]

interface Shared {
  readonly folder: string
  readonly objects: Objects
  readonly clock: Clock
  /** One for all: what two processes say in one millisecond has no order. */
  readonly ids: Ids
}

interface Replica {
  readonly db: Database
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
  return { db, registry, evidence }
}

const BOB = { id: 'key:bob', name: 'bob', roles: ['approver'] }
const CAROL = { id: 'key:carol', name: 'carol', roles: ['approver'] }
/** Of moves and decisions at once. */
const ROUNDS = 5

/** A process where one person must approve. */
function held({ db, registry, evidence }: Replica): ApprovalParts {
  const parts = { db, registry, evidence, approvalsOf: () => 1 }
  holdForApproval(parts)
  return parts
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
  championSuite(on)
}

function championSuite(on: ReturnType<typeof testsOn>): void {
  on('a rejection that comes between the check and the move holds the champion', async (first, second) => {
    const [mine, theirs] = [held(first), held(second)]
    await submit(first.registry, {})
    await submit(first.registry, { manifest: { name: 'churn', version: '1.1.0' } })
    await second.registry.refresh()
    const about = { model: 'churn', reference: '1.1.0' }
    await decide(mine, about, { decision: 'approved', comment: 'Card read' }, BOB)
    // Asked after the check, before the move, as what loads the next version is.
    const letGo = first.registry.beforeMove(() =>
      decide(theirs, about, { decision: 'rejected', comment: 'Not that one' }, CAROL),
    )
    const refused = /Cannot make churn@1\.1\.0 the champion: key:carol rejected it/
    await assert.rejects(first.registry.setAlias('churn', CHAMPION, '1.1.0', ALICE), refused)
    assert.equal(first.registry.catalogue.resolve('churn', CHAMPION), '1.0.0')
    letGo()
    await decide(theirs, about, { decision: 'approved', comment: 'Seen again' }, CAROL)
    await first.registry.setAlias('churn', CHAMPION, '1.1.0', ALICE)
  })

  on('moves and decisions at once, from two processes, end in one order', movesAndDecisions)
}

async function movesAndDecisions(first: Replica, second: Replica): Promise<void> {
  const [mine, theirs] = [held(first), held(second)]
  await submit(first.registry, {})
  const moves: string[] = []
  for (let minor = 1; minor <= ROUNDS; minor++) {
    const version = `1.${minor}.0`
    const about = { model: 'churn', reference: version }
    await submit(first.registry, { manifest: { name: 'churn', version } })
    await second.registry.refresh()
    await decide(mine, about, { decision: 'approved', comment: 'Card read' }, BOB)
    const move = ({ registry }: Replica) =>
      registry.setAlias('churn', CHAMPION, version, ALICE).then(
        () => 'moved',
        (problem: Problem) => problem.message,
      )
    const rejecting = decide(theirs, about, { decision: 'rejected', comment: 'No' }, CAROL)
    const ends = await Promise.all([move(first), rejecting.then(() => 'rejected'), move(second)])
    moves.push(...ends)
    await first.registry.refresh()
    // Whatever came first, the rejection stands now.
    const now = first.registry.catalogue.resolve('churn', CHAMPION)
    assert.equal(now === version, ends.includes('moved'), ends.join('; '))
    await first.registry.removeAlias('churn', CHAMPION, ALICE)
    assert.match(await move(second), /key:carol rejected it/)
    await first.registry.setAlias('churn', 'challenger', version, ALICE)
    await decide(mine, { model: 'churn', reference: '1.0.0' }, { decision: 'approved', comment: 'The way back' }, BOB)
    await first.registry.setAlias('churn', CHAMPION, '1.0.0', ALICE)
  }
  const others = moves.filter(end => !/^(?:moved|rejected|.*key:carol rejected it.*)$/.test(end))
  assert.deepEqual(others, [])
}

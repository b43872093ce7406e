/** A registry with all it stands on, for the tests of this folder. */
import { type TestContext, test } from 'node:test'
import type { ChangeRecord } from '../ledger/record.ts'
import { type ManualClock, manualClock } from '../platform/clock.ts'
import { openKeyring } from '../platform/crypto.ts'
import { type Database, openDatabase, tables } from '../platform/database.ts'
import { uuid7 } from '../platform/ids.ts'
import { type Objects, openObjects } from '../platform/objects.ts'
import { outboxMigrations } from '../platform/outbox.ts'
import { QUIET, systemSurroundings } from '../platform/surroundings.ts'
import { type FreshPlace, temporaryFolder } from '../platform/temporary.suite.ts'
import type { Actor } from '../route.ts'
import { openRuntimes } from '../runtimes/runtimes.ts'
import { openRegistry, type Registry, type RegistryParts } from './registry.ts'
import { bytesOf, type StumpModel, streamed, stumpModel, TWO_FEATURES } from './stumps.suite.ts'
import type { Registered, Submission } from './submission.ts'
import { registryMigrations } from './tables.ts'

export const START_AT = 1_790_000_000_000
export const ALICE: Actor = { id: 'key:00000000a11c', name: 'Alice', roles: ['scientist'] }

export interface RegistryWorld {
  readonly registry: Registry
  readonly clock: ManualClock
  readonly objects: Objects
  readonly db: Database
  /** The registry as another process on the same database and objects has it. */
  openSecond(): Promise<Registry>
  /** The change records made so far, oldest first. */
  records(): Promise<readonly ChangeRecord[]>
  readonly errors: readonly string[]
}

export function registryTest(
  name: string,
  place: FreshPlace,
  run: (world: RegistryWorld, t: TestContext) => Promise<void>,
  more: Partial<RegistryParts> = {},
): void {
  test(name, async t => {
    const where = await place(t)
    const migrations = [outboxMigrations, registryMigrations]
    const db = await openDatabase(where, migrations)
    const second = await openDatabase(where, migrations)
    try {
      await run(await worldOn(temporaryFolder(t), db, second, more), t)
    } finally {
      await Promise.all([db.close(), second.close()])
    }
  })
}

async function worldOn(
  folder: string,
  db: Database,
  second: Database,
  more: Partial<RegistryParts>,
): Promise<RegistryWorld> {
  const clock = manualClock(START_AT)
  const ids = uuid7(clock)
  const objects = openObjects(folder, await openKeyring(folder, Buffer.alloc(32, 7).toString('base64')))
  const limits = { artifactBytesMax: 1_000_000, referenceBytesMax: 10_000 }
  const errors: string[] = []
  const log = { info: () => {}, error: (_: unknown, message: string) => void errors.push(message) }
  const runtimes = openRuntimes(systemSurroundings(QUIET))
  const parts = {
    objects,
    clock,
    ids,
    limits,
    log,
    runtimes,
    pythonCommand: 'python3',
    leadPolicy: 'declared' as const,
    ...more,
  }
  return {
    registry: await openRegistry({ db, ...parts }),
    clock,
    objects,
    db,
    errors,
    openSecond: () => openRegistry({ db: second, ...parts }),
    async records() {
      const sql = tables<{ outbox: { payload: string; topic: string; id: string } }>(db)
      const rows = await sql
        .selectFrom('outbox')
        .select('payload')
        .where('topic', '=', 'change')
        .orderBy('id')
        .execute()
      return rows.map(({ payload }) => JSON.parse(payload) as ChangeRecord)
    },
  }
}

export interface Given {
  readonly model?: StumpModel
  readonly manifest?: Submission['manifest']
  readonly reference?: string
}

/** Stores the files of a submission, as the route does. */
export async function submit(
  registry: Registry,
  { model = TWO_FEATURES, manifest, reference }: Given,
): Promise<Registered> {
  const artifact = await registry.receive('artifact', streamed(stumpModel(model)))
  const data =
    reference === undefined ? {} : { reference: await registry.receive('reference', streamed(bytesOf(reference))) }
  return await registry.register(
    { manifest: manifest ?? { name: 'churn', version: '1.0.0' }, files: { artifact, ...data } },
    ALICE,
    '10.0.0.7',
  )
}

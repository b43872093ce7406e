/** A served model over a real ledger, watched, that can die and be started again: for tests. */
import { join } from 'node:path'
import type { LedgerWorld } from '../ledger/ledger-world.suite.ts'
import type { OpenedLedger } from '../ledger/open-ledger.ts'
import { type Refusals, refusals } from '../ledger/refusals.ts'
import { type Database, openDatabase } from '../platform/database.ts'
import { type ManualTimers, manualTimers } from '../platform/timers.ts'
import { liveCatalogue } from '../registry/catalogue.ts'
import { profileCategories, profileNumbers, type ReferenceProfile } from '../registry/profile.ts'
import type { LoadedVersion } from '../registry/registry.ts'
import type { Feature } from '../registry/signature.ts'
import type { ModelVersion } from '../registry/version.ts'
import { championReleases } from '../serving/choose.ts'
import { openModels } from '../serving/models.ts'
import { predict, type Serving } from '../serving/predict.ts'
import { rest } from '../serving/rest.ts'
import { openWatch } from './live-watch.ts'
import { type WindowStore, windowStore } from './store.ts'
import { monitoringMigrations } from './tables.ts'
import type { Watch } from './watch.ts'

export const WINDOW_MS = 60_000
export const LATEST = 25
const KEEP_MS = 30 * 86_400_000

const GEOGRAPHIES = ['France', 'Spain', 'Germany']
const INPUTS: readonly Feature[] = [
  { name: 'balance', type: 'number', nullable: true, sensitive: false, protected: false },
  { name: 'geography', type: 'string', categories: GEOGRAPHIES, nullable: true, sensitive: false, protected: false },
  { name: 'active', type: 'boolean', nullable: true, sensitive: false, protected: false },
  { name: 'income', type: 'number', nullable: true, sensitive: true, protected: false },
]
/** The artifact has them in another order. */
const ARTIFACT = ['income', 'active', 'balance', 'geography']

const PROFILE: ReferenceProfile = {
  format: 1,
  rows: 6,
  features: [
    profileNumbers('balance', Float64Array.of(-1, 0, 0, 2.5, 1000, Number.NaN)),
    profileCategories('geography', GEOGRAPHIES, Float64Array.of(0, 1, 1, 0, Number.NaN, 2), 0),
    profileNumbers('active', Float64Array.of(0, 1, 1, 0, 1, 0)),
    profileNumbers('income', Float64Array.of(1, 2, 3, 4, 5, 6)),
  ],
  outputs: [profileNumbers('score', Float64Array.of(-1, 0, 1, 2, 500, 1000))],
}

function modelVersion(model: string, version: string): ModelVersion {
  return {
    model,
    version,
    task: 'regression',
    durability: 'process',
    uses: { permitted: [], prohibited: [], required: false },
    signature: { inputs: INPUTS, outputs: [{ name: 'score', type: 'number' }] },
    profile: { sha256: 'of the profile', bytes: 1 },
  } as unknown as ModelVersion
}

/** Answers balance, or 7 without one, more by one for the active. */
function answer(rows: Float64Array, count: number, out: Float64Array): void {
  for (let row = 0; row < count; row++) {
    const [, active, balance] = rows.subarray(row * ARTIFACT.length, (row + 1) * ARTIFACT.length)
    out[row] = (Number.isNaN(balance) ? 7 : balance!) + (active === 1 ? 1 : 0)
  }
}

/** One life of a server. */
export interface Life {
  readonly watch: Watch
  readonly ledger: OpenedLedger
  readonly timers: ManualTimers
  readonly refusals: Refusals
  /** Asks for one row or a batch; a refusal is swallowed. */
  ask(version: string, body: unknown): Promise<void>
  /** Ends it as an orderly stop does, or as a crash: then nothing that only memory knew is stored. */
  end(how: 'stopped' | 'killed'): Promise<void>
}

/** What may be otherwise in a life. */
export interface LifeOptions {
  readonly windowMs?: number
  readonly keepMs?: number
  /** Stands between the watch and its store. */
  readonly storeOf?: (store: WindowStore) => WindowStore
  readonly profile?: () => Promise<ReferenceProfile>
  /** What a call waits for, when its record is written. */
  readonly flushing?: () => Promise<void>
}

export async function begin(world: LedgerWorld, versions: readonly string[], options: LifeOptions = {}): Promise<Life> {
  const { windowMs = WINDOW_MS, keepMs = KEEP_MS, storeOf = (store: WindowStore) => store } = options
  const db = await openDatabase({ file: join(world.folder, '..', 'metadata.sqlite') }, [monitoringMigrations])
  const ledger = await world.open()
  const timers = manualTimers()
  const catalogue = liveCatalogue()
  catalogue.apply({
    revision: 1,
    versions: versions.map(version => modelVersion('churn', version)),
    aliases: [],
    standings: [],
  })
  const watch = openWatch({
    ledger,
    registry: { catalogue, profile: options.profile ?? (async () => PROFILE) },
    store: storeOf(windowStore(db)),
    clock: world.clock,
    timers,
    log: { warn: noted(world), error: noted(world) },
    options: { windowMs, keepMs },
    latestRows: () => LATEST,
  })
  const refused = refusals({ append: texts => ledger.append(texts), ids: world.ids, timers, onWritten: watch.refused })
  const serving = servingOf(world, { ledger, catalogue, watch, refused }, options.flushing)
  let requests = 0
  return {
    watch,
    ledger,
    timers,
    refusals: refused,
    async ask(version, body) {
      const request = {
        requestId: `r${requests++}`,
        source: '127.0.0.1',
        params: { name: 'churn', version },
        headers: {},
        admit: () => ({ id: 'local', name: 'local', roles: [] }),
        bytes: () => Buffer.from(JSON.stringify(body)),
      }
      await predict(serving, rest, request).catch(() => undefined)
    },
    end: how => end(how, { db, ledger, watch, refused }),
  }
}

function noted({ logged }: LedgerWorld): (fields: unknown, message: string) => void {
  return (fields, message) => void logged.push(`${message} ${JSON.stringify(fields)}`)
}

interface Opened {
  readonly ledger: OpenedLedger
  readonly watch: Watch
  readonly refused: Refusals
}

async function end(how: 'stopped' | 'killed', opened: Opened & { readonly db: Database }): Promise<void> {
  if (how === 'stopped') {
    await opened.refused.flush()
    await opened.watch.close()
  }
  await opened.ledger.close()
  await opened.db.close()
}

function servingOf(
  { clock, ids }: LedgerWorld,
  { ledger, catalogue, watch, refused }: Opened & { readonly catalogue: ReturnType<typeof liveCatalogue> },
  flushing: () => Promise<void> = async () => undefined,
): Serving {
  let elapsedMs = 0
  const load = async (model: string, version: string): Promise<LoadedVersion> =>
    ({
      version: modelVersion(model, version),
      predictor: { features: ARTIFACT, named: true, outputCount: 1, bytes: 1, predict: answer },
      profile: PROFILE,
    }) as unknown as LoadedVersion
  return {
    catalogue,
    models: openModels({ load, clock, timers: manualTimers(), bytesMax: 1e9 }),
    releases: championReleases(catalogue),
    pseudonyms: { subject: id => id, unit: id => id },
    seals: { open: async () => plaintext => `sealed${plaintext.length}` },
    permitUse: () => undefined,
    ledger: {
      async append(records, durability) {
        await ledger.append(records, durability)
        await flushing()
      },
    },
    refusals: refused,
    observers: [watch.observe],
    clock,
    // Each look takes longer than the one before: latencies of all sizes.
    timer: () => {
      elapsedMs = elapsedMs > 1e6 ? 0.1 : elapsedMs * 1.01 + 0.1
      return elapsedMs
    },
    ids,
    batchRowsMax: 1_000,
  }
}

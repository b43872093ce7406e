/** Versions that are served and watched for drift, over a ledger that was empty: for tests. */
import type { TestContext } from 'node:test'
import { openWatch } from '../monitoring/live-watch.ts'
import { windowStore } from '../monitoring/store.ts'
import { monitoringMigrations } from '../monitoring/tables.ts'
import type { Watch } from '../monitoring/watch.ts'
import { type ManualClock, manualClock } from '../platform/clock.ts'
import { openDatabase } from '../platform/database.ts'
import { sqlitePlace } from '../platform/temporary.suite.ts'
import { type ManualTimers, manualTimers } from '../platform/timers.ts'
import { type LiveCatalogue, liveCatalogue } from '../registry/catalogue.ts'
import type { DeclaredDrift } from '../registry/drift-keys.ts'
import { profileNumbers, type ReferenceProfile } from '../registry/profile.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { Journey } from '../serving/journey.ts'
import type { Lane, LoadedModel } from '../serving/lane.ts'
import { DEFAULTS, profileOf, signatureOf, spread } from './drift-world.suite.ts'
import { driftSettings } from './settings.ts'
import { type DriftWatch, watchDrift } from './watch-drift.ts'

export const WINDOW_MS = 60_000
export const START_AT = 1_800_000_000_000

/** Age, income (sensitive) and what the model answers. */
export const PROFILE: ReferenceProfile = profileOf(
  [
    profileNumbers(
      'age',
      spread(5_000, u => 18 + 60 * u),
    ),
    profileNumbers('income', spread(5_000)),
  ],
  [profileNumbers('score', spread(5_000))],
)

export interface Served {
  readonly clock: ManualClock
  readonly timers: ManualTimers
  readonly watch: Watch
  readonly drift: DriftWatch
  readonly catalogue: LiveCatalogue
  /** Messages of the log, with their fields. */
  readonly logged: readonly { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[]
  /** Another that knows nothing yet, over the same counts: as after a start. */
  again(): DriftWatch
  /** Answers calls of one row each, a millisecond apart, and lets the timers run. */
  serve(version: string, ages: Iterable<number>, scores?: Iterable<number>): void
}

/** churn@1.0.0 has a reference, 2.0.0 has none. */
export async function served(t: TestContext, declared?: DeclaredDrift): Promise<Served> {
  const db = await openDatabase(await sqlitePlace(t), [monitoringMigrations])
  const [clock, timers, catalogue] = [manualClock(START_AT), manualTimers(), liveCatalogue()]
  catalogue.apply({
    revision: 1,
    versions: [versionOf('1.0.0', declared), versionOf('2.0.0')],
    aliases: [],
    standings: [],
  })
  const registry = { catalogue, profile: async () => PROFILE }
  const logged: { message: string; fields: Readonly<Record<string, unknown>> }[] = []
  const note = (fields: Readonly<Record<string, unknown>>, message: string): void =>
    void logged.push({ message, fields })
  const log = { info: note, warn: note, error: note }
  const watch = openWatch({
    ledger: {
      size: 0,
      keyId: 'key',
      counts: async () => [],
      seenVersions: async () => [],
      query: async () => ({ records: [] }),
    },
    registry,
    store: windowStore(db),
    clock,
    timers,
    log,
    options: { windowMs: WINDOW_MS, keepMs: 1e10 },
    latestRows: version => driftSettings(DEFAULTS, version?.drift).window,
  })
  const opened: DriftWatch[] = []
  const again = (): DriftWatch => {
    const judging = { config: DEFAULTS, windowMs: WINDOW_MS, clock, timers, timer: () => clock.now(), log }
    const drift = watchDrift({ watch, registry, ...judging })
    opened.push(drift)
    return drift
  }
  const drift = again()
  t.after(async () => {
    for (const one of opened) one.close()
    await watch.close()
    await db.close()
  })
  const lanes = new Map([laneOf(catalogue, '1.0.0', 0), laneOf(catalogue, '2.0.0', 1)])
  const serve: Served['serve'] = (version, ages, scores = spread([...ages].length)) => {
    const given = [...scores]
    for (const [at, age] of [...ages].entries()) {
      clock.advance(1)
      const rows = { values: Float64Array.of(age, 0.5), outputs: Float64Array.of(given[at]!), count: 1, single: true }
      const journey = { lane: lanes.get(version)!, rows, at: clock.now(), tookMs: 1, problem: undefined }
      for (const { observe } of [watch, drift]) observe(journey as unknown as Journey)
    }
    timers.advance(1_000)
  }
  return { clock, timers, watch, drift, catalogue, logged, serve, again }
}

function versionOf(version: string, drift?: DeclaredDrift): ModelVersion {
  const stored = { sha256: 'of the profile', bytes: 1 }
  const part = version === '2.0.0' ? {} : { profile: stored }
  const signature = { ...signatureOf(['age', 'income'], ['income']), outputs: [{ name: 'score', type: 'number' }] }
  return {
    model: 'churn',
    version,
    signature,
    ...part,
    ...(drift === undefined ? {} : { drift }),
  } as unknown as ModelVersion
}

function laneOf(catalogue: LiveCatalogue, version: string, number: number): [string, Lane] {
  const known = catalogue.version('churn', version)!
  const predictor = { features: ['age', 'income'], named: true, outputCount: 1, bytes: 1 }
  const profile = known.profile === undefined ? {} : { profile: PROFILE }
  const model = { version: known, predictor, ...profile } as unknown as LoadedModel
  return [version, { model, release: null, arm: null, number } as unknown as Lane]
}

/** What every part is handed and knows no word of the domain: time, ids, log, metrics, keys, the database, the data folder. */
import { join } from 'node:path'
import { type Clock, steadyClock, systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { type Keyring, openKeyring } from './crypto.ts'
import { type Database, openDatabase } from './database.ts'
import { openDataFolder } from './folder.ts'
import { type Ids, uuid7 } from './ids.ts'
import { type Log, openLog } from './log.ts'
import { type Metrics, openMetrics } from './metrics.ts'

export interface World {
  readonly config: Config
  /** The data folder. */
  readonly path: string
  /** Tells other processes where this one answers. */
  readonly announce: (url: string) => void
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly metrics: Metrics
  readonly keyring: Keyring
  readonly db: Database
}

export interface WorldOptions {
  readonly quiet: boolean
  readonly migrations: Parameters<typeof openDatabase>[1]
}

/** @param closing takes how to let go of each part, in the order in which they were opened. */
export async function openWorld(
  config: Config,
  { quiet, migrations }: WorldOptions,
  closing: (() => Promise<void>)[],
): Promise<World> {
  const clock = steadyClock(systemClock)
  const ids = uuid7(clock)
  const log = openLog({ level: quiet ? 'silent' : config.log.level, destination: 1 })
  closing.push(() => log.close())
  const folder = await openDataFolder(config.data, clock)
  closing.push(() => folder.close())
  const { path, announce } = folder
  const keyring = await openKeyring(path, config.keys.master)
  const { url } = config.database
  const db = await openDatabase(url === '' ? { file: join(path, 'metadata.sqlite') } : { url }, migrations)
  closing.push(() => db.close())
  return { config, path, announce, clock, ids, log, metrics: openMetrics(), keyring, db }
}

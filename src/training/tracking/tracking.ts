import type { Kysely } from 'kysely'
import type { Clock } from '../../platform/clock.ts'
import type { Database } from '../../platform/database.ts'
import type { Ids } from '../../platform/ids.ts'
import type { Objects } from '../../platform/objects.ts'
import type { Write } from './group-commit.ts'

/** The database, or a transaction of it: statements here name their tables themselves. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Reading = Kysely<any>

/** What keeping track of runs and models needs. */
export interface Tracking {
  readonly db: Database
  readonly write: Write
  readonly clock: Clock
  readonly ids: Ids
  readonly objects: Objects
  /** Of one artifact. */
  readonly artifactBytesMax: number
}

/** 32 hexadecimal digits, as MLflow's ids have, later ones behind earlier ones. */
export function hexId(ids: Ids): string {
  return ids.next().replaceAll('-', '')
}

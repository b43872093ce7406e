/** Kysely on PostgreSQL. */
import { type Dialect, PostgresDialect } from 'kysely'
import pg from 'pg'
import { Problem } from '../errors.ts'

const CONNECTIONS_MAX = 10
const CONNECT_MS_MAX = 10_000
const IDLE_MS_MAX = 30_000

const INT8 = 20
const NUMERIC = 1700

export function postgresDialect(url: string): Dialect {
  const pool = new pg.Pool({
    connectionString: judgedUrl(url),
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    idleTimeoutMillis: IDLE_MS_MAX,
    allowExitOnIdle: true,
    application_name: 'bellwether',
    types: { getTypeParser: typeParser },
  })
  // A connection that breaks while nobody uses it is replaced when the next one is asked for: nothing to do, but an
  // event without a listener would end the process.
  pool.on('error', () => {})
  return new PostgresDialect({ pool })
}

function judgedUrl(url: string): string {
  if (/^postgres(ql)?:\/\//.test(url)) return url
  const scheme = /^[a-z0-9+.-]+(?=:)/i.exec(url)?.[0] ?? 'none'
  throw new Problem('misconfigured', `Cannot open the database: its URL has the scheme ${scheme}, wanted postgres://…`)
}

/** Integers and sums of them as numbers, as SQLite returns them. */
function typeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if ((oid === INT8 || oid === NUMERIC) && format !== 'binary') return exactNumber
  return pg.types.getTypeParser(oid, format as 'text')
}

function exactNumber(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) {
    throw new RangeError(`Cannot read a column: ${text} is beyond ±2^53, wanted an exact number`)
  }
  return number
}

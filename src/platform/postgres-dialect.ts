/** Kysely on PostgreSQL. */
import { type Dialect, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { Problem } from '../errors.ts'
import { arrayLiteral } from './array-literal.ts'
import { Column, sqlValue } from './parameters.ts'

const CONNECTIONS_MAX = 10
const CONNECT_MS_MAX = 10_000
const IDLE_MS_MAX = 30_000

const INT8 = 20
const NUMERIC = 1700

export function postgresDialect(url: string): Dialect {
  const place = placeOf(url)
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    idleTimeoutMillis: IDLE_MS_MAX,
    allowExitOnIdle: true,
    application_name: 'bellwether',
    types: { getTypeParser: typeParser },
  })
  // A connection that breaks while no statement runs on it is replaced when the next one is asked for: there is nothing
  // to do, but an event without a listener would end the process.
  pool.on('error', () => {})
  pool.on('connect', client => void client.on('error', () => {}))
  return new PostgresDialect({ pool: judgingPool(pool, place) })
}

/** Where the database is, as a message may tell it: without user, password and parameters. */
function placeOf(url: string): string {
  const scheme = /^([a-z0-9+.-]+):\/\//i.exec(url)?.[1] ?? 'none'
  if (scheme !== 'postgres' && scheme !== 'postgresql') {
    throw new Problem(
      'misconfigured',
      `Cannot open the database: its URL has the scheme ${scheme}, wanted postgres://…`,
    )
  }
  return url.replace(/\?.*/s, '').replace(/\/\/.*@/s, '//')
}

/** The pool with our rules for parameters, and its errors as the problems they are. */
function judgingPool(pool: pg.Pool, place: string): PostgresPool {
  return {
    async connect(): Promise<PostgresPoolClient> {
      try {
        return judgingClient(await pool.connect(), place)
      } catch (error) {
        throw problemOf(error, place)
      }
    },
    end: () => pool.end(),
  }
}

function judgingClient(client: pg.PoolClient, place: string): PostgresPoolClient {
  let isBroken = false
  const query = async (text: string, parameters: readonly unknown[]): Promise<unknown> => {
    const values = parameters.map(value => (value instanceof Column ? arrayLiteral(value.values) : sqlValue(value)))
    try {
      return await client.query(text, values)
    } catch (error) {
      const problem = problemOf(error, place)
      isBroken ||= problem instanceof Problem && problem.code === 'unavailable'
      throw problem
    }
  }
  return {
    query: query as PostgresPoolClient['query'],
    // The news that a connection has ended may come after its last error: the next user must not be given it.
    release: () => client.release(isBroken),
  }
}

/** SQLSTATE (PostgreSQL appendix A) and system errors that somebody outside can do something about. */
const PROBLEMS: Readonly<
  Record<string, readonly ['storage_full' | 'corrupt' | 'misconfigured' | 'unavailable', string]>
> = {
  '53100': ['storage_full', 'its disk is full'],
  '53300': ['unavailable', 'it has too many connections'],
  XX001: ['corrupt', 'its data is damaged'],
  XX002: ['corrupt', 'its index is damaged'],
  '28000': ['misconfigured', 'it does not let this user in'],
  '28P01': ['misconfigured', 'it refuses the password'],
  '3D000': ['misconfigured', 'there is no such database'],
  '42501': ['misconfigured', 'this user may not do that'],
  '57P01': ['unavailable', 'it is being shut down'],
  '57P02': ['unavailable', 'it broke down'],
  '57P03': ['unavailable', 'it is not ready'],
  '25006': ['unavailable', 'it takes no writes'],
  ECONNREFUSED: ['unavailable', 'nothing listens there'],
  ECONNRESET: ['unavailable', 'the connection broke'],
  EPIPE: ['unavailable', 'the connection broke'],
  ETIMEDOUT: ['unavailable', 'it does not answer'],
  EHOSTUNREACH: ['unavailable', 'its host cannot be reached'],
  ENETUNREACH: ['unavailable', 'its network cannot be reached'],
  ENOTFOUND: ['misconfigured', 'there is no such host'],
  EAI_AGAIN: ['unavailable', 'its host cannot be looked up now'],
  ENOENT: ['unavailable', 'its socket is not there'],
}

function problemOf(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || error instanceof Problem) return error
  const code = 'code' in error ? String(error.code) : ''
  const found =
    PROBLEMS[code] ?? (BROKEN.test(error.message) ? (['unavailable', 'the connection broke'] as const) : undefined)
  if (found === undefined) return error
  return new Problem(found[0], `Cannot use the database ${place}: ${found[1]}`, { cause: error })
}

/** The client's own errors, which have no code. */
const BROKEN = /connection terminated|timeout exceeded when trying to connect|not queryable|connection timeout/i

/** Integers, and sums and averages of them, as numbers: as SQLite returns them. */
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

/** Runs of jobs that nobody looks after any more, on both databases. */
import { describe } from 'node:test'
import { sqlitePlace } from '../../src/platform/temporary.suite.ts'
import { lostRunsSuite } from '../../src/training/jobs/lost-runs.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on SQLite', () => lostRunsSuite(sqlitePlace))

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => lostRunsSuite(postgresPlace))

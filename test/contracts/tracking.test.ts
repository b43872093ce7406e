/** The promises of tracking, on SQLite and on a real PostgreSQL. */
import { describe } from 'node:test'
import { sqlitePlace } from '../../src/platform/temporary.suite.ts'
import { findRunsSuite } from '../../src/training/tracking/find-runs.suite.ts'
import { runViewsSuite } from '../../src/training/tracking/run-views.suite.ts'
import { trackingSuite } from '../../src/training/tracking/tracking.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on SQLite', () => {
  trackingSuite(sqlitePlace)
  findRunsSuite(sqlitePlace)
  runViewsSuite(sqlitePlace)
})

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  trackingSuite(postgresPlace)
  findRunsSuite(postgresPlace)
  runViewsSuite(postgresPlace)
})

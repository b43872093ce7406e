/** The promises of studies, on SQLite and on a real PostgreSQL. */
import { describe } from 'node:test'
import { sqlitePlace } from '../../src/platform/temporary.suite.ts'
import { studiesSuite } from '../../src/training/studies/studies.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on SQLite', () => {
  studiesSuite(sqlitePlace)
})

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  studiesSuite(postgresPlace)
})

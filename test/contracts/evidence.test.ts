/** The promises of evidence, on SQLite and on a real PostgreSQL. */
import { describe } from 'node:test'
import { sqlitePlace } from '../../src/platform/temporary.suite.ts'
import { evidenceSuite } from '../../src/registry/evidence/evidence.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on SQLite', () => {
  evidenceSuite(sqlitePlace)
})

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  evidenceSuite(postgresPlace)
})

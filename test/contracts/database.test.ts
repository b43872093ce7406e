/** The promises of a database, on a real PostgreSQL. */
import { describe } from 'node:test'
import { databaseSuite } from '../../src/platform/database.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  databaseSuite(postgresPlace)
})

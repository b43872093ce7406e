/** The promises of validations, on SQLite and on a real PostgreSQL. */
import { describe } from 'node:test'
import { sqlitePlace } from '../../src/platform/temporary.suite.ts'
import { validationSuite } from '../../src/training/validation/validation.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on SQLite', () => {
  validationSuite(sqlitePlace)
})

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  validationSuite(postgresPlace)
})

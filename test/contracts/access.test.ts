/** The promises of keys, on a real PostgreSQL. */
import { describe } from 'node:test'
import { accessSuite } from '../../src/access/access.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  accessSuite(postgresPlace)
})

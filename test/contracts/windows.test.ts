/** The promises of the store of counted windows, on a real PostgreSQL. */
import { describe } from 'node:test'
import { windowStoreSuite } from '../../src/monitoring/store.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  windowStoreSuite(postgresPlace)
})

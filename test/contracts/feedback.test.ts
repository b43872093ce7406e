/** The promises of the store of judged windows, on a real PostgreSQL. */
import { describe } from 'node:test'
import { qualityStoreSuite } from '../../src/feedback/store.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  qualityStoreSuite(postgresPlace)
})

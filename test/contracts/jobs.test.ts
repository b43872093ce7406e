/** The promises of the job store, on a real PostgreSQL. */
import { describe } from 'node:test'
import { jobStoreSuite } from '../../src/platform/jobs.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  jobStoreSuite(postgresPlace)
})

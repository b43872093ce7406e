/** The promises of tracking, on a real PostgreSQL. */
import { describe } from 'node:test'
import { trackingSuite } from '../../src/training/tracking/tracking.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  trackingSuite(postgresPlace)
})

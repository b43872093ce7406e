/** The promises of the outbox, on a real PostgreSQL. */
import { describe } from 'node:test'
import { outboxSuite } from '../../src/platform/outbox.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  outboxSuite(postgresPlace)
})

/** The promises of studies, on a real PostgreSQL. */
import { describe } from 'node:test'
import { studiesSuite } from '../../src/training/studies/studies.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  studiesSuite(postgresPlace)
})

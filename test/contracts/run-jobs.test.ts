/** The promises of the worker of jobs, on a real PostgreSQL. */
import { describe } from 'node:test'
import { runJobsSuite } from '../../src/platform/run-jobs.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  runJobsSuite(postgresPlace)
})

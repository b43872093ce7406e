/** The promises of the registry, on a real PostgreSQL. */
import { describe } from 'node:test'
import { registrySuite } from '../../src/registry/registry.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { skipUnless } from '../services.ts'

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => {
  registrySuite(postgresPlace)
})

import { sqlitePlace } from '../../src/platform/temporary.suite.ts'
import { registrySuite } from '../../src/registry/registry.suite.ts'

registrySuite(sqlitePlace)

import { sqlitePlace } from '../platform/temporary.suite.ts'
import { registrySuite } from './registry.suite.ts'

registrySuite(sqlitePlace)

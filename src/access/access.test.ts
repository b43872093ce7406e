import { sqlitePlace } from '../platform/temporary.suite.ts'
import { accessSuite } from './access.suite.ts'

accessSuite(sqlitePlace)

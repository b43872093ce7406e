import { sqlitePlace } from '../../platform/temporary.suite.ts'
import { studiesSuite } from './studies.suite.ts'

studiesSuite(sqlitePlace)

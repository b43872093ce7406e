import { sqlitePlace } from '../../platform/temporary.suite.ts'
import { trackingSuite } from './tracking.suite.ts'

trackingSuite(sqlitePlace)

import { jobStoreSuite } from './jobs.suite.ts'
import { sqlitePlace } from './temporary.suite.ts'

jobStoreSuite(sqlitePlace)

import { outboxSuite } from './outbox.suite.ts'
import { sqlitePlace } from './temporary.suite.ts'

outboxSuite(sqlitePlace)

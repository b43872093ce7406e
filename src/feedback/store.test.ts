import { sqlitePlace } from '../platform/temporary.suite.ts'
import { qualityStoreSuite } from './store.suite.ts'

qualityStoreSuite(sqlitePlace)

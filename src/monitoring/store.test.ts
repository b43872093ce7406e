import { sqlitePlace } from '../platform/temporary.suite.ts'
import { windowStoreSuite } from './store.suite.ts'

windowStoreSuite(sqlitePlace)

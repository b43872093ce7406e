import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { openKeyring } from '../platform/crypto.ts'
import { openDatabase } from '../platform/database.ts'
import { subjectKeysSuite } from './subject-keys.suite.ts'
import { ledgerMigrations } from './tables.ts'

const folder = mkdtempSync(join(tmpdir(), 'bellwether-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

subjectKeysSuite(
  'SQLite',
  () => openDatabase({ file: ':memory:' }, [ledgerMigrations]),
  () => openKeyring(folder),
)

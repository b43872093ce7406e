import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../platform/database.ts'
import { outboxMigrations } from '../platform/outbox.ts'
import { registrySuite } from './registry.suite.ts'
import { registryMigrations } from './tables.ts'

registrySuite(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-registry-'))
  const place = { file: join(folder, 'metadata.sqlite') }
  const migrations = [outboxMigrations, registryMigrations]
  const db = await openDatabase(place, migrations)
  const second = await openDatabase(place, migrations)
  return {
    db,
    second,
    async close() {
      await Promise.all([db.close(), second.close()])
      rmSync(folder, { recursive: true })
    },
  }
})

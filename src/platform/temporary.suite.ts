/** Folders and databases for tests, gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { DatabasePlace } from './database.ts'

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Where a test may open an empty database that nobody else has, several times if it likes; gone when the test ends. */
export type FreshPlace = (t: TestContext) => Promise<DatabasePlace>

export const sqlitePlace: FreshPlace = t => Promise.resolve({ file: join(temporaryFolder(t), 'metadata.sqlite') })

/**
 * Master keys: one that seals, and while they are being changed, those before it, which still open.
 *
 * What is derived from the first master key (pseudonyms, for one) must not change with it: from the first change on, that
 * root lies in `keys/root.key`, sealed by the newest.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../errors.ts'
import { createFile, errorCode, replaceFile } from './durable-file.ts'

export interface MasterKeys {
  /** Newest first; at least one. */
  readonly masters: readonly Buffer[]
  /** They stand in the configuration, whose owner changes them. */
  readonly isConfigured: boolean
}

const KEY_BYTES = 32

/**
 * @param keys folder of keys.
 * @param wasUsed whether anything was sealed with a master key before.
 * @param configured `keys.master`: one or several, the newest first.
 */
export function readMasters(keys: string, wasUsed: boolean, configured: string | undefined): MasterKeys {
  if (configured === undefined) return { masters: readFile(masterFile(keys), wasUsed), isConfigured: false }
  const what = 'the key of the configuration (keys.master)'
  return { masters: configured.split(',').map(text => decodeMaster(text, what, 'misconfigured')), isConfigured: true }
}

/** Puts a new master key before those of the file, unless a change of them was begun and not ended. */
export function addMaster(keys: string, { masters }: MasterKeys): MasterKeys {
  if (masters.length > 1) return { masters, isConfigured: false }
  return keepMasters(keys, [randomBytes(KEY_BYTES), ...masters])
}

/** Forgets all but the newest. */
export function dropMasters(keys: string, { masters }: MasterKeys): MasterKeys {
  return keepMasters(keys, masters.slice(0, 1))
}

function keepMasters(keys: string, masters: readonly Buffer[]): MasterKeys {
  replaceFile(masterFile(keys), masters.map(key => `${key.toString('base64')}\n`).join(''))
  return { masters, isConfigured: false }
}

function masterFile(keys: string): string {
  return join(keys, 'master.key')
}

function readFile(path: string, wasUsed: boolean): readonly Buffer[] {
  const stored = readIfThere(path)
  if (stored === undefined) {
    // A new key would open nothing of what is there and hide that the old one is lost.
    if (wasUsed)
      throw new Problem(
        'misconfigured',
        `Cannot open the keys: ${path} is not there, though data was sealed with it; put it back, or give keys.master`,
      )
    createFile(path, `${randomBytes(KEY_BYTES).toString('base64')}\n`)
  }
  guardPermissions(path)
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  return lines.map(line => decodeMaster(line.trim(), path, 'corrupt'))
}

/** Closes a key file that others may read; volumes of orchestrators are known to open them. */
function guardPermissions(path: string): void {
  if ((statSync(path).mode & 0o077) === 0) return
  try {
    chmodSync(path, 0o600)
  } catch (error) {
    const found = (statSync(path).mode & 0o777).toString(8)
    if ((statSync(path).mode & 0o007) === 0) return
    throw new Problem('misconfigured', `Cannot use ${path}: everybody may read it (mode ${found}), wanted mode 600`, {
      cause: error,
    })
  }
}

function decodeMaster(text: string, what: string, code: 'misconfigured' | 'corrupt'): Buffer {
  const master = decodeExactly(text, KEY_BYTES)
  if (master !== undefined) return master
  throw new Problem(code, `Cannot use ${what}: it is not a master key, wanted ${KEY_BYTES} bytes in base64`)
}

/** Base64 of exactly so many bytes, in its one canonical form; Node's own decoder skips whatever it does not know. */
export function decodeExactly(text: string, bytes: number): Buffer | undefined {
  const decoded = Buffer.from(text, 'base64')
  return decoded.length === bytes && decoded.toString('base64') === text ? decoded : undefined
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

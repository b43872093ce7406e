/** Files that are there after a power cut, or not at all. */
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes a file under a temporary name, flushes it, renames it into place, and flushes the folder. */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w', mode)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** Flushes a folder: without it a new name in it may be forgotten. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

import { writeFile } from 'node:fs/promises'
import { Problem } from '../errors.ts'

/** Writes a file that is not there yet: evidence is not overwritten by accident. */
export async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new Problem('conflict', `Cannot write ${path}: it is there already, wanted a new file`)
    throw new Problem('failed', `Cannot write ${path}: the disk answered ${code}`, { cause: error })
  }
}

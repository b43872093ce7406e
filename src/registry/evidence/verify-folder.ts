/** Whether a folder holds the files that were signed, and no others. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import { Problem } from '../../errors.ts'
import type { SignedFile, SignedModel, SignedPiece } from './model-signature.ts'

/** Left out whatever the signature says, as the stock client does. */
const GIT: readonly string[] = ['.git', '.gitattributes', '.github', '.gitignore']
const TOLD_MAX = 5

/**
 * Throws `corrupt`, naming files, where one is changed, missing or not signed; `invalid` where the folder holds links, which could show
 * different files to different readers.
 *
 * @param signature path of the signature itself, which may lie among the files.
 */
export async function verifyFolder(folder: string, model: SignedModel, signature: string): Promise<void> {
  const ignored = [...GIT, ...model.ignored]
  const own = await realpath(signature).catch(() => undefined)
  const there = new Map<string, string>()
  for await (const { name, path } of filesIn(folder, '', ignored)) if (resolve(path) !== own) there.set(name, path)
  const wanted = new Set(model.files.map(({ name }) => name))
  const missing = [...wanted].filter(name => !there.has(name))
  const unsigned = [...there.keys()].filter(name => !wanted.has(name))
  const changed: string[] = []
  for (const file of model.files) {
    const path = there.get(file.name)
    if (path !== undefined && !(await isSame(path, file))) changed.push(file.name)
  }
  changed.push(...(await withoutWholePieces(model, there)))
  const faults = [
    ...told('changed', [...new Set(changed)]),
    ...told('missing', missing),
    ...told('not signed', unsigned),
  ]
  if (faults.length > 0) {
    throw new Problem('corrupt', `Cannot believe ${basename(resolve(folder))}: ${faults.join('; ')}`)
  }
}

function told(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return []
  const more = names.length > TOLD_MAX ? ` and ${names.length - TOLD_MAX} others` : ''
  return [`${what}: ${names.slice(0, TOLD_MAX).join(', ')}${more}`]
}

/** All files below a folder, by their path with slashes. */
export async function* filesIn(
  folder: string,
  below: string,
  ignored: readonly string[],
): AsyncGenerator<{ readonly name: string; readonly path: string }> {
  const entries = await readdir(join(folder, below), { withFileTypes: true })
  for (const entry of entries) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`
    if (ignored.includes(name)) continue
    const path = join(folder, ...name.split('/'))
    if (entry.isSymbolicLink()) {
      throw new Problem('invalid', `Cannot read the folder: ${name} is a symbolic link, wanted files and folders`)
    }
    if (entry.isDirectory()) yield* filesIn(folder, name, ignored)
    else if (entry.isFile()) yield { name, path }
    else throw new Problem('invalid', `Cannot read the folder: ${name} is neither a file nor a folder`)
  }
}

async function isSame(path: string, file: SignedFile | SignedPiece): Promise<boolean> {
  const range = 'start' in file ? { start: file.start, end: file.end - 1 } : {}
  return (await sha256Of(path, range)) === file.sha256
}

export async function sha256Of(path: string, range: { start?: number; end?: number } = {}): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, range)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** Of files that were signed in pieces, those whose pieces do not cover all of them once. */
async function withoutWholePieces({ files }: SignedModel, there: ReadonlyMap<string, string>): Promise<string[]> {
  const pieces = new Map<string, SignedPiece[]>()
  for (const file of files) if ('start' in file) pieces.set(file.name, [...(pieces.get(file.name) ?? []), file])
  const torn: string[] = []
  for (const [name, all] of pieces) {
    const path = there.get(name)
    if (path === undefined) continue
    let end = 0
    for (const piece of all.sort((a, b) => a.start - b.start)) end = piece.start === end ? piece.end : Number.NaN
    if (end !== (await stat(path)).size) torn.push(name)
  }
  return torn
}

/** A folder's name, as who signs or verifies it elsewhere sees it. */
export function folderName(folder: string): string {
  return basename(resolve(folder)) || sep
}

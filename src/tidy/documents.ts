/** Documents with one title each, whose links lead somewhere and whose commands exist. */
import { posix } from 'node:path'
import { type Fault, jsonOf, type Rule, type SourceFile } from './tree.ts'

interface Line {
  readonly text: string
  readonly number: number
}

export const titles: Rule = files =>
  documents(files).flatMap(({ path, text }) => {
    const count = headings(text).filter(({ level }) => level === 1).length
    return count === 1 ? [] : [{ path, problem: `has ${count} titles (lines that start with «# »), wanted one` }]
  })

/** A relative link leads to a file or folder of the repository; after a `#`, to a heading there. */
export const links: Rule = files => {
  const texts = new Map(files.map(({ path, text }) => [path, text]))
  const folders = new Set(files.flatMap(({ path }) => foldersOf(path)))
  return documents(files).flatMap(({ path, text }) => {
    const faults: Fault[] = []
    for (const { target, line } of linksIn(text)) {
      const [file = '', anchor] = target.split('#')
      const resolved = file === '' ? path : posix.join(posix.dirname(path), file).replace(/\/$/, '')
      const found = texts.get(resolved)
      if (found === undefined && !folders.has(resolved)) {
        faults.push({ path, line, problem: `links to ${target}, which is not there` })
      } else if (anchor !== undefined && !headings(found ?? '').some(({ slug }) => slug === anchor)) {
        faults.push({ path, line, problem: `links to ${target}, where no heading is called so` })
      }
    }
    return faults
  })
}

/** `npm run NAME` in a document names a script that package.json has. */
export const commands: Rule = files => {
  const { scripts = {} } = jsonOf<{ scripts?: Record<string, string> }>(files, 'package.json')
  return documents(files).flatMap(({ path, text }) =>
    [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)]
      .filter(match => !Object.hasOwn(scripts, match[1]!))
      .map(match => ({ path, problem: `names «${match[0]}», and package.json has no such script` })),
  )
}

function documents(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => path.endsWith('.md'))
}

/** The lines that are prose: what stands in a fenced block is somebody else's text. */
function prose(text: string): Line[] {
  let isFenced = false
  return text.split('\n').flatMap((line, index) => {
    if (/^\s*(?:```|~~~)/.test(line)) {
      isFenced = !isFenced
      return []
    }
    return isFenced ? [] : [{ text: line, number: index + 1 }]
  })
}

function headings(text: string): { readonly level: number; readonly slug: string }[] {
  return prose(text).flatMap(line => {
    const match = /^(#{1,6})\s+(.+?)\s*$/.exec(line.text)
    return match === null ? [] : [{ level: match[1]!.length, slug: slugOf(match[2]!) }]
  })
}

/** As GitHub makes it: lower case, marks out, spaces to dashes. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-')
}

function linksIn(text: string): { readonly target: string; readonly line: number }[] {
  return prose(text).flatMap(line =>
    [...line.text.replace(/`[^`]*`/g, '``').matchAll(/\]\(([^)\s]+)\)/g)]
      .map(match => match[1]!)
      .filter(target => !/^[a-z]+:/i.test(target))
      .map(target => ({ target, line: line.number })),
  )
}

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

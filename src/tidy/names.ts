/** Names that say what is inside. */

import { modules } from './module.ts'
import { entryPoints } from './reach.ts'
import type { Fault, Rule } from './tree.ts'

/** A drawer is where things go that have not found their noun. */
const BANNED: ReadonlySet<string> = new Set([
  'util',
  'utils',
  'helper',
  'helpers',
  'common',
  'shared',
  'misc',
  'manager',
  'service',
  'base',
  'index',
])
const BANNED_ENDING = /-(?:utils?|helpers?|manager|service)$/

/** Parts of a name's end that tell the kind of file, not what is in it. */
const KIND = /(?:\.[a-z]+)?\.(?:test|suite)$|\.d$/
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/

export const names: Rule = files =>
  modules(files).flatMap(({ path }) => {
    const parts = path.split('/')
    const stem = parts
      .pop()!
      .replace(/\.\w+$/, '')
      .replace(KIND, '')
    const faults: Fault[] = []
    for (const name of [...parts, stem]) {
      if (BANNED.has(name) || BANNED_ENDING.test(name)) faults.push({ path, problem: `the name ${name} is banned` })
      if (name !== '.ci' && !KEBAB.test(name)) faults.push({ path, problem: `the name ${name} is not in kebab-case` })
    }
    return faults
  })

/** No file that only hands on what others hold, but for the package's own entry points. */
export const barrels: Rule = files => {
  const entries = entryPoints(files)
  return modules(files).flatMap(({ path, program }) => {
    if (entries.has(path) || program.body.length === 0) return []
    const everything = program.body.some(node => node.type === 'ExportAllDeclaration')
    const own = program.body.some(node => {
      const isReexport = node.type === 'ExportNamedDeclaration' && node.declaration === null
      return !isReexport && node.type !== 'ExportAllDeclaration' && node.type !== 'ImportDeclaration'
    })
    const exports = program.body.some(node => node.type.startsWith('Export'))
    return everything || (exports && !own) ? [{ path, problem: 'only hands on what other files hold' }] : []
  })
}

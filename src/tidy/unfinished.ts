/** Work that says of itself that it is not done. */
import { modules, walk } from './module.ts'
import type { Fault, Rule } from './tree.ts'

const WORDS = /\b(?:TODO|FIXME|XXX|HACK)\b|\bfor now\b|\bnot implemented\b/
const IDLE: ReadonlySet<string> = new Set(['skip', 'only', 'todo'])
const TESTS: ReadonlySet<string> = new Set(['test', 'it', 'describe', 'suite'])

/** No comment that puts work off, no test that is switched off or keeps others from running. */
export const unfinished: Rule = files =>
  modules(files).flatMap(module => {
    const faults: Fault[] = []
    const add = (offset: number, problem: string): void => {
      faults.push({ path: module.path, line: module.lineOf(offset), problem })
    }
    for (const { value, start } of module.comments) {
      const word = WORDS.exec(value)?.[0]
      if (word !== undefined) add(start, `a comment says «${word}»: finish it or take it out`)
    }
    walk(module, {
      CallExpression(node) {
        if (node.callee.type !== 'MemberExpression') return
        const { object, property } = node.callee
        if (object.type !== 'Identifier' || property.type !== 'Identifier') return
        // With a reason alone it is a running test that finds it cannot go on.
        const isDecidedWhileRunning = property.name === 'skip' && node.arguments.length < 2
        if (TESTS.has(object.name) && IDLE.has(property.name) && !isDecidedWhileRunning) {
          add(node.start, `${object.name}.${property.name} in a test`)
        }
      },
    })
    return faults
  })

/** Files and functions that fit a reader's head. */
import type { Node } from 'oxc-parser'
import { type Module, modules, walk } from './module.ts'
import type { Fault, Rule } from './tree.ts'

export const FILE_LINES_MAX = 400
export const FUNCTION_LINES_MAX = 60

export const fileLength: Rule = files =>
  modules(files).flatMap(({ path, text }) => {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    return lines <= FILE_LINES_MAX
      ? []
      : [{ path, problem: `has ${lines} lines, at most ${FILE_LINES_MAX} are wanted` }]
  })

/** From the line of a function's first word to that of its last brace. `describe` only holds functions, it is none. */
export const functionLength: Rule = files => modules(files).flatMap(longFunctions)

function longFunctions(module: Module): Fault[] {
  const faults: Fault[] = []
  const holders = new Set<number>()
  const measure = (node: Node): void => {
    const line = module.lineOf(node.start)
    const lines = module.lineOf(node.end - 1) - line + 1
    if (lines <= FUNCTION_LINES_MAX || holders.has(node.start)) return
    const problem = `a function of ${lines} lines, at most ${FUNCTION_LINES_MAX} are wanted`
    faults.push({ path: module.path, line, problem })
  }
  walk(module, {
    CallExpression(node) {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'describe') return
      for (const argument of node.arguments) holders.add(argument.start)
    },
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
  })
  return faults
}

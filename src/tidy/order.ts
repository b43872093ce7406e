/** The stack of folders: who may import whom. */
import { isTest, type Module, modules, walk } from './module.ts'
import type { Fault, Rule, SourceFile } from './tree.ts'

/** The folders (or lone files) of `src/`, lowest first. A file imports from its own and from those before it. */
export const ORDER: readonly string[] = [
  'errors',
  'route',
  'client',
  'math',
  'predictor',
  'ui',
  'platform',
  'runtimes',
  'access',
  'ledger',
  'data',
  'features',
  'registry',
  'training',
  'policy',
  'serving',
  'explain',
  'feedback',
  'monitoring',
  'drift',
  'fairness',
  'experiments',
  'impact',
  'release',
  'retraining',
  'governance',
  'doors',
  'loadtest',
  'web',
  'workers',
  'app',
  'cli',
  'tidy',
]

/** Folders that take less than the order would give them, and why. */
const ONLY: Readonly<Record<string, { readonly folders: readonly string[]; readonly because: string }>> = {
  math: { folders: ['errors'], because: 'math knows nothing but itself' },
  predictor: { folders: ['errors', 'math'], because: 'a predictor is pure' },
  ui: { folders: ['errors', 'route', 'client', 'math'], because: 'ui runs in a browser' },
  doors: { folders: ['errors', 'route', 'client', 'platform'], because: 'doors translate and know no slice' },
}

/** Folders whose code runs in a browser unchanged. */
const BROWSER: ReadonlySet<string> = new Set(['math', 'predictor', 'ui'])

/** Packages that only one folder may know, so that they can be replaced there. */
const CONFINED: readonly { readonly name: RegExp; readonly folder: string }[] = [
  { name: /^(?:fastify|@fastify\/.*|@grpc\/.*|@connectrpc\/.*)$/, folder: 'doors' },
  { name: /^(?:pg|pino|prom-client|sonic-boom|node:sqlite)$/, folder: 'platform' },
]

/** Where the outer world may be asked directly: time, chance, environment. Everybody else has it handed in. */
const WORLDLY: ReadonlySet<string> = new Set(['platform', 'workers', 'app', 'cli', 'tidy'])

/** The folder of `src/` that a path is in, or the name of a file that lies in `src/` itself. */
export function folderOf(path: string): string | undefined {
  return /^src\/([^/.]+)(?:\/|\.)/.exec(path)?.[1]
}

export const order: Rule = files => sourceModules(files).flatMap(module => [...orderFaults(module)])

function* orderFaults(module: Module): Generator<Fault> {
  const folder = folderOf(module.path)!
  const rank = ORDER.indexOf(folder)
  if (rank === -1) {
    yield { path: module.path, problem: `src/${folder} is not in the order of folders` }
    return
  }
  for (const { specifier, target, line, isNamed } of module.imports) {
    const at = { path: module.path, line }
    if (specifier.startsWith('.') && target === undefined) {
      yield { ...at, problem: `imports ${specifier}, which is not there` }
    }
    if (target === undefined) continue
    const other = folderOf(target)
    if (other === undefined) {
      // A file that travels with the package may be named, to be copied or shown.
      if (!isTest(module.path) && !isNamed) yield { ...at, problem: `imports ${target}, which lies outside src` }
    } else if (other !== folder && ORDER.indexOf(other) > rank) {
      yield { ...at, problem: `imports ${target}, and ${folder} comes before ${other}` }
    } else if (other !== folder && ONLY[folder]?.folders.includes(other) === false) {
      yield { ...at, problem: `imports ${target}, but ${ONLY[folder].because}` }
    }
  }
}

/** `math`, `predictor` and `ui` import nothing of Node; frameworks and drivers stay in the one folder that knows them. */
export const purity: Rule = files =>
  sourceModules(files)
    .filter(module => !isTest(module.path))
    .flatMap(module => {
      const folder = folderOf(module.path)!
      return module.imports.flatMap(({ specifier, line, isType }) => {
        const at = { path: module.path, line }
        if (BROWSER.has(folder) && specifier.startsWith('node:')) {
          return [{ ...at, problem: `imports ${specifier}, but ${folder} runs in a browser` }]
        }
        const confined = CONFINED.find(({ name }) => name.test(specifier))
        if (confined === undefined || confined.folder === folder || isType) return []
        return [{ ...at, problem: `imports ${specifier}, which only src/${confined.folder} may know` }]
      })
    })

/** No file reaches itself through what it imports at run time. */
export const cycles: Rule = files => {
  const graph = new Map<string, string[]>()
  for (const module of modules(files)) {
    const next = module.imports.filter(({ isType, isNamed, target }) => !isType && !isNamed && target !== undefined)
    graph.set(module.path, [...new Set(next.map(({ target }) => target!))])
  }
  return knots(graph).map(knot => ({ path: knot[0]!, problem: `imports itself through ${knot.join(' → ')}` }))
}

/** Time, chance and the environment are handed in, so that a test can hand in its own. */
export const handedIn: Rule = files =>
  sourceModules(files)
    .filter(module => !isTest(module.path) && !WORLDLY.has(folderOf(module.path)!))
    .flatMap(module => {
      const faults: Fault[] = []
      const add = (offset: number, found: string, wanted: string): void => {
        const line = module.lineOf(offset)
        faults.push({ path: module.path, line, problem: `asks ${found}; have ${wanted} handed in` })
      }
      walk(module, {
        MemberExpression(node) {
          const wanted = WORLD[module.text.slice(node.start, node.end)]
          if (wanted !== undefined) add(node.start, module.text.slice(node.start, node.end), wanted)
        },
        NewExpression(node) {
          const isNow = node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0
          if (isNow) add(node.start, 'new Date()', 'a clock')
        },
      })
      return faults
    })

const WORLD: Readonly<Record<string, string>> = {
  'Date.now': 'a clock',
  'Math.random': 'a source of randomness',
  'process.env': 'the configuration',
}

function sourceModules(files: readonly SourceFile[]): Module[] {
  return modules(files).filter(module => folderOf(module.path) !== undefined)
}

/** One closed way for each group of files that reach one another, each file in at most one. */
function knots(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const told = new Set<string>()
  const found: string[][] = []
  for (const start of graph.keys()) {
    if (told.has(start)) continue
    const way = wayBack(graph, start)
    if (way === undefined) continue
    for (const path of way) told.add(path)
    found.push(way)
  }
  return found
}

/** The shortest way from a file to itself. */
function wayBack(graph: ReadonlyMap<string, readonly string[]>, start: string): string[] | undefined {
  const from = new Map<string, string>()
  const queue = [start]
  for (const path of queue) {
    for (const next of graph.get(path) ?? []) {
      if (next === start) return traced(from, start, path)
      if (from.has(next)) continue
      from.set(next, path)
      queue.push(next)
    }
  }
  return undefined
}

function traced(from: ReadonlyMap<string, string>, start: string, last: string): string[] {
  const way = [start]
  for (let path = last; path !== start; path = from.get(path)!) way.splice(1, 0, path)
  return [...way, start]
}

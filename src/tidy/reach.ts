/** Nothing lies about that nobody uses. */
import { isTest, type Module, modules } from './module.ts'
import { jsonOf, type Rule, type SourceFile } from './tree.ts'

/** Source files by which the package is entered from outside: its `bin`, and its `exports` before they were compiled. */
export function entryPoints(files: readonly SourceFile[]): ReadonlySet<string> {
  const manifest = jsonOf<{ bin?: Record<string, string>; exports?: Record<string, string> }>(files, 'package.json')
  const named = [...Object.values(manifest.bin ?? {}), ...Object.values(manifest.exports ?? {})]
  return new Set(named.map(path => path.replace(/^\.\//, '').replace(/^dist\/(.*)\.js$/, 'src/$1.ts')))
}

/**
 * Every source file is reached from where the program is entered; tests do not count, or dead code with a test would live
 * for ever. The entries themselves exist. What only tests use (`tidy`, suites, and all outside `src`) is reached from a test, or is named in a script
 * or a document for people to run.
 */
export const reach: Rule = files => {
  const all = modules(files)
  const entries = entryPoints(files)
  const named = namedPaths(files)
  const program = reached(all, path => entries.has(path))
  const everything = reached(all, path => entries.has(path) || /\.test\.tsx?$/.test(path) || named.has(path))
  const absent = [...entries].filter(entry => /\.[jt]s$/.test(entry) && !all.some(({ path }) => path === entry))
  const missing = absent.map(entry => ({
    path: 'package.json',
    problem: `is entered through ${entry}, which is not there`,
  }))
  const unused = all.flatMap(({ path }) => {
    const isProgram = path.startsWith('src/') && !path.startsWith('src/tidy/') && !isTest(path)
    if ((isProgram ? program : everything).has(path)) return []
    const wanted = isProgram ? 'an entry point of the package' : 'a test, a script or a document'
    return [{ path, problem: `is not reached from ${wanted}` }]
  })
  return [...missing, ...unused]
}

function reached(all: readonly Module[], isRoot: (path: string) => boolean): ReadonlySet<string> {
  const byPath = new Map(all.map(module => [module.path, module]))
  const found = new Set(all.map(({ path }) => path).filter(isRoot))
  for (const path of found) {
    for (const { target } of byPath.get(path)?.imports ?? []) {
      if (target !== undefined) found.add(target)
    }
  }
  return found
}

/**
 * A source file that the program names in a text has another ending once it is compiled, and compilers do not look into
 * texts: it is named without one, and `workerUrl` finds it.
 */
export const namedFiles: Rule = files =>
  modules(files)
    .filter(({ path }) => path.startsWith('src/') && !path.startsWith('src/tidy/') && !isTest(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ isNamed, specifier, target }) => isNamed && specifier.endsWith('.ts') && target?.startsWith('src/'))
        .map(({ line, specifier }) => ({
          path,
          line,
          problem: `names ${specifier}, which is another file once compiled`,
        })),
    )

/** Paths of code that stand in package.json, in shell scripts and in documents. */
function namedPaths(files: readonly SourceFile[]): ReadonlySet<string> {
  const texts = files.filter(({ path }) => !/\.(?:ts|tsx|js|mjs)$/.test(path) && path !== 'package-lock.json')
  return new Set(
    texts.flatMap(({ text }) => [...text.matchAll(/[\w./-]+\.(?:ts|tsx|js|mjs)\b/g)].map(match => match[0])),
  )
}

/**
 * Makes of the compiled program a few files: what two thousand modules cost at each start, most of it in looking for
 * them, they cost once, here. `build-package.ts` calls it for what is published; a clone runs its source.
 *
 * The folder `program` gets the code, shared pieces apart, and `LICENSES.txt` of what is inside. The files by which the program,
 * its threads and its processes are entered stay where they were and only lead there; what the package exports is not touched.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile, type Plugin } from 'esbuild'

/** What every start loads. The rest is found among the installed packages when it is needed: native parts, files, rare drivers. */
const BUNDLED: ReadonlySet<string> = new Set([
  '@fastify/busboy',
  'csv-parse',
  'find-my-way',
  'hyparquet',
  'hyparquet-writer',
  'kysely',
  'pino',
  'prom-client',
  'saxes',
  'typebox',
  'yaml',
])
/** What bundled packages load and use only in ways that we do not: there is nothing in their place. */
const LEFT_OUT: ReadonlySet<string> = new Set(['thread-stream'])
/** Files of the compiled program that outsiders import one by one. */
const EXPORTED: readonly string[] = ['math.js', 'predictor.js', 'client.js']
const FOLDER = 'program'
const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Packages that came as CommonJS ask for Node's own modules by `require`. */
const BANNER =
  "import{createRequire as createRequireOfBundle}from'node:module';const require=createRequireOfBundle(import.meta.url);"

/** @param dist folder with the compiled program, absolute. */
export async function bundleProgram(dist: string): Promise<void> {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map(file => file.split(sep).join('/'))
    .filter(file => file.endsWith('.js') && !/^(?:program|web\/bundle|serving\/edge\/edge-runtime)\b/.test(file))
  const started = [...new Set(files.flatMap(file => startedBy(dist, file)))]
  // Apart: what the program shared with its threads would lie in many small files, and each costs a start a millisecond.
  const made = [await bundled(dist, ['cli.js']), await bundled(dist, started)]
  const inputs = Object.assign({}, ...made.map(({ metafile }) => metafile.inputs)) as Metafile['inputs']
  writeFileSync(join(dist, FOLDER, 'LICENSES.txt'), licences(inputs, dist))
  // Found at the first look for what kind of modules these are.
  writeFileSync(join(dist, FOLDER, 'package.json'), '{ "type": "module" }\n')
  const kept = new Set(reached(dist, EXPORTED))
  for (const file of files) if (!kept.has(file)) rmSync(join(dist, file))
  for (const entry of ['cli.js', ...started]) {
    const there = posix.relative(posix.dirname(entry), `${FOLDER}/${posix.basename(entry)}`)
    writeFileSync(join(dist, entry), `import '${there.startsWith('.') ? there : `./${there}`}'\n`)
  }
}

function bundled(dist: string, entries: readonly string[]): Promise<{ readonly metafile: Metafile }> {
  return build({
    entryPoints: entries.map(entry => join(dist, entry)),
    entryNames: '[name]',
    outdir: join(dist, FOLDER),
    absWorkingDir: dist,
    bundle: true,
    splitting: true,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    nodePaths: [join(ROOT, 'node_modules')],
    plugins: [placesKept(dist), onlyBundled(dist)],
    banner: { js: BANNER },
    minifyWhitespace: true,
    lineLimit: 160,
    legalComments: 'none',
    logLevel: 'warning',
  })
}

/** Threads and processes are started by the name of a file, which stands in the code as `workerUrl(import.meta.url, './name')`. */
function startedBy(dist: string, file: string): string[] {
  const text = readFileSync(join(dist, file), 'utf8')
  return [...text.matchAll(/workerUrl\(import\.meta\.url, '([^']+)'\)/g)].map(([, name]) =>
    posix.join(posix.dirname(file), `${name}.js`),
  )
}

/** A file goes on knowing where it lay: others are named by where they lie from there. */
function placesKept(dist: string): Plugin {
  return {
    name: 'places kept',
    setup(running) {
      running.onLoad({ filter: /\.js$/ }, ({ path }) => {
        const file = relative(dist, path).split(sep).join('/')
        if (file.startsWith('..') || file.includes('node_modules/')) return undefined
        const text = readFileSync(path, 'utf8')
        return { contents: text.replaceAll('import.meta.url', `new URL('../${file}', import.meta.url).href`) }
      })
    },
  }
}

function onlyBundled(dist: string): Plugin {
  return {
    name: 'only what every start loads',
    setup(running) {
      running.onResolve({ filter: /^[^.]/ }, ({ path, importer, kind }) => {
        if (kind === 'entry-point') return undefined
        const isOurs = !relative(dist, importer).startsWith('..')
        const [first, second] = path.split('/')
        const name = first!.startsWith('@') ? `${first}/${second}` : first!
        // What a bundled package asks for is bundled with it, but for Node's own modules.
        if (LEFT_OUT.has(name)) return { path, namespace: 'left out' }
        return isOurs && !BUNDLED.has(name) ? { path, external: true } : undefined
      })
      running.onLoad({ filter: /^/, namespace: 'left out' }, () => ({ contents: '' }))
      // `pg` and others try for native parts that may not be installed.
      running.onResolve({ filter: /\.node$/ }, ({ path }) => ({ path, external: true }))
    },
  }
}

/** The files that these import, and theirs. */
function reached(dist: string, roots: readonly string[]): string[] {
  const found = new Set(roots)
  for (const file of found) {
    const text = readFileSync(join(dist, file), 'utf8')
    for (const [, path] of text.matchAll(/(?:from|import)\s*\(?'(\.{1,2}\/[^']+\.js)'/g)) {
      found.add(posix.join(posix.dirname(file), path!))
    }
  }
  return [...found]
}

function licences(inputs: Metafile['inputs'], dist: string): string {
  const folders = new Set<string>()
  for (const input of Object.keys(inputs)) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)
    if (found !== null) folders.add(join(dist, found[1]!))
  }
  const require = createRequire(import.meta.url)
  const texts = [...folders].sort().map(folder => {
    const { name, version, license } = require(join(folder, 'package.json')) as Record<string, string>
    const file = readdirSync(folder).find(one => /^licen[cs]e(?:\.|$)/i.test(one))
    const notice = readdirSync(folder).find(one => /^notice(?:\.|$)/i.test(one))
    const read = (one: string | undefined): string =>
      one === undefined ? '' : `\n${readFileSync(join(folder, one), 'utf8').trim()}\n`
    return `${name} ${version} (${license})\n${read(file)}${read(notice)}`
  })
  return `Packages that are part of the files beside this one, and their licences.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`
}

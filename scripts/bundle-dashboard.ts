/**
 * Bundles the dashboard: one script, one style sheet, the typefaces. `npm run build` writes it into the package; in a
 * clone the server calls `bundleDashboard` when a browser first asks, so that there is no step to know of.
 *   node scripts/bundle-dashboard.ts DIRECTORY
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export interface BundledFile {
  readonly name: string
  readonly bytes: Uint8Array
}

const ENTRIES = ['../src/web/browser/main.tsx', '../src/web/browser/theme.ts', '../src/web/browser/style.css']
const TYPEFACES = [
  '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2',
  '@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2',
]

/** Names are of a fixed list, e.g. `main.js`, `style.css`, `inter.woff2`: the page that names them is served uncached. */
export async function bundleDashboard(): Promise<readonly BundledFile[]> {
  const { outputFiles } = await build({
    entryPoints: [
      ...ENTRIES.map(path => new URL(path, import.meta.url).href),
      ...TYPEFACES.map(name => import.meta.resolve(name)),
    ].map(url => fileURLToPath(url)),
    outbase: fileURLToPath(new URL('..', import.meta.url)),
    entryNames: '[name]',
    outdir: 'dashboard',
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: ['chrome120', 'firefox120', 'safari17'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.woff2': 'copy' },
    external: ['/dashboard/*'],
    legalComments: 'none',
    logLevel: 'silent',
  })
  return outputFiles.map(({ path, contents }) => ({ name: basename(path), bytes: contents }))
}

if (import.meta.main) {
  const folder = process.argv[2]
  if (folder === undefined) throw new Error('Cannot write the bundle: no folder is named')
  await mkdir(folder, { recursive: true })
  for (const { name, bytes } of await bundleDashboard()) await writeFile(join(folder, name), bytes)
}

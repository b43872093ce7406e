/**
 * Builds what is published: compiles the program, bundles the dashboard and what bundles for the edge are made of, adds what
 * is not compiled, and makes of the program a few files that start fast.
 *   node scripts/build-package.ts [DIST]
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleDashboard } from './bundle-dashboard.ts'
import { bundleEdge } from './bundle-edge.ts'
import { bundleProgram } from './bundle-program.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Files that the program reads or hands on as they are. */
const COPIED = 'src/**/*.{py,proto}'

export async function buildPackage(dist: string): Promise<void> {
  rmSync(dist, { recursive: true, force: true })
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  const args = [compiler, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', dist]
  execFileSync(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  const dashboard = join(dist, 'web/bundle')
  mkdirSync(dashboard, { recursive: true })
  for (const { name, bytes } of await bundleDashboard()) writeFileSync(join(dashboard, name), bytes)
  writeFileSync(join(dist, 'serving/edge/edge-runtime.js'), await bundleEdge())
  for (const file of globSync(COPIED, { cwd: ROOT })) {
    const to = join(dist, file.replace(/^src\//, ''))
    mkdirSync(dirname(to), { recursive: true })
    copyFileSync(join(ROOT, file), to)
  }
  await bundleProgram(dist)
}

if (import.meta.main) await buildPackage(resolve(process.argv[2] ?? join(ROOT, 'dist')))

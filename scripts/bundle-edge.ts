/**
 * Bundles what is inside every edge bundle: `var runtime = …`, one script that runs in browsers, Node and serverless platforms.
 * `npm run build` writes it into the package; in a clone `bellwether bundle` calls `bundleEdge`.
 *   node scripts/bundle-edge.ts FILE
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export async function bundleEdge(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../src/serving/edge/edge-entry.ts', import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    globalName: 'runtime',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: ['node20', 'chrome120', 'firefox120', 'safari17'],
    legalComments: 'none',
    charset: 'ascii',
    logLevel: 'silent',
  })
  return outputFiles[0]!.text
}

if (import.meta.main) {
  const file = process.argv[2]
  if (file === undefined) throw new Error('Cannot write the runtime: no file is named')
  await writeFile(file, await bundleEdge())
}

/**
 * What the overview costs: 200 models of 50 features on a real server, in a browser with an empty cache.
 *
 *   node bench/dashboard.ts
 */

import { gzipSync } from 'node:zlib'
import { bundleDashboard } from '../scripts/bundle-dashboard.ts'
import { withPage } from '../test/browser/browser.ts'
import { FEATURES, MODELS, makeManyModels } from '../test/browser/many-models.ts'
import { withServer } from '../test/server.ts'
import { median } from './processes.ts'

const RUNS = 7
const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** From the navigation's start until something, and until every row, is on the screen. */
const TIMES = `new Promise(resolve => requestAnimationFrame(() => setTimeout(() => resolve(JSON.stringify({
  first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
  whole: performance.now(),
})))))`

async function drawn(url: string): Promise<{ readonly first: number; readonly whole: number }> {
  let times = { first: 0, whole: 0 }
  await withPage(async ({ page }) => {
    await page.goto(url, { waitUntil: 'commit' })
    await page.locator(`.models tbody tr:nth-child(${MODELS})`).waitFor()
    times = JSON.parse(String(await page.evaluate(TIMES))) as typeof times
  })
  return times
}

async function answered(url: string): Promise<number> {
  const startedAt = performance.now()
  await (await fetch(`${url}/overview`)).arrayBuffer()
  return performance.now() - startedAt
}

await withServer({}, async server => {
  const startedAt = performance.now()
  await makeManyModels(server.url)
  say(`${MODELS} models of ${FEATURES} features made in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  const times: { readonly first: number; readonly whole: number }[] = []
  const answers: number[] = []
  for (let run = 0; run < RUNS; run++) {
    times.push(await drawn(server.url))
    answers.push(await answered(server.url))
  }
  say(`first paint          ${median(times.map(({ first }) => first)).toFixed(0)} ms`)
  say(
    `every row drawn      ${median(times.map(({ whole }) => whole)).toFixed(0)} ms, at most ${Math.max(...times.map(({ whole }) => whole)).toFixed(0)} ms`,
  )
  say(`GET /overview        ${median(answers).toFixed(1)} ms`)
})
for (const { name, bytes } of await bundleDashboard()) {
  if (!name.endsWith('.woff2')) say(`${name.padEnd(20)} ${bytes.length} bytes, ${gzipSync(bytes).length} gzipped`)
}

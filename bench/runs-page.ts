/**
 * The page of an experiment with 100,000 runs: listed, put in order, filtered; as the server answers, and until a browser has drawn it.
 *
 *   npm run bench:runs-page                       on SQLite, and on PostgreSQL where it is there
 *   npm run bench:runs-page -- --runs 1000000
 *   npm run bench:runs-page -- --only postgres    or sqlite
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import type { DatabasePlace } from '../src/platform/database.ts'
import { withPage } from '../test/browser/browser.ts'
import { logged } from '../test/browser/logged-runs.ts'
import { startCluster } from '../test/postgres-cluster.ts'
import { skipUnless } from '../test/services.ts'
import { median, remove, startFree, temporaryFolder } from './processes.ts'
import { fillOurs } from './tracking-fill.ts'

const ROUNDS = 9
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100000' }, only: { type: 'string', default: '' } },
})
const wanted = (database: string): boolean => database.toLowerCase().startsWith(values.only)
const runs = Number(values.runs)
const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** What a person does on the page, and what it asks the server for. */
const LOOKS: readonly (readonly [name: string, query: Readonly<Record<string, string>>])[] = [
  ['listed, the latest first', {}],
  ['by a metric', { order: 'metrics.`acc` DESC' }],
  ['by a parameter', { order: 'params.`lr` ASC' }],
  ['by name', { order: 'run_name DESC' }],
  ['filtered by a metric and a parameter', { filter: "metrics.acc > 0.9 AND params.lr = '0.3'" }],
  ['filtered by a part of the name', { filter: "attributes.run_name LIKE 'r9%9'" }],
  ['filtered, and by a metric', { filter: "params.lr = '0.3'", order: 'metrics.`acc` DESC' }],
  ['found by nobody', { filter: "metrics.acc > 2 AND params.lr = '0.3'" }],
  ['without nested runs', { filter: 'tags.`mlflow.parentRunId` IS NULL' }],
]

async function answered(url: string, path: string): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now()
    const response = await fetch(url + path)
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`Cannot measure ${path}: it was answered with ${response.status}`)
    times.push(performance.now() - startedAt)
  }
  return median(times)
}

const DRAWN = 'new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))'

/** From an address in a browser that has nothing open until its runs are drawn. */
async function opened(page: Page, address: string): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await page.goto(address, { waitUntil: 'commit' })
    await page.locator('.runs tbody tr, .notice-title').first().waitFor()
    times.push(Number(await page.evaluate(DRAWN)))
  }
  return median(times)
}

/** From the press of a link in the open page until what it leads to is drawn. */
async function changed(page: Page, path: string, query: URLSearchParams): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    // Other columns each time: what is asked for already would not be asked for again.
    const address = `${path}?${query}&columns=${'metrics.acc,'.repeat(round + 1)}`
    const came = page.waitForResponse(response => response.url().includes(`${path}/runs?`))
    const startedAt = Number(
      await page.evaluate(`(() => {
        const at = performance.now()
        history.pushState(undefined, '', ${JSON.stringify(address)})
        dispatchEvent(new PopStateEvent('popstate'))
        return at
      })()`),
    )
    await (await came).finished()
    times.push(Number(await page.evaluate(DRAWN)) - startedAt)
  }
  return median(times)
}

async function measure(database: string, url: string | undefined): Promise<void> {
  if (!wanted(database)) return
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  const server = await startFree(data, url === undefined ? [] : ['--database', url])
  try {
    const { experiment_id } = await logged(server, 'experiments/create', { name: 'many' })
    const experiment = String(experiment_id)
    const place: DatabasePlace = url === undefined ? { file: join(data, 'metadata.sqlite') } : { url }
    await fillOurs(place, experiment, runs)
    say(
      `${runs} runs on ${database}`.padEnd(48) +
        ['answered', 'in the page', 'page opened'].map(word => word.padStart(14)).join(''),
    )
    await withPage(async ({ page }) => {
      for (const [name, query] of LOOKS) {
        const path = `/runs/experiments/${experiment}`
        const asked = new URLSearchParams(query)
        const answer = await answered(server.url, `${path}/runs?${asked}`)
        const whole = await opened(page, `${server.url}${path}?${asked}`)
        const again = await changed(page, path, asked)
        const times = [answer, again, whole].map(time => `${time.toFixed(0).padStart(11)} ms`)
        say(name.padEnd(48) + times.join(''))
      }
      const list = await answered(server.url, '/runs/experiments')
      say(`${'experiments, with their counts'.padEnd(48)}${list.toFixed(0).padStart(11)} ms`)
    })
  } finally {
    await server.stop()
    remove(folder)
  }
}

await measure('SQLite', undefined)
const why = skipUnless('postgres')
if (why === false) {
  const cluster = await startCluster([])
  try {
    await measure('PostgreSQL', cluster.url('postgres'))
  } finally {
    await cluster.stop()
  }
} else say(`without PostgreSQL: ${why}`)
process.exit(0)

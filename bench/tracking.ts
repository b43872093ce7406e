/**
 * How fast runs are tracked over MLflow's protocol, every write durable before it is answered: ours and `mlflow server`, by turns
 * in one run, each on SQLite and on a PostgreSQL that waits for its disk.
 *
 *   npm run bench:tracking                        both, if MLflow's environment and PostgreSQL are there (scripts/services)
 *   npm run bench:tracking -- --only ours         ours alone; --only sqlite or postgres: one database; both may be given
 *   npm run bench:tracking -- --runs 100000       runs that the search is over (default 10000; 0: no search)
 *   npm run bench:tracking -- --seconds 5         for each figure and round (default 2)
 *
 * MLflow's server answers with uvloop, by one process and by four: the better of the two counts.
 */
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mlflowServer } from '../test/clients/mlflow/servers.ts'
import { administer, type Cluster, startCluster } from '../test/postgres-cluster.ts'
import { skipUnless } from '../test/services.ts'
import { median, remove, startFree, temporaryFolder } from './processes.ts'
import { figures, searched, uploads } from './tracking-figures.ts'
import { fillOurs, fillTheirs } from './tracking-fill.ts'
import { familyBytes } from './tracking-load.ts'

interface Contestant {
  readonly name: string
  readonly url: string
  readonly pid: number
  /** Milliseconds until it answered. */
  readonly startMs: number
  /** Fills an experiment with so many runs, as if they had been logged. */
  fill(experiment: string, runs: number): Promise<void>
  stop(): Promise<unknown>
}

type Told = Map<string, Map<string, number[]>>

/** More connections to its database for many callers: with the usual fifteen connections it answers sixteen of them with errors. */
const MLFLOW_CONNECTIONS = { MLFLOW_SQLALCHEMYSTORE_POOL_SIZE: '40', MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW: '40' }
const ROUNDS = 3
const START_MS_MAX = 90_000
const MB = 1 << 20

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    runs: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '2' },
  },
})
Object.assign(process.env, MLFLOW_CONNECTIONS)
const wanted = (name: string, others: readonly string[]): boolean =>
  values.only.includes(name) || !others.some(other => values.only.includes(other))

async function timed<T>(start: () => Promise<T>): Promise<T & { readonly startMs: number }> {
  const began = performance.now()
  const started = await start()
  return { ...started, startMs: performance.now() - began }
}

async function answering(url: string): Promise<void> {
  const deadline = performance.now() + START_MS_MAX
  for (;;) {
    const answer = await fetch(url).catch((error: unknown) => error)
    if (answer instanceof Response && answer.ok) return
    if (performance.now() > deadline) throw new Error(`Cannot compare: nothing answers at ${url}`, { cause: answer })
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function ours(url: string | undefined): Promise<Contestant> {
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  const server = await timed(() => startFree(data, url === undefined ? [] : ['--database', url]))
  const place = url === undefined ? { file: join(data, 'metadata.sqlite') } : { url }
  return {
    ...server,
    name: 'ours',
    fill: (experiment, runs) => fillOurs(place, experiment, runs),
    async stop() {
      await server.stop()
      remove(folder)
    },
  }
}

async function theirs(workers: number, cluster: Cluster | undefined): Promise<Contestant> {
  const name = `mlflow_${workers}`
  let database = `sqlite:///${tmpdir()}/bellwether-bench-${process.pid}-${name}.db`
  if (cluster !== undefined) {
    await administer(cluster.url('postgres'), `create database ${name}`)
    database = `postgresql+psycopg2://postgres@/${name}?host=${cluster.folder}`
  }
  const server = await timed(async () => {
    const started = await mlflowServer({ database, workers })
    // It says where it is before its workers listen.
    await answering(`${started.url}/health`)
    return started
  })
  return {
    ...server,
    name: `mlflow, ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    fill: (experiment, runs) => fillTheirs(database, experiment, runs),
    async stop() {
      await server.stop()
      if (cluster === undefined) rmSync(database.slice('sqlite:///'.length), { force: true })
    },
  }
}

async function contestants(cluster: Cluster | undefined): Promise<Contestant[]> {
  const all: Contestant[] = []
  if (wanted('ours', ['mlflow'])) {
    if (cluster !== undefined) await administer(cluster.url('postgres'), 'create database ours')
    all.push(await ours(cluster?.url('ours')))
  }
  const why = wanted('mlflow', ['ours']) ? skipUnless('mlflow') : 'not asked for'
  if (why === false) for (const workers of [1, 4]) all.push(await theirs(workers, cluster))
  else process.stdout.write(`without mlflow server: ${why}\n`)
  return all
}

/** Higher is better, but of what is told in ms and MB. */
function isBetter(figure: string, a: number, b: number): boolean {
  return /, (?:ms|MB)$/.test(figure) ? a < b : a > b
}

function note(told: Told, figure: string, who: Contestant, value: number): void {
  const of = told.get(figure) ?? new Map<string, number[]>()
  told.set(figure, of)
  of.set(who.name, [...(of.get(who.name) ?? []), value])
  // It takes minutes: whoever waits sees what it is at. The table comes at the end.
  process.stderr.write(`  ${figure}: ${who.name}, ${value.toFixed(1)}\n`)
}

async function compare(database: string, cluster: Cluster | undefined): Promise<void> {
  const all = await contestants(cluster)
  const told: Told = new Map()
  try {
    for (const who of all) note(told, 'start, ms', who, who.startMs)
    for (let round = 0; round < ROUNDS; round++) {
      for (const measure of figures(Number(values.seconds) * 1_000))
        for (const who of all) note(told, measure.name, who, await measure.of(who.url))
      for (const who of all) for (const [name, value] of await uploads(who.url)) note(told, name, who, value)
    }
    for (const who of all) note(told, 'memory, MB', who, familyBytes(who.pid) / MB)
    const runs = Number(values.runs)
    if (runs > 0)
      for (const who of all)
        for (const [name, value] of await searched(who.url, runs, who.fill)) note(told, name, who, value)
  } finally {
    for (const who of all) await who.stop()
  }
  print(database, told, all)
}

function print(database: string, told: Told, all: readonly Contestant[]): void {
  const columns = all.map(({ name }) => name)
  const line = (first: string, cells: readonly string[]): void =>
    void process.stdout.write(`${first.padEnd(52)}${cells.map(cell => cell.padStart(18)).join('')}\n`)
  line(database, [...columns, 'ours is better by'])
  for (const [figure, of] of told) {
    const medians = columns.map(name => median(of.get(name) ?? [Number.NaN]))
    const [own, ...others] = medians
    const best = others.reduce((a, b) => (isBetter(figure, a, b) ? a : b), others[0] ?? Number.NaN)
    const ratio = isBetter(figure, 2, 1) ? own! / best : best / own!
    const cells = medians.map(value => (value < 100 ? value.toFixed(1) : String(Math.round(value))))
    line(figure, [...cells, Number.isNaN(ratio) ? '' : `${ratio.toFixed(1)} times`])
  }
}

if (wanted('sqlite', ['postgres'])) await compare('SQLite', undefined)
const why = wanted('postgres', ['sqlite']) ? skipUnless('postgres') : 'not asked for'
if (why === false) {
  const cluster = await startCluster(['max_connections=200'])
  try {
    await compare('PostgreSQL', cluster)
  } finally {
    await cluster.stop()
  }
} else process.stdout.write(`without PostgreSQL: ${why}\n`)
process.exit(0)

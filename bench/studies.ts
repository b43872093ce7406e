/**
 * What the samplers of studies find of known functions, beside the quartiles of Optuna's TPE on equal budgets (test/golden),
 * and what an ask and a tell cost.
 *
 *   npm run bench:studies [-- --seeds 20]
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/platform/clock.ts'
import { openDatabase } from '../src/platform/database.ts'
import { uuid7 } from '../src/platform/ids.ts'
import { outboxMigrations } from '../src/platform/outbox.ts'
import { bestFound, FUNCTIONS, frontVolume, quantile } from '../src/training/studies/regret.suite.ts'
import { openStudies } from '../src/training/studies/studies.ts'
import { studyMigrations } from '../src/training/studies/tables.ts'
import { machine, remove, temporaryFolder } from './processes.ts'

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '20' } } })
const seeds = Array.from({ length: Number(values.seeds) }, (_, seed) => seed)
const KINDS = ['tpe', 'cma-es', 'nsga2', 'sobol', 'random'] as const
const WORKERS = 32
const TRIALS = 1_000
const say = (text: string): void => void process.stdout.write(`${text}\n`)

interface Theirs {
  readonly median100: number
  readonly iqr100: readonly [number, number]
}

function theirs<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../test/golden/${name}.json`, import.meta.url), 'utf8')) as T
}

function quartiles(found: readonly number[]): string {
  return [0.25, 0.5, 0.75].map(p => quantile(found, p).toFixed(4).padStart(10)).join(' ')
}

function regrets(): void {
  type Regrets = { functions: Record<string, { tpe_multivariate: Theirs }> }
  const known = { ...theirs<Regrets>('hpo_regret').functions, ...theirs<Regrets>('hpo_regret_more').functions }
  say(`Least value in 100 trials, ${seeds.length} seeds: quartiles\n`)
  for (const [name, { tpe_multivariate: other }] of Object.entries(known)) {
    const [low, high] = other.iqr100
    const quoted = [low, other.median100, high].map(value => value.toFixed(4).padStart(10)).join(' ')
    say(`${name.padEnd(12)} Optuna TPE ${quoted}`)
    for (const kind of KINDS) {
      const found = seeds.map(seed => bestFound(kind, FUNCTIONS[name]!, 100, seed))
      say(`${''.padEnd(12)} ${kind.padEnd(10)} ${quartiles(found)}`)
    }
  }
  const { zdt1 } = theirs<{ zdt1: { median: number; iqr: [number, number] } }>('hpo_regret_more')
  say('\nHypervolume of ZDT1 in 250 trials (more is better): quartiles')
  say(`Optuna NSGA-II ${[zdt1.iqr[0], zdt1.median, zdt1.iqr[1]].map(v => v.toFixed(4).padStart(10)).join(' ')}`)
  for (const kind of ['nsga2', 'tpe'] as const) {
    say(`${kind.padEnd(14)} ${quartiles(seeds.map(seed => frontVolume(kind, 250, seed)))}`)
  }
}

async function costs(): Promise<void> {
  const folder = temporaryFolder()
  const db = await openDatabase({ file: join(folder, 'metadata.sqlite') }, [outboxMigrations, studyMigrations])
  const studies = openStudies({ db, clock: systemClock, ids: uuid7(systemClock) })
  const space = FUNCTIONS['hartmann6']!.space
  await studies.create({ name: 'known', space, trials: TRIALS }, { id: 'local', name: 'local', roles: [] })
  const took: number[] = []
  const work = async (): Promise<void> => {
    for (;;) {
      const start = performance.now()
      const [trial] = (await studies.ask('known', { count: 1 })).trials
      if (trial === undefined) return
      const x = Object.values(trial.params) as number[]
      await studies.tell('known', trial.number, { value: FUNCTIONS['hartmann6']!.of(x), attempt: trial.attempt })
      took.push(performance.now() - start)
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: WORKERS }, work))
  const seconds = (performance.now() - start) / 1_000
  await db.close()
  remove(folder)
  say(`\n${TRIALS} trials of TPE by ${WORKERS} workers on SQLite, each ask and each tell on the disk:`)
  say(
    `${(TRIALS / seconds).toFixed(0)} trials/s; an ask and a tell ${quantile(took, 0.5).toFixed(1)} ms (median), ${quantile(took, 0.99).toFixed(1)} ms (p99)`,
  )
}

say(`${machine()}\n`)
regrets()
await costs()

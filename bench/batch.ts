/**
 * Scoring files: `npm run bench:batch -- [--rows 10000000] [--gaps 0.05]`. A CSV of customers with gaps is scored into Parquet by
 * `bellwether predict`, pinned to one core with one thread, and then with all cores; the peak memory is the process's own
 * (`VmHWM`). Reading the file line by line and a copy of it, in the same run, say what the machine gives.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../examples/churn/random.ts'
import { CLI, machine, pinned, registerExample, remove, temporaryFolder } from './processes.ts'

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '10000000' }, gaps: { type: 'string', default: '0.05' } },
})
const rows = Number(values.rows)
const gaps = Number(values.gaps)
const PIECE_CHARACTERS = 1 << 20
const SAMPLE_MS = 200
const HEADER = 'age,tenure,balance,num_products,has_cr_card,is_active_member,estimated_salary'

/** Customers that look like the demo's, made fast: a cell is missing with the probability `gaps`. */
async function writeRows(path: string): Promise<void> {
  const { uniform: random } = seededRandom('batch')
  const cell = (value: string): string => (random() < gaps ? '' : value)
  const whole = (below: number, from = 0): string => String(from + Math.floor(random() * below))
  const money = (below: number): string => (random() * below).toFixed(2)
  const out = createWriteStream(path)
  let text = `${HEADER}\n`
  for (let row = 0; row < rows; row++) {
    const balance = random() < 0.3 ? '0' : money(200_000)
    const cells = [whole(70, 18), whole(11), balance, whole(4, 1), whole(2), whole(2), money(200_000)]
    text += `${cells.map(cell).join(',')}\n`
    if (text.length < PIECE_CHARACTERS) continue
    if (!out.write(text)) await once(out, 'drain')
    text = ''
  }
  out.end(text)
  await once(out, 'finish')
}

/** Resident memory of a process at most so far, bytes. */
function peakBytes({ pid }: ChildProcess): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

interface Scored {
  readonly seconds: number
  readonly peak: number
  readonly bytes: number
}

async function score(data: string, input: string, output: string, core: number | undefined): Promise<Scored> {
  const threads = core === undefined ? availableParallelism() : 1
  const command = [process.execPath, CLI, 'predict', 'churn', '-i', input, '-o', output, '--threads', String(threads)]
  const all = [...command, '--restart', '--data', data]
  const [program, args] = core === undefined ? [all[0]!, all.slice(1)] : pinned(core, all)
  const startedAt = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, peakBytes(child))
  }, SAMPLE_MS)
  const [status] = (await once(child, 'exit')) as [number | null]
  clearInterval(timer)
  if (status !== 0) throw new Error(`Cannot measure: predict ended with ${status}`)
  return { seconds: (performance.now() - startedAt) / 1000, peak, bytes: statSync(output).size }
}

const folder = temporaryFolder()
try {
  const data = join(folder, 'data')
  registerExample(data, false)
  const input = join(folder, 'customers.csv')
  await writeRows(input)
  const wcAt = performance.now()
  execFileSync('taskset', ['-c', '0', 'wc', '-l', input])
  const wcSeconds = (performance.now() - wcAt) / 1000
  const lines = [
    `${rows} rows of 7 features, ${gaps * 100} % of the cells missing, ${(statSync(input).size / 1e6).toFixed(0)} MB of CSV; ${machine()}`,
    `  wc -l of it: ${wcSeconds.toFixed(1)} s`,
  ]
  for (const [name, core] of [
    ['one core, one thread', 0],
    [`${availableParallelism()} cores`, undefined],
  ] as const) {
    for (const format of ['parquet', 'csv'] as const) {
      const { seconds, peak, bytes } = await score(data, input, join(folder, `scored.${format}`), core)
      const rate = rows / seconds / 1e6
      lines.push(
        `  to ${format}, ${name}: ${seconds.toFixed(1)} s, ${rate.toFixed(2)} million rows/s, at most ${(peak / 1e6).toFixed(0)} MB; ${(bytes / 1e6).toFixed(0)} MB written`,
      )
    }
  }
  process.stdout.write(`${lines.join('\n')}\n`)
} finally {
  remove(folder)
}

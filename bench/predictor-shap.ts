/**
 * Exact SHAP values: our kernels, our float64 path, shap's C extension and the library that the model comes from, on the same
 * rows (5 % of them missing), on one core, in turns.
 *
 *   node bench/predictor-shap.ts [--models small,large,deep,categorical,leaves] [--rounds 3] [--python PATH]
 *
 * Makes a Python environment of its own in the temporary folder (kept for the next run), or uses the interpreter given.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Explainer } from '../src/predictor/explainer.ts'
import { fastTreeShap } from '../src/predictor/kernels/fast-tree-shap.ts'
import { loadArtifact } from '../src/predictor/load-artifact.ts'
import type { Model } from '../src/predictor/model.ts'
import { treeShap } from '../src/predictor/shap/tree-shap.ts'
import { hasProgram, machine, median, remove, temporaryFolder } from './processes.ts'

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: 'small,large,deep,categorical,leaves' },
    rounds: { type: 'string', default: '3' },
    python: { type: 'string' },
  },
})
const PACKAGES = ['shap==0.51.0', 'xgboost-cpu==3.2.0', 'lightgbm==4.7.0', 'scikit-learn==1.9.1']
const ROUNDS = Number(values.rounds)
/** How long each measurement should take, seconds. */
const SPAN = 0.5
const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** What each model is, and how much faster than shap's C extension it shall be explained; single rows in µs. */
const MODELS: Readonly<Record<string, { what: string; ending: string; target?: number; single?: number }>> = {
  small: { what: 'XGBoost, 7 features × 100 trees × depth 6', ending: 'json', target: 200, single: 5 },
  large: { what: 'XGBoost, 30 × 500 × 6', ending: 'json', target: 60, single: 110 },
  deep: { what: 'XGBoost, 7 × 100 × 10', ending: 'json', target: 20 },
  categorical: { what: 'XGBoost, 4 numbers and 3 categories × 100 × 6', ending: 'json' },
  leaves: { what: 'LightGBM, 7 × 100 × 31 leaves', ending: 'txt' },
}

function interpreter(): string {
  if (values.python !== undefined) return values.python
  const folder = join(tmpdir(), 'bellwether-bench-shap')
  const python = join(folder, 'bin/python')
  if (!existsSync(join(folder, 'bin/pip'))) execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' })
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { stdio: 'inherit' })
  return python
}

interface Peers {
  readonly versions: string
  /** Seconds that a peer took for so many rows. */
  ask(model: string, peer: string, rows: number): Promise<number>
  stop(): void
}

async function startPeers(folder: string, models: string): Promise<Peers> {
  const script = fileURLToPath(new URL('predictor-shap.py', import.meta.url))
  const child: ChildProcess = spawn(interpreter(), [script, folder, models], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('Cannot go on: Python ended')
    return value
  }
  return {
    versions: await line(),
    async ask(model, peer, rows) {
      child.stdin!.write(`${model} ${peer} ${rows}\n`)
      return Number(await line())
    },
    stop: () => void child.kill(),
  }
}

/** Rows a second of a peer; the first question finds how many rows fill the span. */
async function rate(peers: Peers, model: string, peer: string, known: Map<string, number>): Promise<number> {
  const key = `${model} ${peer}`
  if (!known.has(key)) known.set(key, Math.max(8, Math.ceil((SPAN * 8) / (await peers.ask(model, peer, 8)))))
  const rows = known.get(key)!
  if (Number.isNaN(rows)) return rows
  return rows / (await peers.ask(model, peer, rows))
}

function doubles(path: string): Float64Array {
  const bytes = readFileSync(path)
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

/** Rows a second, all rows at once. */
function ownRate(explainer: Explainer, rows: Float64Array, count: number): number {
  const out = new Float64Array(count * explainer.featureCount)
  let done = 0
  const started = performance.now()
  while (performance.now() - started < SPAN * 1000) {
    explainer.explain(rows, count, out)
    done += count
  }
  return (done / (performance.now() - started)) * 1000
}

/** µs for a row that comes alone. */
function ownSingle(explainer: Explainer, rows: Float64Array): number {
  const width = explainer.featureCount
  const single = Array.from({ length: 256 }, (_, row) => rows.subarray(row * width, (row + 1) * width))
  const out = new Float64Array(width)
  let done = 0
  const started = performance.now()
  while (performance.now() - started < SPAN * 1000) {
    for (const row of single) explainer.explain(row, 1, out)
    done += single.length
  }
  return ((performance.now() - started) / done) * 1000
}

function furthest(explainer: Explainer, rows: Float64Array, wanted: Float64Array): number {
  const out = new Float64Array(wanted.length)
  explainer.explain(rows, wanted.length / explainer.featureCount, out)
  return out.reduce((most, value, index) => Math.max(most, Math.abs(value - wanted[index]!)), 0)
}

function loaded(path: string): Model | undefined {
  try {
    return loadArtifact(readFileSync(path))
  } catch (error) {
    say(`  not loaded: ${(error as Error).message}`)
    return undefined
  }
}

async function measure(name: string, folder: string, peers: Peers): Promise<void> {
  const { what, ending, target, single } = MODELS[name]!
  say(`\n${name}: ${what}`)
  const model = loaded(join(folder, `${name}.${ending}`))
  if (model?.kind !== 'forest') return
  const started = performance.now()
  const fast = fastTreeShap(model)
  if (fast === undefined) return say('  no kernel takes it')
  const built = performance.now() - started
  const rows = doubles(join(folder, `${name}.rows`))
  const reference = treeShap(model)
  const sizes = new Map<string, number>()
  const samples: Record<string, number[]> = { shap: [], library: [], scalar: [], kernels: [], single: [] }
  for (let round = 0; round < ROUNDS; round++) {
    samples['shap']!.push(await rate(peers, name, 'shap', sizes))
    samples['kernels']!.push(ownRate(fast, rows, rows.length / fast.featureCount))
    samples['library']!.push(await rate(peers, name, 'library', sizes))
    samples['single']!.push(ownSingle(fast, rows))
    samples['scalar']!.push(ownRate(reference, rows, 64))
  }
  const middle = (key: string): number => median(samples[key]!)
  const ratio = median(samples['kernels']!.map((own, round) => own / samples['shap']![round]!))
  const toLibrary = median(samples['kernels']!.map((own, round) => own / samples['library']![round]!))
  const wanted = doubles(join(folder, `${name}.contributions`))
  say(
    `  rows/s: shap's C ${middle('shap').toFixed(0)} · library ${middle('library').toFixed(0)} · ours in float64 ${middle('scalar').toFixed(0)} · kernels ${middle('kernels').toFixed(0)}`,
  )
  say(
    `  kernels ÷ shap's C ${ratio.toFixed(0)}${target === undefined ? '' : ` (wanted ${target})`} · ÷ library ${toLibrary.toFixed(0)}`,
  )
  say(
    `  one row ${middle('single').toFixed(1)} µs${single === undefined ? '' : ` (wanted ${single})`} · made in ${built.toFixed(0)} ms, ${(fast.bytes / 2 ** 20).toFixed(1)} MiB`,
  )
  say(
    `  furthest from the library: kernels ${furthest(fast, rows, wanted).toExponential(1)}, float64 ${furthest(reference, rows, wanted).toExponential(1)}`,
  )
}

if (hasProgram('taskset')) execFileSync('taskset', ['-acp', '1', String(process.pid)], { stdio: 'ignore' })
const folder = temporaryFolder()
const peers = await startPeers(folder, values.models)
try {
  say(`${machine()}; ${peers.versions}; medians of ${ROUNDS} rounds, one core`)
  for (const name of values.models.split(',')) await measure(name, folder, peers)
} finally {
  peers.stop()
  remove(folder)
}

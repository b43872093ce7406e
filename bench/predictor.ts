/**
 * Predictions: our kernels, our scalar path, the library that the model comes from, and compilers and run times for its kind, on
 * the same rows (5 % of the values missing), on one core, in turns. Explanations: bench/predictor-shap.ts.
 *
 *   npm run bench:predictor -- [--models small,large,leaves,deep,categorical] [--peers library,…] [--rounds 5]
 *   [--python PATH]
 *
 * Makes a Python environment of its own in the temporary folder (kept for the next run), or uses the interpreter given.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Forest } from '../src/predictor/forest.ts'
import { fastPredictor } from '../src/predictor/kernels/fast-predictor.ts'
import { loadArtifact } from '../src/predictor/load-artifact.ts'
import type { Predictor } from '../src/predictor/predictor.ts'
import { hasProgram, machine, median, remove, temporaryFolder } from './processes.ts'

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: 'small,large,leaves,deep,categorical' },
    rounds: { type: 'string', default: '5' },
    peers: { type: 'string', default: 'library,onnxruntime,treelite,tl2cgen' },
    python: { type: 'string' },
  },
})
/** The libraries that are compared with; then those that do without where they cannot be had. */
const PACKAGES = ['xgboost-cpu==3.2.0', 'lightgbm==4.7.0', 'scikit-learn==1.9.1']
const OPTIONAL = [
  ['onnxruntime==1.32.0', 'onnxmltools==1.16.0', 'skl2onnx==1.20.0'],
  ['treelite==4.8.1', 'tl2cgen==1.0.0'],
]
const PEERS = values.peers.split(',')
const ROUNDS = Number(values.rounds)
/** How long a measurement should take, seconds: short, so that what else the machine does falls on all alike. */
const SPAN = 0.2
const say = (text: string): void => void process.stdout.write(`${text}\n`)

interface Subject {
  readonly what: string
  readonly ending: string
  /** How many times the library's rows a second are wanted. */
  readonly target: number
  /** µs wanted for a row that comes alone. */
  readonly single?: number
}

const MODELS: Readonly<Record<string, Subject>> = {
  small: { what: 'XGBoost, 7 features × 100 trees × depth 6', ending: 'json', target: 6, single: 0.5 },
  large: { what: 'XGBoost, 30 × 500 × 6', ending: 'json', target: 3, single: 2.5 },
  leaves: { what: 'LightGBM, 7 × 100 × 31 leaves', ending: 'txt', target: 6 },
  deep: { what: 'XGBoost, 7 × 100 × 10', ending: 'json', target: 2 },
  categorical: { what: 'XGBoost, 4 numbers and 3 categories × 100 × 6', ending: 'json', target: 2 },
}

function interpreter(): string {
  if (values.python !== undefined) return values.python
  const folder = join(tmpdir(), 'bellwether-bench-predictor')
  const python = join(folder, 'bin/python')
  if (!existsSync(join(folder, 'bin/pip'))) execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' })
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
  execFileSync(python, [...install, ...PACKAGES], { stdio: 'inherit' })
  for (const some of OPTIONAL) spawnSync(python, [...install, ...some], { stdio: 'inherit' })
  return python
}

interface Peers {
  readonly versions: string
  /** Seconds that a peer took for so many rows; NaN where it is not there or does not take the model. */
  ask(model: string, peer: string, rows: number): Promise<number>
  stop(): void
}

async function startPeers(folder: string): Promise<Peers> {
  const script = fileURLToPath(new URL('predictor.py', import.meta.url))
  const child: ChildProcess = spawn(interpreter(), [script, folder, values.models, values.peers], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
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

const known = new Map<string, number>()

/** Rows a second of a peer; the first questions find how many rows fill the span. */
async function rate(peers: Peers, model: string, peer: string): Promise<number> {
  const key = `${model} ${peer}`
  if (!known.has(key)) {
    await peers.ask(model, peer, 1024)
    known.set(key, Math.ceil(Math.max(1024, (SPAN * 8192) / (await peers.ask(model, peer, 8192)))))
  }
  const rows = known.get(key)!
  return Number.isNaN(rows) ? rows : rows / (await peers.ask(model, peer, rows))
}

function doubles(path: string): Float64Array {
  const bytes = readFileSync(path)
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

/** Rows a second, answers with their link function, all rows at once. */
function ownRate(predictor: Predictor, rows: Float64Array): number {
  const count = rows.length / predictor.features.length
  const out = new Float64Array(count)
  let done = 0
  const started = performance.now()
  while (performance.now() - started < SPAN * 1000) {
    predictor.predict(rows, count, out)
    done += count
  }
  return (done / (performance.now() - started)) * 1000
}

/** µs for a row that comes alone. */
function ownSingle(predictor: Predictor, rows: Float64Array): number {
  const width = predictor.features.length
  const single = Array.from({ length: 1024 }, (_, row) => rows.subarray(row * width, (row + 1) * width))
  const out = new Float64Array(1)
  let done = 0
  const started = performance.now()
  while (performance.now() - started < SPAN * 1000) {
    for (const row of single) predictor.predict(row, 1, out)
    done += single.length
  }
  return ((performance.now() - started) / done) * 1000
}

function furthest(predictor: Predictor, rows: Float64Array, wanted: Float64Array): number {
  const out = new Float64Array(wanted.length)
  predictor.predict(rows, wanted.length, out)
  return out.reduce((most, value, index) => Math.max(most, Math.abs(value - wanted[index]!)), 0)
}

function loaded(path: string): Forest | undefined {
  try {
    const model = loadArtifact(readFileSync(path))
    return model.kind === 'forest' ? model : undefined
  } catch (error) {
    say(`  not loaded: ${(error as Error).message}`)
    return undefined
  }
}

const rounded = (value: number): string =>
  Number.isNaN(value) ? '–' : value >= 1e6 ? `${(value / 1e6).toFixed(2)} M` : `${(value / 1e3).toFixed(0)} k`

async function measure(name: string, folder: string, peers: Peers): Promise<void> {
  const { what, ending, target, single } = MODELS[name]!
  say(`\n${name}: ${what}`)
  const forest = loaded(join(folder, `${name}.${ending}`))
  if (forest === undefined) return
  const started = performance.now()
  const fast = fastPredictor(forest, { now: () => performance.now() })
  const built = performance.now() - started
  const scalar = fastPredictor(forest, { kind: 'scalar' })
  const rows = doubles(join(folder, `${name}.rows`))
  const samples: Record<string, number[]> = { kernel: [], scalar: [], single: [], scalarSingle: [] }
  for (const peer of PEERS) samples[peer] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const peer of PEERS) samples[peer]!.push(await rate(peers, name, peer))
    samples['kernel']!.push(ownRate(fast, rows))
    samples['scalar']!.push(ownRate(scalar, rows))
    samples['single']!.push(ownSingle(fast, rows))
    samples['scalarSingle']!.push(ownSingle(scalar, rows))
  }
  const middle = (key: string): number => median(samples[key]!)
  const times = (key: string): string => {
    const ratio = median(samples['kernel']!.map((own, round) => own / samples[key]![round]!))
    return Number.isNaN(ratio) ? '' : ` (${ratio.toFixed(1)}×${key === 'library' ? `, wanted ${target}×` : ''})`
  }
  say(`  rows/s: kernel ${rounded(middle('kernel'))}; against it:`)
  for (const key of [...PEERS, 'scalar']) say(`    ${key.padEnd(12)} ${rounded(middle(key))}${times(key)}`)
  const wanted = single === undefined ? '' : ` (wanted ${single})`
  say(`  one row: ${middle('single').toFixed(2)} µs${wanted}, scalar ${middle('scalarSingle').toFixed(2)} µs`)
  say(`  made in ${built.toFixed(0)} ms, ${(fast.bytes / 2 ** 20).toFixed(1)} MiB`)
  const answers = doubles(join(folder, `${name}.answers`))
  say(`  furthest from the library's answers: ${furthest(fast, rows, answers).toExponential(1)}`)
}

if (hasProgram('taskset')) execFileSync('taskset', ['-acp', '1', String(process.pid)], { stdio: 'ignore' })
const folder = temporaryFolder()
const peers = await startPeers(folder)
try {
  say(`${machine()}; ${peers.versions}; medians of ${ROUNDS} rounds, one core`)
  for (const name of values.models.split(',')) await measure(name, folder, peers)
} finally {
  peers.stop()
  remove(folder)
}

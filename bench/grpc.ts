/**
 * How many gRPC calls a second one core answers: ours with everything on (validation, policy, the record before the answer, log,
 * metrics, drift), beside Python's `grpc.aio` that sends the same messages back and does nothing else.
 *
 *   npm run bench:grpc [-- --seconds 10 --rounds 3 --connections 8 --calls 8]
 *
 * Both are asked by `grpc-load.ts`: one row of seven features as one raw FP64 tensor. Servers are pinned to one core, the load to
 * another; rounds alternate, and the median is told. Python's environment is made in the folder for temporary files.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { features, sample } from '../examples/churn/bank.ts'
import type { GrpcLoadPlan, GrpcLoadResult } from './grpc-load.ts'
import {
  cpuSeconds,
  freePort,
  machine,
  pinned,
  ROOT,
  registerExample,
  remove,
  startServer,
  temporaryFolder,
} from './processes.ts'

const run = promisify(execFile)
const SERVER_CORE = 0
const LOAD_CORE = 1
const PACKAGES = ['tritonclient[grpc]==2.73.0']
const OIP = '/inference.GRPCInferenceService/ModelInfer'
const OWN = '/bellwether.v1.PredictionService/Predict'
const TARGET = 3.5

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '8' },
    calls: { type: 'string', default: '8' },
  },
})

interface Asked {
  readonly name: string
  readonly address: string
  readonly pid: number
  readonly path: string
  readonly message: Buffer
}

interface Round {
  readonly rate: number
  /** Processor microseconds of the server for each call. */
  readonly cpuUs: number
}

function pythonOf(): string {
  const folder = join(tmpdir(), 'bellwether-bench-grpc')
  const python = join(folder, 'bin/python')
  if (!existsSync(join(folder, 'bin/pip'))) execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' })
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES], {
    stdio: 'inherit',
  })
  return python
}

async function startPython(): Promise<{ readonly address: string; readonly child: ChildProcess }> {
  const [program, args] = pinned(SERVER_CORE, [pythonOf(), join(ROOT, 'bench/grpc_echo.py')])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const address = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('Cannot start the server in Python')))
    child.stdout!.once('data', (text: Buffer) => resolve(text.toString().trim()))
  })
  return { address, child }
}

/** Fields of up to 127 bytes, which these all are. */
function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  if (bytes.length > 127) throw new Error(`Cannot write field ${number}: it has ${bytes.length} bytes`)
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes])
}

function rowOf(): { readonly names: readonly string[]; readonly values: Buffer } {
  const row = features(sample('bench', 1)[0]!)
  const numbers = Object.values(row).map(Number)
  const values = Buffer.alloc(numbers.length * 8)
  for (const [at, number] of numbers.entries()) values.writeDoubleLE(number, at * 8)
  return { names: Object.keys(row), values }
}

function inferMessage(): Buffer {
  const { names, values } = rowOf()
  const shape = Buffer.from([1, names.length])
  const tensor = Buffer.concat([field(1, 'input-0'), field(2, 'FP64'), field(3, shape)])
  return Buffer.concat([field(1, 'churn'), field(5, tensor), field(7, values)])
}

function predictMessage(): Buffer {
  const { names, values } = rowOf()
  const table = Buffer.concat([...names.map(name => field(1, name)), field(2, values)])
  const length = Buffer.from([(table.length & 0x7f) | 0x80, table.length >> 7])
  return Buffer.concat([field(1, 'churn'), Buffer.from([5 * 8 + 2]), length, table])
}

async function measure({ address, pid, path, message }: Asked): Promise<Round> {
  const plan: GrpcLoadPlan = {
    address,
    path,
    message: message.toString('base64'),
    connections: Number(values.connections),
    calls: Number(values.calls),
    seconds: Number(values.seconds),
    warmSeconds: 4,
  }
  const [program, args] = pinned(LOAD_CORE, [process.execPath, join(ROOT, 'bench/grpc-load.ts'), JSON.stringify(plan)])
  const [before, started] = [cpuSeconds(pid), performance.now()]
  const { stdout } = await run(program, args)
  const used = cpuSeconds(pid) - before
  const { calls, failures, seconds } = JSON.parse(stdout) as GrpcLoadResult
  if (failures > 0 || calls === 0) throw new Error(`Cannot compare: ${failures} of ${calls} calls failed at ${path}`)
  const rate = calls / seconds
  const busySeconds = (performance.now() - started) / 1000
  return { rate, cpuUs: (used / (rate * Math.min(busySeconds, seconds + plan.warmSeconds))) * 1e6 }
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!
}

async function compare(all: readonly Asked[]): Promise<void> {
  const rounds = new Map<string, Round[]>(all.map(({ name }) => [name, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const asked of all) rounds.get(asked.name)!.push(await measure(asked))
  }
  const base = median(rounds.get('grpc.aio, echo')!.map(({ rate }) => rate))
  process.stdout.write(`${machine()}; ${values.connections} connections with ${values.calls} calls each\n`)
  for (const [name, found] of rounds) {
    const rate = median(found.map(round => round.rate))
    const cpuUs = median(found.map(round => round.cpuUs))
    const share = `${(rate / base).toFixed(2)} × grpc.aio`
    process.stdout.write(
      `${name.padEnd(22)} ${rate.toFixed(0).padStart(7)} calls/s  ${cpuUs.toFixed(1).padStart(6)} µs  ${share}\n`,
    )
  }
  process.stdout.write(`target of both of ours: ${TARGET} × grpc.aio\n`)
}

const folder = temporaryFolder()
const python = await startPython()
const data = join(folder, 'data')
registerExample(data)
const port = await freePort()
const ours = await startServer(data, SERVER_CORE, ['--grpc-port', String(port)])
try {
  const address = `127.0.0.1:${port}`
  await compare([
    { name: 'grpc.aio, echo', address: python.address, pid: python.child.pid!, path: OIP, message: inferMessage() },
    { name: 'ours, ModelInfer', address, pid: ours.pid, path: OIP, message: inferMessage() },
    { name: 'ours, Predict', address, pid: ours.pid, path: OWN, message: predictMessage() },
  ])
} finally {
  await ours.stop()
  python.child.kill('SIGTERM')
  remove(folder)
}

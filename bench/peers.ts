/**
 * The Python servers that we are compared with: each in an environment of its own, with one worker on one core, the same model
 * and the same rows in its own protocol, set up for speed where its documentation says how. Their answers are held against ours first.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, hasProgram, type Measured, pinned, reachable } from './processes.ts'

const HERE = fileURLToPath(new URL('peers/', import.meta.url))
const MODEL = fileURLToPath(new URL('../examples/churn/model.json', import.meta.url))
/** Python servers import hundreds of modules first, on one core. */
const START_MS_MAX = 120_000
const TOLERANCE = 1e-5

type Row = Readonly<Record<string, number>>

interface Peer {
  readonly name: string
  /** Each group is one run of pip; what begins with a dash is an option of it. */
  readonly packages: readonly (readonly string[])[]
  /** What is told of its environment. */
  readonly told: readonly string[]
  /** How many times its requests a second are wanted of us. */
  readonly target: number
  readonly path: string
  readonly healthPath: string
  body(row: Row): unknown
  probability(answer: unknown): unknown
  /** Writes what it needs into its folder. @returns the command that serves on the port. */
  prepare(python: string, folder: string, port: number): Promise<readonly string[]>
  readonly env?: (folder: string) => Readonly<Record<string, string>>
}

const bin = (python: string, program: string): string => join(python, '..', program)
const run = (program: string, args: readonly string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: environment() })

function environment(): NodeJS.ProcessEnv {
  // None of them shall tell anybody that it is measured.
  return { ...process.env, DO_NOT_TRACK: 'true', BENTOML_DO_NOT_TRACK: 'true', MLFLOW_DISABLE_TELEMETRY: 'true' }
}

const converter = ['onnxmltools==1.16.0', 'skl2onnx==1.20.0', 'xgboost-cpu==3.2.0']
const toOnnx = (python: string, folder: string): void =>
  void run(python, [join(HERE, 'convert.py'), MODEL, join(folder, 'model.onnx')])
const withOnnx = (folder: string): Record<string, string> => ({ MODEL: join(folder, 'model.onnx') })
const named = (answer: unknown): unknown => (answer as Row)['churn_probability']

export const PEERS: Readonly<Record<string, Peer>> = {
  fastapi: {
    name: 'FastAPI + ONNX Runtime, nothing else on',
    packages: [['fastapi==0.165.0', 'uvicorn[standard]==0.54.0', 'onnxruntime==1.32.0', ...converter]],
    told: ['fastapi', 'uvicorn', 'uvloop', 'onnxruntime'],
    target: 5,
    path: '/predict',
    healthPath: '/openapi.json',
    body: row => row,
    probability: named,
    async prepare(python, folder, port) {
      toOnnx(python, folder)
      const options = ['--no-access-log', '--loop', 'uvloop', '--http', 'httptools', '--log-level', 'warning']
      return [bin(python, 'uvicorn'), 'fastapi_app:app', '--app-dir', HERE, '--port', String(port), ...options]
    },
    env: withOnnx,
  },
  mlserver: {
    name: 'MLServer, XGBoost',
    // Without the dependency on `xgboost`, which is the same library with half a gigabyte for GPUs.
    packages: [
      ['mlserver==1.7.1', 'uvloop<0.22', 'xgboost-cpu==3.2.0', 'scikit-learn==1.9.1'],
      ['--no-deps', 'mlserver-xgboost==1.7.1'],
    ],
    told: ['mlserver', 'mlserver-xgboost', 'xgboost-cpu'],
    target: 35,
    path: '/v2/models/churn/infer',
    healthPath: '/v2/models/churn/ready',
    body: row => ({ inputs: [{ name: 'x', shape: [1, 7], datatype: 'FP32', data: Object.values(row) }] }),
    probability: answer => (answer as { outputs: { data: number[] }[] }).outputs[0]?.data[0],
    async prepare(python, folder, port) {
      // Rows come without names. As text: its 0.0 must not become 0, which its reader does not take.
      const bare = readFileSync(MODEL, 'utf8').replace(/"feature_names":\[[^\]]*\]/, '"feature_names":[]')
      writeFileSync(join(folder, 'model.json'), bare)
      const implementation = 'mlserver_xgboost.XGBoostModel'
      const parameters = { uri: './model.json' }
      writeFileSync(join(folder, 'model-settings.json'), JSON.stringify({ name: 'churn', implementation, parameters }))
      // In the process itself: a worker of its own is slower where there is one core.
      const settings = {
        host: '127.0.0.1',
        http_port: port,
        grpc_port: await freePort(),
        metrics_port: await freePort(),
      }
      writeFileSync(join(folder, 'settings.json'), JSON.stringify({ ...settings, parallel_workers: 0, debug: false }))
      return [bin(python, 'mlserver'), 'start', folder]
    },
  },
  bentoml: {
    name: 'BentoML + ONNX Runtime',
    packages: [['bentoml==1.4.39', 'onnxruntime==1.32.0', ...converter]],
    told: ['bentoml', 'onnxruntime'],
    target: 0,
    path: '/predict',
    healthPath: '/readyz',
    body: row => row,
    probability: named,
    async prepare(python, folder, port) {
      toOnnx(python, folder)
      const place = ['--host', '127.0.0.1', '--port', String(port)]
      return [bin(python, 'bentoml'), 'serve', 'bentoml_service:Churn', '--working-dir', HERE, ...place]
    },
    env: folder => ({ ...withOnnx(folder), BENTOML_HOME: join(folder, 'home') }),
  },
  mlflow: {
    name: '`mlflow models serve`',
    packages: [['mlflow==3.17.2', 'xgboost-cpu==3.2.0']],
    told: ['mlflow', 'xgboost-cpu'],
    target: 100,
    path: '/invocations',
    healthPath: '/health',
    body: row => ({ dataframe_split: { columns: Object.keys(row), data: [Object.values(row)] } }),
    probability: answer => (answer as { predictions: number[] }).predictions[0],
    async prepare(python, folder, port) {
      run(python, [join(HERE, 'save_mlflow.py'), MODEL, join(folder, 'model')])
      const options = ['--env-manager', 'local', '--workers', '1', '--host', '127.0.0.1', '--port', String(port)]
      return [bin(python, 'mlflow'), 'models', 'serve', '--model-uri', join(folder, 'model'), ...options]
    },
  },
}

export interface StartedPeer extends Peer {
  /** e.g. `fastapi 0.165.0, uvicorn 0.54.0`. */
  readonly versions: string
  readonly server: Measured
  /** File of its bodies. */
  readonly bodies: string
}

/**
 * @param rows the same that everybody is asked.
 * @param wanted what we answer to the first of them.
 */
export async function startPeer(
  id: string,
  core: number,
  folder: string,
  rows: readonly Readonly<Record<string, number | boolean>>[],
  wanted: number,
): Promise<StartedPeer> {
  const peer = PEERS[id]
  if (peer === undefined) throw new Error(`Cannot compare with ${id}: wanted one of ${Object.keys(PEERS).join(', ')}`)
  const python = environmentOf(id, peer)
  const own = join(folder, id)
  mkdirSync(own)
  const bodies = join(own, 'bodies.jsonl')
  const numbers = rows.map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)])))
  writeFileSync(bodies, `${numbers.map(row => JSON.stringify(peer.body(row))).join('\n')}\n`)
  const port = await freePort()
  const command = await peer.prepare(python, own, port)
  const server = await serve(peer, command, { core, own, port, binaries: join(python, '..') })
  try {
    await holdAgainst(peer, server, JSON.stringify(peer.body(numbers[0]!)), wanted)
  } catch (error) {
    await server.stop()
    throw error
  }
  const versions = run(python, ['-m', 'pip', 'list', '--format', 'freeze', '--disable-pip-version-check'])
  const told = peer.told.map(name => new RegExp(`^${name}==(.*)$`, 'm').exec(versions)?.[1] ?? 'unknown')
  return { ...peer, versions: peer.told.map((name, i) => `${name} ${told[i]}`).join(', '), server, bodies }
}

/** Kept for the next run, as long as the packages are the same. @returns its interpreter. */
function environmentOf(id: string, { packages }: Peer): string {
  const hash = createHash('sha256').update(JSON.stringify(packages)).digest('hex').slice(0, 12)
  const environment = join(tmpdir(), `bellwether-bench-${id}-${hash}`)
  const python = join(environment, 'bin/python')
  const done = join(environment, 'installed')
  if (existsSync(done)) return python
  process.stderr.write(`making an environment for ${id}; this takes a minute or two, once\n`)
  rmSync(environment, { recursive: true, force: true })
  const base = ['python3.11', 'python3.12', 'python3'].find(hasProgram) ?? 'python3'
  run(base, ['-m', 'venv', environment])
  for (const group of packages) {
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...group])
  }
  writeFileSync(done, '')
  return python
}

interface Place {
  readonly core: number
  readonly own: string
  readonly port: number
  readonly binaries: string
}

async function serve(
  { healthPath, env }: Peer,
  command: readonly string[],
  { core, own, port, binaries }: Place,
): Promise<Measured> {
  const log = openSync(join(own, 'log.txt'), 'a')
  const [program, args] = pinned(core, command)
  const child = spawn(program, args, {
    stdio: ['ignore', log, log],
    cwd: own,
    // Its helpers end with it: they are a group of their own.
    detached: true,
    // Some start others of their environment by name.
    env: { ...environment(), PATH: `${binaries}:${process.env['PATH']}`, OMP_NUM_THREADS: '1', ...env?.(own) },
  })
  const url = `http://127.0.0.1:${port}`
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, signal)
    } catch {
      // All of them are gone already.
    }
  }
  // However we end: whoever leads a group is not ended with us.
  const killAtExit = (): void => kill('SIGKILL')
  process.once('exit', killAtExit)
  const stop = async (): Promise<void> => {
    process.removeListener('exit', killAtExit)
    kill('SIGTERM')
    const insist = setTimeout(() => kill('SIGKILL'), 10_000)
    await gone
    clearTimeout(insist)
    kill('SIGKILL')
  }
  try {
    await reachable(url + healthPath, child, START_MS_MAX)
  } catch (error) {
    await stop()
    throw new Error(`${(error as Error).message}${readFileSync(join(own, 'log.txt'), 'utf8').slice(-2000)}`)
  }
  return { url, pid: child.pid!, stop }
}

async function holdAgainst(
  { path, probability, name }: Peer,
  { url }: Measured,
  body: string,
  wanted: number,
): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(url + path, { method: 'POST', headers, body })
  const text = await answer.text()
  const found = answer.ok ? Number(probability(JSON.parse(text))) : Number.NaN
  if (Math.abs(found - wanted) <= TOLERANCE) return
  throw new Error(`Cannot compare with ${name}: it answers ${text.slice(0, 500)}, and we ${wanted}`)
}
